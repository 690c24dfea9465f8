import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** What comes later: retries, delays, replies. */
final class LaterStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("Retry", LaterStories::retry);
        stories.put("Delay", LaterStories::delay);
        stories.put("RequestReply", LaterStories::requestReply);
    }

    /** A message that is refused comes again by way of the group's retry topic, unchanged and counted. */
    private static void retry(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(10);
        for (byte[] body : bodies) {
            SendStories.sent(producer.send(new Message(topic, "tag", "key", body)));
        }
        Inbox refused = new Inbox();
        Inbox accepted = new Inbox();
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (got, context) -> {
            if (got.get(0).getReconsumeTimes() == 0) {
                refused.add(got);
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
            accepted.add(got);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        accepted.awaitExactly(bodies);
        refused.awaitExactly(bodies);
        for (MessageExt m : accepted.all()) {
            Fixture.equal(m.getReconsumeTimes(), 1, "times consumed again");
            Fixture.equal(m.getTopic(), topic, "topic of a retried message");
            Fixture.equal(m.getKeys(), "key", "key of a retried message");
        }
    }

    private static void delay(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(5);
        for (byte[] body : bodies) {
            Message message = new Message(topic, body);
            message.setDelayTimeLevel(2); // 5 s
            SendStories.sent(producer.send(message));
        }
        Inbox inbox = SendStories.consume(fixture, topic);
        inbox.awaitExactly(bodies);
        for (MessageExt m : inbox.all()) {
            // The store time of the delivered copy against the birth of the message: both of this machine's clock.
            long waited = m.getStoreTimestamp() - m.getBornTimestamp();
            Fixture.check(waited >= 4900, "delivered after " + waited + " ms; want 5000");
        }
    }

    /**
     * A request is answered by the consumer; the broker pushes the answer to the requester (code 326). It needs a
     * requester that the broker knows by a heartbeat, and 4.9.4's request without a selector returns the request
     * itself (VERIFIED.md 10b.7), hence the selector.
     */
    private static void requestReply(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer answering = fixture.producer();
        Map<String, String> failures = new ConcurrentHashMap<>();
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (got, context) -> {
            for (MessageExt m : got) {
                try {
                    byte[] body = ("re: " + new String(m.getBody(), StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
                    SendStories.sent(answering.send(MessageUtil.createReplyMessage(m, body)));
                } catch (Exception e) {
                    failures.put(m.getMsgId(), e.toString());
                }
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        DefaultMQProducer requester = new DefaultMQProducer(fixture.unique("producer"));
        fixture.prepare(requester);
        requester.setHeartbeatBrokerInterval(1000);
        requester.start();
        int queues = 2 * fixture.environment.brokers.size();
        // Until every broker has had a heartbeat of the requester, answers by way of it get lost.
        for (int i = 0; i < queues; i++) {
            int queue = i;
            Fixture.await("a first answer by way of queue " + i, () -> {
                try {
                    return ask(requester, topic, queue, "warm-up", 3000).equals("re: warm-up");
                } catch (Exception e) {
                    failures.clear();
                    return false;
                }
            });
        }
        for (int i = 0; i < 20; i++) {
            Fixture.equal(ask(requester, topic, i % queues, "question " + i, 60_000), "re: question " + i, "answer");
        }
        Fixture.check(failures.isEmpty(), "answers that could not be sent: " + new ArrayList<>(failures.values()));
    }

    private static String ask(DefaultMQProducer requester, String topic, int queue, String question, long timeout) throws Exception {
        Message answer = requester.request(new Message(topic, question.getBytes(StandardCharsets.UTF_8)),
            (queues, m, n) -> queues.get((int) n), queue, timeout);
        return new String(answer.getBody(), StandardCharsets.UTF_8);
    }
}
