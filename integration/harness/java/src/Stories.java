import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs stories against one name server, all at the same time in one JVM, and prints one line for each:
 * "STORY name OK" or "STORY name FAIL reason". javaclient_test.go turns the lines into subtests.
 *
 * Arguments: name server, an id that makes topics and groups of this run unique, names of stories.
 */
public final class Stories {
    /** One story; it fails by throwing. */
    interface Story {
        void tell(Fixture fixture) throws Exception;
    }

    /** A story that waits longer than this is stuck. Single waits are shorter, see Fixture.await. */
    private static final long MINUTES_PER_STORY = 4;

    private static final PrintStream REPORT = System.out;

    public static void main(String[] args) throws Exception {
        Map<String, Story> stories = new LinkedHashMap<>();
        SendStories.addTo(stories);
        ConsumeStories.addTo(stories);
        GroupStories.addTo(stories);
        LaterStories.addTo(stories);
        TransactionStories.addTo(stories);
        QueryStories.addTo(stories);
        try { // those of one client version alone
            Class.forName("VersionStories").getDeclaredMethod("addTo", Map.class).invoke(null, stories);
        } catch (ClassNotFoundException e) {
            // this version has none
        }
        System.setOut(System.err); // clients print to it at times; the report must stay readable
        Environment environment;
        try {
            environment = new Environment(args[0], args[1]);
        } catch (Throwable e) {
            e.printStackTrace();
            Runtime.getRuntime().halt(1); // else the admin client's threads keep it alive
            return;
        }
        ExecutorService threads = Executors.newCachedThreadPool();
        Map<String, Future<?>> running = new LinkedHashMap<>();
        for (int i = 2; i < args.length; i++) {
            String name = args[i];
            Story story = stories.get(name);
            if (story == null) {
                report(name, "FAIL there is no such story for this client version");
                continue;
            }
            running.put(name, threads.submit(() -> run(name, story, environment)));
        }
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(MINUTES_PER_STORY);
        for (Map.Entry<String, Future<?>> each : running.entrySet()) {
            try {
                each.getValue().get(end - System.nanoTime(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                report(each.getKey(), "FAIL not over after " + MINUTES_PER_STORY + " minutes");
            }
        }
        Runtime.getRuntime().halt(0); // clients leave threads behind
    }

    private static void run(String name, Story story, Environment environment) {
        long start = System.nanoTime();
        try (Fixture fixture = new Fixture(environment, name)) {
            story.tell(fixture);
        } catch (Throwable e) {
            e.printStackTrace();
            report(name, "FAIL " + e);
            return;
        }
        report(name, "OK " + TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) + " ms");
    }

    private static synchronized void report(String name, String outcome) {
        REPORT.println("STORY " + name + " " + outcome.replace('\n', ' '));
        REPORT.flush();
    }
}
