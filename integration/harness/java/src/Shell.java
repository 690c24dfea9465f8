import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/**
 * Java clients and mqadmin on command, in one JVM. Reads a command per line, its words separated by tabs, and answers
 * with the number of bytes that it printed, a newline, and those bytes.
 *
 * "!member nameServer topic group instance" starts a consumer; "!received" prints "checksum times" for each body that
 * the members got; "!producer nameServer topic group instance" sends one message after the other until "!stop";
 * "!sent" prints "failed reason" for each send that failed and the checksum of each that did not. Everything else is a
 * command of mqadmin.
 */
public final class Shell {
    private static final Inbox INBOX = new Inbox();
    private static final List<String> SENT = new CopyOnWriteArrayList<>();
    private static volatile boolean sending;

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
                startMember(words[1], words[2], words[3], words[4]);
                return;
            case "!received":
                INBOX.counts().forEach((sum, times) -> screen.println(sum + " " + times));
                return;
            case "!producer":
                startProducer(words[1], words[2], words[3], words[4]);
                return;
            case "!stop":
                sending = false;
                return;
            case "!sent":
                SENT.forEach(screen::println);
                return;
            default:
                MQAdminStartup.main0(words, null);
        }
    }

    /** Starting asks for a route within 3 s, which a busy machine may not manage: then it is tried again. */
    private static void startMember(String nameServer, String topic, String group, String instance) throws Exception {
        for (int attempt = 1; ; attempt++) {
            DefaultMQPushConsumer member = new DefaultMQPushConsumer(group);
            member.setNamesrvAddr(nameServer);
            member.setInstanceName(instance);
            member.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            member.subscribe(topic, "*");
            INBOX.listenTo(member);
            try {
                member.start();
                return;
            } catch (MQClientException | IllegalStateException e) {
                if (attempt == 10) {
                    throw e;
                }
                member.shutdown();
            }
        }
    }

    /** With the settings that a producer has by default: 3 s for a send, which is tried three times. */
    private static void startProducer(String nameServer, String topic, String group, String instance) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(group);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(instance);
        producer.start();
        sending = true;
        Thread sender = new Thread(() -> {
            for (int i = 0; sending; i++) {
                byte[] body = Fixture.body(i, 300);
                try {
                    SendStories.sent(producer.send(new Message(topic, body)));
                    SENT.add(Fixture.sum(body));
                    Thread.sleep(10);
                } catch (Throwable e) {
                    SENT.add("failed " + e.toString().replace('\n', ' '));
                }
            }
        });
        sender.setDaemon(true);
        sender.start();
    }
}
