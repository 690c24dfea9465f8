import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Every way to send. What was sent is consumed again and compared byte by byte. */
final class SendStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("SendSync", SendStories::sync);
        stories.put("SendAsync", SendStories::async);
        stories.put("SendOneway", SendStories::oneway);
        stories.put("SendBatch", SendStories::batch);
        stories.put("SendVipChannel", SendStories::vipChannel);
        stories.put("AutoCreateTopic", SendStories::autoCreateTopic);
        stories.put("ConsumeNewTopicAtOnce", SendStories::consumeNewTopicAtOnce);
    }

    /** From one byte to 3 MiB, bodies that compress and that do not, with properties. */
    private static void sync(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = new ArrayList<>();
        for (int size : new int[] {1, 2, 100, 4095, 4096, 4097, 70_000, 1 << 20, 3 << 20}) {
            bodies.add(Fixture.body(size, size));
        }
        bodies.add("the same again and again ".repeat(40_000).getBytes(StandardCharsets.UTF_8));
        for (byte[] body : bodies) {
            Message message = new Message(topic, "a tag", "key-" + body.length, body);
            message.putUserProperty("grüße", "世界 " + body.length);
            sent(producer.send(message));
        }
        Inbox inbox = consume(fixture, topic);
        inbox.awaitExactly(bodies);
        for (MessageExt m : inbox.all()) {
            Fixture.equal(m.getTags(), "a tag", "tag");
            Fixture.equal(m.getKeys(), "key-" + m.getBody().length, "key");
            Fixture.equal(m.getUserProperty("grüße"), "世界 " + m.getBody().length, "property");
        }
    }

    private static void async(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = fixture.producer();
        ConcurrentLinkedQueue<SendResult> results = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<byte[]> bodies = bodies(100);
        for (byte[] body : bodies) {
            producer.send(new Message(topic, body), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    results.add(result);
                }

                @Override
                public void onException(Throwable e) {
                    failures.add(e);
                }
            });
        }
        Fixture.await("100 callbacks", () -> results.size() + failures.size() == 100);
        Fixture.check(failures.isEmpty(), "failed sends: " + failures);
        results.forEach(SendStories::sent);
        consume(fixture, topic).awaitExactly(bodies);
    }

    private static void oneway(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = bodies(100);
        for (byte[] body : bodies) {
            producer.sendOneway(new Message(topic, body));
        }
        consume(fixture, topic).awaitExactly(bodies);
    }

    private static void batch(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = bodies(60);
        for (int i = 0; i < 60; i += 20) {
            List<Message> batch = new ArrayList<>();
            for (byte[] body : bodies.subList(i, i + 20)) {
                batch.add(new Message(topic, body));
            }
            SendResult result = producer.send(batch);
            sent(result);
            Fixture.equal(result.getMsgId().split(",").length, 20, "number of message ids of a batch");
        }
        consume(fixture, topic).awaitExactly(bodies);
    }

    /** With the VIP channel on, clients dial the advertised port - 2 for all but a few requests. */
    private static void vipChannel(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = new DefaultMQProducer(fixture.unique("producer"));
        fixture.prepare(producer);
        producer.setVipChannelEnabled(true);
        producer.start();
        List<byte[]> bodies = bodies(20);
        for (byte[] body : bodies) {
            sent(producer.send(new Message(topic, body)));
        }
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.setVipChannelEnabled(true);
        consumer.subscribe(topic, "*");
        Inbox inbox = new Inbox();
        inbox.listenTo(consumer);
        consumer.start();
        inbox.awaitExactly(bodies);
    }

    /** A topic that nobody created: the first send is refused by the name server, and made through TBW102. */
    private static void autoCreateTopic(Fixture fixture) throws Exception {
        String topic = fixture.unique("topic");
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = bodies(5);
        for (byte[] body : bodies) {
            sent(producer.send(new Message(topic, body)));
        }
        consume(fixture, topic).awaitExactly(bodies);
    }

    /** Once its first send is answered a topic exists: a consumer that starts next finds its queues at once. */
    private static void consumeNewTopicAtOnce(Fixture fixture) throws Exception {
        DefaultMQProducer producer = fixture.producer();
        for (byte[] body : bodies(3)) {
            String topic = fixture.unique("topic");
            sent(producer.send(new Message(topic, body)));
            DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
            consumer.subscribe(topic, "*");
            Inbox inbox = new Inbox();
            inbox.listenTo(consumer);
            consumer.start();
            Fixture.check(!consumer.fetchSubscribeMessageQueues(topic).isEmpty(), "no queue of " + topic); // else it throws
            inbox.awaitExactly(List.of(body));
        }
    }

    static void sent(SendResult result) {
        Fixture.equal(result.getSendStatus(), SendStatus.SEND_OK, "status of a send");
    }

    static List<byte[]> bodies(int n) {
        List<byte[]> bodies = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            bodies.add(Fixture.body(i, 200 + i));
        }
        return bodies;
    }

    /** Starts a consumer of the topic in a group of its own. */
    static Inbox consume(Fixture fixture, String topic) throws Exception {
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, "*");
        Inbox inbox = new Inbox();
        inbox.listenTo(consumer);
        consumer.start();
        return inbox;
    }
}
