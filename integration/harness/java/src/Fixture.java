import java.security.MessageDigest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;

/** What one story uses: its clients, which are shut down when it is over, and its helpers. */
final class Fixture implements AutoCloseable {
    final Environment environment;
    private final String story;
    private final Deque<Runnable> closers = new ArrayDeque<>();

    Fixture(Environment environment, String story) {
        this.environment = environment;
        this.story = story;
    }

    String unique(String what) {
        return environment.unique(story + "-" + what);
    }

    String topic(int queuesPerBroker) throws Exception {
        return environment.topic(story, queuesPerBroker);
    }

    DefaultMQProducer producer() throws Exception {
        DefaultMQProducer p = new DefaultMQProducer(unique("producer"));
        prepare(p);
        p.start();
        return p;
    }

    /** A producer that is not started yet. */
    void prepare(DefaultMQProducer p) {
        p.setNamesrvAddr(environment.nameServer);
        p.setInstanceName(unique("client"));
        p.setSendMsgTimeout(20_000);
        p.setRetryTimesWhenSendFailed(0); // a retry would hide a send that was lost on the way
        p.setRetryTimesWhenSendAsyncFailed(0);
        onClose(p::shutdown);
    }

    TransactionMQProducer transactionProducer(TransactionListener listener) throws Exception {
        TransactionMQProducer p = new TransactionMQProducer(unique("producer"));
        prepare(p);
        // A broker can check back only with a producer that it knows from a heartbeat (default: each 30 s).
        p.setHeartbeatBrokerInterval(1000);
        p.setTransactionListener(listener);
        p.start();
        return p;
    }

    /** A push consumer that is neither subscribed nor started. */
    DefaultMQPushConsumer consumer(String group) {
        return prepared(new DefaultMQPushConsumer(group));
    }

    DefaultMQPushConsumer prepared(DefaultMQPushConsumer c) {
        c.setNamesrvAddr(environment.nameServer);
        c.setInstanceName(unique("client"));
        c.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        c.setConsumeThreadMin(2);
        c.setConsumeThreadMax(2);
        onClose(c::shutdown);
        return c;
    }

    void onClose(Runnable closer) {
        closers.push(closer);
    }

    @Override
    public void close() {
        closers.forEach(Runnable::run);
    }

    /** Bytes that no compression shortens, the same for the same seed. */
    static byte[] body(long seed, int size) {
        byte[] b = new byte[size];
        new Random(seed).nextBytes(b);
        return b;
    }

    static String sum(byte[] body) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
    }

    /** Waits for a condition. The time is far more than it takes: a slow machine must not fail a story. */
    static void await(String what, Callable<Boolean> condition) throws Exception {
        long end = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
        while (!condition.call()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("waited 3 minutes in vain for " + what);
            }
            Thread.sleep(50);
        }
    }

    static void check(boolean ok, String otherwise) {
        if (!ok) {
            throw new AssertionError(otherwise);
        }
    }

    static void equal(Object got, Object want, String what) {
        check(want.equals(got), what + ": got " + got + "; want " + want);
    }
}
