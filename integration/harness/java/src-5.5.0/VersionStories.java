import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageRequestMode;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Stories of what only 5.x clients can do; the brokers have to be 5.x as well. */
final class VersionStories {
    public static void addTo(Map<String, Stories.Story> stories) {
        stories.put("PopConsumer", VersionStories::pop);
        stories.put("Timer", VersionStories::timer);
        stories.put("Recall", VersionStories::recall);
        stories.put("AutoBatch", fixture -> autoBatch(fixture, fixture.topic(4)));
        stories.put("AutoBatchNewTopic", fixture -> autoBatch(fixture, fixture.unique("topic")));
    }

    /**
     * Two push consumers of a group in POP mode: the broker assigns the queues (400), messages come by 200050, with
     * a handle, and are acknowledged by 200051. An ack that got lost would bring the message again after the
     * invisible time, which is shortened here so that the story sees it.
     */
    private static void pop(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        String group = fixture.unique("group");
        DefaultMQAdminExt admin = fixture.environment.admin();
        fixture.onClose(admin::shutdown);
        for (String broker : fixture.environment.brokers.values()) {
            admin.setMessageRequestMode(broker, topic, group, MessageRequestMode.POP, 8, 10_000);
        }
        List<Inbox> inboxes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer member = fixture.consumer(group);
            member.setClientRebalance(false);
            member.setPopInvisibleTime(10_000); // the least that a client accepts
            member.setPopBatchNums(4);
            Inbox inbox = new Inbox();
            inbox.listenTo(member);
            member.subscribe(topic, "*");
            member.start();
            inboxes.add(inbox);
        }
        DefaultMQProducer producer = fixture.producer();
        Inbox both = new Inbox();
        List<byte[]> bodies = SendStories.bodies(60);
        for (byte[] body : bodies) {
            SendStories.sent(producer.send(new Message(topic, body)));
        }
        Set<String> wanted = new TreeSet<>();
        for (byte[] body : bodies) {
            wanted.add(Fixture.sum(body));
        }
        Fixture.await("60 messages by pop", () -> {
            Set<String> got = new TreeSet<>(inboxes.get(0).counts().keySet());
            got.addAll(inboxes.get(1).counts().keySet());
            return got.containsAll(wanted);
        });
        for (Inbox inbox : inboxes) {
            for (MessageExt m : inbox.all()) {
                Fixture.check(m.getProperty("POP_CK") != null, "a message came without a handle, so it was not popped");
            }
        }
        // Every ack was accepted when nothing is left: neither in flight nor waiting to be shown again.
        Fixture.await("the group to have consumed everything", () -> {
            var stats = admin.examineConsumeStats(group, topic);
            return stats.computeTotalDiff() == 0 && stats.computeInflightTotalDiff() == 0;
        });
        long end = System.nanoTime() + 15_000_000_000L; // longer than the invisible time
        while (System.nanoTime() < end) {
            both = new Inbox();
            both.add(inboxes.get(0).all());
            both.add(inboxes.get(1).all());
            Fixture.equal(both.all().size(), bodies.size(), "deliveries of 60 acknowledged messages");
            Thread.sleep(500);
        }
        both.awaitExactly(bodies);
    }

    /** A message for a moment that is no delay level. */
    private static void timer(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(5);
        for (byte[] body : bodies) {
            Message message = new Message(topic, body);
            message.setDelayTimeMs(4000);
            SendStories.sent(producer.send(message));
        }
        Inbox inbox = SendStories.consume(fixture, topic);
        inbox.awaitExactly(bodies);
        for (MessageExt m : inbox.all()) {
            long waited = m.getStoreTimestamp() - m.getBornTimestamp();
            Fixture.check(waited >= 2900, "delivered after " + waited + " ms; want 4000, less the wheel's precision of 1 s");
        }
    }

    /** A delayed message is taken back (370) by the handle of its send; one that is not comes. */
    private static void recall(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> kept = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Message message = new Message(topic, Fixture.body(i, 100));
            message.setDelayTimeMs(12_000);
            SendResult result = producer.send(message);
            SendStories.sent(result);
            if (i % 2 == 0) {
                kept.add(message.getBody());
            } else {
                Fixture.equal(producer.recallMessage(topic, result.getRecallHandle()), result.getMsgId(), "id of the recalled message");
            }
        }
        SendStories.consume(fixture, topic).awaitExactly(kept);
    }

    /** The client collects messages that are sent one by one and sends them as batches (320). */
    private static void autoBatch(Fixture fixture, String topic) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(fixture.unique("producer"));
        fixture.prepare(producer);
        producer.setAutoBatch(true);
        producer.start();
        ConcurrentLinkedQueue<SendResult> results = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<byte[]> bodies = SendStories.bodies(200);
        for (byte[] body : bodies) {
            producer.send(new Message(topic, "tag", body), new SendCallback() {
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
        Fixture.await("200 callbacks", () -> results.size() + failures.size() == 200);
        Fixture.check(failures.isEmpty(), "failed sends: " + failures);
        results.forEach(SendStories::sent);
        SendStories.consume(fixture, topic).awaitExactly(bodies);
    }
}
