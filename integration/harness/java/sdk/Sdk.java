import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientConfigurationBuilder;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.consumer.SimpleConsumer;
import org.apache.rocketmq.client.apis.message.MessageBuilder;
import org.apache.rocketmq.client.apis.message.MessageView;
import org.apache.rocketmq.client.apis.producer.Producer;
import org.apache.rocketmq.client.apis.producer.SendReceipt;
import org.apache.rocketmq.client.apis.producer.Transaction;
import org.apache.rocketmq.client.apis.producer.TransactionResolution;

/** A process with clients of the Java SDK, which do what harness.SDK tells them. It is what gosdk is for the Go SDK. */
public final class Sdk {
    /** How long a simple consumer's receive waits for messages. It asks one queue at a time. */
    private static final Duration AWAIT = Duration.ofSeconds(1);
    private static final Gson GSON = new GsonBuilder()
        .registerTypeAdapter(byte[].class, (JsonSerializer<byte[]>) (b, type, context) -> new JsonPrimitive(Base64.getEncoder().encodeToString(b)))
        .registerTypeAdapter(byte[].class, (JsonDeserializer<byte[]>) (json, type, context) -> Base64.getDecoder().decode(json.getAsString()))
        .create();
    private static final ClientServiceProvider PROVIDER = ClientServiceProvider.loadService();

    private final PrintStream out;
    private final boolean plain;
    private final Map<String, Closeable> clients = new ConcurrentHashMap<>();
    private final List<MessageView> received = new ArrayList<>();
    private final AtomicInteger checked = new AtomicInteger();

    private Sdk(PrintStream out, boolean plain) {
        this.out = out;
        this.plain = plain;
    }

    static final class Command {
        int id;
        String client;
        String endpoints;
        String topic;
        String group;
        String filter;
        boolean sql;
        byte[] body = new byte[0];
        String tag;
        List<String> keys;
        String order;
        long deliver_at;
        Map<String, String> properties;
        String outcome;
        String handle;
        int max;
        long millis;
        int message;
        @com.google.gson.annotations.SerializedName("do")
        String what;
    }

    static final class Reply {
        int id;
        String client;
        String error;
        String message_id;
        String recall_handle;
        int checked;
        List<Message> messages;
    }

    static final class Message {
        int number;
        String id;
        String topic;
        byte[] body;
        String tag;
        List<String> keys;
        String order;
        Map<String, String> properties;
        int attempt;
    }

    /** The argument "plain" is for clients without TLS; with it is what clients do unless told otherwise. */
    public static void main(String[] args) throws Exception {
        Sdk sdk = new Sdk(System.out, args.length > 0);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        ExecutorService threads = Executors.newCachedThreadPool();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Command c = GSON.fromJson(line, Command.class);
            threads.execute(() -> sdk.run(c));
        }
        System.exit(0);
    }

    private void say(Reply reply) {
        byte[] line = (GSON.toJson(reply) + "\n").getBytes(StandardCharsets.UTF_8);
        synchronized (out) {
            out.write(line, 0, line.length);
            out.flush();
        }
    }

    private void run(Command c) {
        Reply r = new Reply();
        try {
            carryOut(c, r);
        } catch (Throwable e) {
            r.error = e.toString();
        }
        r.id = c.id;
        say(r);
    }

    private void carryOut(Command c, Reply r) throws Exception {
        switch (c.what) {
            case "producer":
                clients.put(c.client, PROVIDER.newProducerBuilder().setClientConfiguration(configuration(c)).setTopics(c.topic)
                    .setTransactionChecker(this::check).build());
                return;
            case "simple consumer":
                clients.put(c.client, PROVIDER.newSimpleConsumerBuilder().setClientConfiguration(configuration(c)).setConsumerGroup(c.group)
                    .setAwaitDuration(AWAIT).setSubscriptionExpressions(subscription(c)).build());
                return;
            case "push consumer":
                clients.put(c.client, PROVIDER.newPushConsumerBuilder().setClientConfiguration(configuration(c)).setConsumerGroup(c.group)
                    .setSubscriptionExpressions(subscription(c)).setMessageListener(m -> consume(c.client, m)).build());
                return;
            case "send":
                send(c, r);
                return;
            case "recall":
                r.message_id = producer(c).recallMessage(c.topic, c.handle).getMessageId().toString();
                return;
            case "receive":
                r.messages = new ArrayList<>();
                for (MessageView m : consumer(c).receive(c.max, Duration.ofMillis(c.millis))) {
                    r.messages.add(keep(m));
                }
                return;
            case "ack":
                consumer(c).ack(view(c.message));
                return;
            case "change":
                consumer(c).changeInvisibleDuration(view(c.message), Duration.ofMillis(c.millis));
                return;
            case "checked":
                r.checked = checked.get();
                return;
            case "close":
                clients.remove(c.client).close();
                return;
            default:
                throw new IllegalArgumentException(c.what);
        }
    }

    private ClientConfiguration configuration(Command c) {
        ClientConfigurationBuilder b = ClientConfiguration.newBuilder().setEndpoints(c.endpoints);
        if (plain) {
            b.enableSsl(false);
        }
        if (c.millis > 0) {
            b.setRequestTimeout(Duration.ofMillis(c.millis));
        }
        return b.build();
    }

    private static Map<String, FilterExpression> subscription(Command c) {
        FilterExpression e = FilterExpression.SUB_ALL;
        if (c.sql) {
            e = new FilterExpression(c.filter, FilterExpressionType.SQL92);
        } else if (c.filter != null) {
            e = new FilterExpression(c.filter);
        }
        return Collections.singletonMap(c.topic, e);
    }

    private Producer producer(Command c) {
        return (Producer) clients.get(c.client);
    }

    private SimpleConsumer consumer(Command c) {
        return (SimpleConsumer) clients.get(c.client);
    }

    /** Ends a transaction as its message says. */
    private TransactionResolution check(MessageView m) {
        checked.incrementAndGet();
        return "commit".equals(m.getProperties().get("kind")) ? TransactionResolution.COMMIT : TransactionResolution.ROLLBACK;
    }

    private void send(Command c, Reply r) throws Exception {
        MessageBuilder b = PROVIDER.newMessageBuilder().setTopic(c.topic).setBody(c.body);
        if (c.tag != null) {
            b.setTag(c.tag);
        }
        if (c.keys != null) {
            b.setKeys(c.keys.toArray(new String[0]));
        }
        if (c.order != null) {
            b.setMessageGroup(c.order);
        }
        if (c.deliver_at > 0) {
            b.setDeliveryTimestamp(c.deliver_at);
        }
        if (c.properties != null) {
            c.properties.forEach(b::addProperty);
        }
        if (c.outcome == null) {
            receipt(producer(c).send(b.build()), r);
            return;
        }
        Transaction transaction = producer(c).beginTransaction();
        receipt(producer(c).send(b.build(), transaction), r);
        if (c.outcome.equals("commit")) {
            transaction.commit();
        } else if (c.outcome.equals("rollback")) {
            transaction.rollback();
        }
    }

    private static void receipt(SendReceipt receipt, Reply r) {
        r.message_id = receipt.getMessageId().toString();
        r.recall_handle = receipt.getRecallHandle();
    }

    /** Tells of a message, and fails as often as its property "refuse" says. */
    private ConsumeResult consume(String client, MessageView m) {
        Reply r = new Reply();
        r.client = client;
        r.messages = Collections.singletonList(keep(m));
        say(r);
        if (m.getDeliveryAttempt() <= Integer.parseInt(m.getProperties().getOrDefault("refuse", "0"))) {
            return ConsumeResult.FAILURE;
        }
        try {
            Thread.sleep(Integer.parseInt(m.getProperties().getOrDefault("pause_ms", "0")));
        } catch (InterruptedException e) {
            return ConsumeResult.FAILURE;
        }
        return ConsumeResult.SUCCESS;
    }

    private synchronized Message keep(MessageView v) {
        received.add(v);
        Message m = new Message();
        m.number = received.size();
        m.id = v.getMessageId().toString();
        m.topic = v.getTopic();
        ByteBuffer body = v.getBody().duplicate();
        m.body = new byte[body.remaining()];
        body.get(m.body);
        m.tag = v.getTag().orElse("");
        m.keys = new ArrayList<>(v.getKeys());
        m.order = v.getMessageGroup().orElse("");
        m.properties = v.getProperties();
        m.attempt = v.getDeliveryAttempt();
        return m;
    }

    private synchronized MessageView view(int number) {
        return received.get(number - 1);
    }
}
