import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/** Collects what a consumer is given, in order of arrival. */
final class Inbox {
    private final List<MessageExt> messages = new ArrayList<>();

    synchronized void add(List<MessageExt> got) {
        messages.addAll(got);
    }

    synchronized List<MessageExt> all() {
        return new ArrayList<>(messages);
    }

    void listenTo(DefaultMQPushConsumer consumer) {
        consumer.registerMessageListener((MessageListenerConcurrently) (got, context) -> {
            add(got);
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
    }

    void listenInOrderTo(DefaultMQPushConsumer consumer) {
        consumer.registerMessageListener((MessageListenerOrderly) (got, context) -> {
            add(got);
            return ConsumeOrderlyStatus.SUCCESS;
        });
    }

    /** Counts messages by checksum of their bodies. */
    Map<String, Integer> counts() throws Exception {
        Map<String, Integer> counts = new HashMap<>();
        for (MessageExt m : all()) {
            counts.merge(Fixture.sum(m.getBody()), 1, Integer::sum);
        }
        return counts;
    }

    /** Waits until every body has come, and fails unless each came exactly once and nothing else did. */
    void awaitExactly(List<byte[]> bodies) throws Exception {
        Map<String, Integer> want = new HashMap<>();
        for (byte[] body : bodies) {
            want.merge(Fixture.sum(body), 1, Integer::sum);
        }
        Fixture.await(bodies.size() + " messages, have " + all().size(), () -> counts().keySet().containsAll(want.keySet()));
        Fixture.equal(counts(), want, "messages by checksum of the body");
    }
}
