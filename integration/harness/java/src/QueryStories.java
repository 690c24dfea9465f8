import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.topic.TopicValidator;

/** Messages by id and by key. */
final class QueryStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("ViewByOffsetId", QueryStories::viewByOffsetId);
        stories.put("QueryByKey", QueryStories::queryByKey);
        stories.put("Trace", QueryStories::trace);
    }

    /** What a producer and a consumer do with a message arrives in the trace topic. */
    private static void trace(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = new DefaultMQProducer(fixture.unique("producer"), true, null);
        fixture.prepare(producer);
        producer.start();
        byte[] body = Fixture.body(1, 100);
        SendResult result = producer.send(new Message(topic, "tag", "key", body));
        SendStories.sent(result);
        DefaultMQPushConsumer consumer = fixture.prepared(new DefaultMQPushConsumer(fixture.unique("group"), true, null));
        consumer.subscribe(topic, "*");
        Inbox inbox = new Inbox();
        inbox.listenTo(consumer);
        consumer.start();
        inbox.awaitExactly(List.of(body));

        Inbox traces = SendStories.consume(fixture, TopicValidator.RMQ_SYS_TRACE_TOPIC);
        Set<String> want = Set.of("Pub", "SubBefore", "SubAfter");
        Fixture.await("the traces " + want, () -> traceTypes(traces, result.getMsgId()).containsAll(want));
    }

    /** The types of the traces of a message. A trace begins with its type; 1 separates fields, 2 separates traces. */
    private static Set<String> traceTypes(Inbox traces, String messageId) {
        Set<String> types = new HashSet<>();
        for (MessageExt m : traces.all()) {
            for (String trace : new String(m.getBody(), StandardCharsets.UTF_8).split("\u0002")) {
                if (trace.contains(messageId)) {
                    types.add(trace.substring(0, trace.indexOf(1)));
                }
            }
        }
        return types;
    }

    /** The client dials the address inside the id, so it has to be one that the name server advertises. */
    private static void viewByOffsetId(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<SendResult> results = new ArrayList<>();
        List<byte[]> bodies = SendStories.bodies(8);
        for (byte[] body : bodies) {
            results.add(producer.send(new Message(topic, body)));
        }
        for (int i = 0; i < bodies.size(); i++) {
            String id = results.get(i).getOffsetMsgId();
            InetSocketAddress inside = (InetSocketAddress) MessageDecoder.decodeMessageId(id).getAddress();
            String address = inside.getAddress().getHostAddress() + ":" + inside.getPort();
            String advertised = fixture.environment.brokers.get(results.get(i).getMessageQueue().getBrokerName());
            Fixture.equal(address, advertised, "address inside the offset message id");
            MessageExt found = producer.viewMessage(topic, id);
            Fixture.equal(Fixture.sum(found.getBody()), Fixture.sum(bodies.get(i)), "body of the message found by " + id);
        }
    }

    private static void queryByKey(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        Map<String, SendResult> results = new HashMap<>();
        for (int i = 0; i < 8; i++) {
            results.put("key-" + i, producer.send(new Message(topic, "", "key-" + i, Fixture.body(i, 100 + i))));
        }
        for (int i = 0; i < 8; i++) {
            String key = "key-" + i;
            List<MessageExt> found = new ArrayList<>();
            Fixture.await("the index entry of " + key, () -> { // made behind the send
                try {
                    QueryResult result = producer.queryMessage(topic, key, 32, 0, Long.MAX_VALUE);
                    found.addAll(result.getMessageList());
                } catch (org.apache.rocketmq.client.exception.MQClientException e) {
                    // "no message" is an exception
                }
                return !found.isEmpty();
            });
            Fixture.equal(found.size(), 1, "messages found by " + key);
            Fixture.equal(Fixture.sum(found.get(0).getBody()), Fixture.sum(Fixture.body(i, 100 + i)), "body found by " + key);
            // By the unique id that the client gave it.
            MessageExt byId = producer.viewMessage(topic, results.get(key).getMsgId());
            Fixture.equal(Fixture.sum(byId.getBody()), Fixture.sum(Fixture.body(i, 100 + i)), "body found by id");
        }
    }
}
