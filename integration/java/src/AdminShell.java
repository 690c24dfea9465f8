import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * mqadmin for many commands: one JVM instead of one for each. Reads a command per line, its words separated by tabs,
 * and answers with the number of bytes that mqadmin printed, a newline, and those bytes.
 *
 * Two commands are its own, so that mqadmin has something to look at: "!member nameServer topic group instance"
 * starts a consumer, and "!received" prints for each body that any of them got "checksum times".
 */
public final class AdminShell {
    private static final Inbox INBOX = new Inbox();

    public static void main(String[] args) throws Exception {
        PrintStream answers = System.out;
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = commands.readLine(); line != null; line = commands.readLine()) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            PrintStream screen = new PrintStream(printed, true, "UTF-8");
            System.setOut(screen);
            System.setErr(screen); // mqadmin prints the stack of an exception and goes on
            run(line.split("\t"), screen);
            screen.flush();
            answers.println(printed.size());
            printed.writeTo(answers);
            answers.flush();
        }
    }

    private static void run(String[] words, PrintStream screen) throws Exception {
        switch (words[0]) {
            case "!member":
                DefaultMQPushConsumer member = new DefaultMQPushConsumer(words[3]);
                member.setNamesrvAddr(words[1]);
                member.setInstanceName(words[4]);
                member.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
                member.subscribe(words[2], "*");
                INBOX.listenTo(member);
                member.start();
                return;
            case "!received":
                INBOX.counts().forEach((sum, times) -> screen.println(sum + " " + times));
                return;
            default:
                MQAdminStartup.main0(words, null);
        }
    }
}
