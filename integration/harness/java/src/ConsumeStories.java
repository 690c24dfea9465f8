import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Ways to consume by one member: pull, lite pull, in order, by tag and by SQL. */
final class ConsumeStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("Pull", ConsumeStories::pull);
        stories.put("LitePull", ConsumeStories::litePull);
        stories.put("Orderly", ConsumeStories::orderly);
        stories.put("TagFilter", ConsumeStories::tags);
        stories.put("SqlFilter", ConsumeStories::sql);
        stories.put("LongPoll", ConsumeStories::longPoll);
    }

    /** The classic pull consumer, queue by queue, with offsets committed to the broker and read back. */
    private static void pull(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(50);
        for (byte[] body : bodies) {
            SendStories.sent(producer.send(new Message(topic, body)));
        }
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(fixture.unique("group"));
        consumer.setNamesrvAddr(fixture.environment.nameServer);
        consumer.setInstanceName(fixture.unique("client"));
        fixture.onClose(consumer::shutdown);
        consumer.start();
        Inbox inbox = new Inbox();
        var queues = consumer.fetchSubscribeMessageQueues(topic);
        Fixture.equal(queues.size(), 2 * fixture.environment.brokers.size(), "number of queues");
        Fixture.await("the queues to hold what was sent", () -> { // brokers fill them behind the send
            long total = 0;
            for (MessageQueue queue : queues) {
                total += consumer.maxOffset(queue) - consumer.minOffset(queue);
            }
            return total == bodies.size();
        });
        for (MessageQueue queue : queues) {
            long offset = consumer.minOffset(queue);
            long end = consumer.maxOffset(queue);
            while (offset < end) {
                PullResult result = consumer.pull(queue, "*", offset, 7);
                Fixture.equal(result.getPullStatus(), PullStatus.FOUND, "status of a pull at " + offset + " of " + end);
                for (MessageExt m : result.getMsgFoundList()) {
                    Fixture.equal(m.getQueueOffset(), offset++, "offset of a pulled message");
                }
                inbox.add(result.getMsgFoundList());
                Fixture.equal(result.getNextBeginOffset(), offset, "next offset");
            }
            consumer.updateConsumeOffset(queue, offset);
            consumer.getDefaultMQPullConsumerImpl().getOffsetStore().updateConsumeOffsetToBroker(queue, offset, false);
            Fixture.equal(consumer.fetchConsumeOffset(queue, true), offset, "offset read back from the broker");
        }
        inbox.awaitExactly(bodies);
    }

    private static void litePull(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(50);
        for (byte[] body : bodies) {
            SendStories.sent(producer.send(new Message(topic, body)));
        }
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(fixture.unique("group"));
        consumer.setNamesrvAddr(fixture.environment.nameServer);
        consumer.setInstanceName(fixture.unique("client"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        fixture.onClose(consumer::shutdown);
        consumer.start();
        Inbox inbox = new Inbox();
        Fixture.await("50 messages", () -> {
            inbox.add(consumer.poll(500));
            return inbox.all().size() >= 50;
        });
        consumer.commitSync();
        inbox.awaitExactly(bodies);
    }

    private static void orderly(Fixture fixture) throws Exception {
        String topic = fixture.topic(4);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(120);
        for (int i = 0; i < bodies.size(); i++) {
            Message message = new Message(topic, bodies.get(i));
            message.putUserProperty("order", String.valueOf(i % 10));
            message.putUserProperty("step", String.valueOf(i / 10));
            SendStories.sent(producer.send(message, (queues, m, order) -> queues.get((int) order % queues.size()), i % 10));
        }
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, "*");
        Inbox inbox = new Inbox();
        inbox.listenInOrderTo(consumer);
        consumer.start();
        inbox.awaitExactly(bodies);
        Map<String, Integer> next = new HashMap<>();
        for (MessageExt m : inbox.all()) {
            int step = Integer.parseInt(m.getUserProperty("step"));
            Fixture.equal(step, next.getOrDefault(m.getUserProperty("order"), 0), "step of order " + m.getUserProperty("order"));
            next.put(m.getUserProperty("order"), step + 1);
        }
    }

    private static void tags(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> wanted = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            byte[] body = Fixture.body(i, 100);
            String tag = "tag" + i % 4;
            if (i % 4 < 2) {
                wanted.add(body);
            }
            SendStories.sent(producer.send(new Message(topic, tag, body)));
        }
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, "tag0 || tag1");
        Inbox inbox = new Inbox();
        inbox.listenTo(consumer);
        consumer.start();
        inbox.awaitExactly(wanted);
    }

    private static void sql(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> wanted = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Message message = new Message(topic, Fixture.body(i, 100));
            message.putUserProperty("price", String.valueOf(i));
            message.putUserProperty("place", i % 2 == 0 ? "here" : "there");
            if (i > 10 && i % 2 == 0) {
                wanted.add(message.getBody());
            }
            SendStories.sent(producer.send(message));
        }
        DefaultMQPushConsumer consumer = fixture.consumer(fixture.unique("group"));
        consumer.subscribe(topic, MessageSelector.bySql("price > 10 AND place = 'here'"));
        Inbox inbox = new Inbox();
        inbox.listenTo(consumer);
        consumer.start();
        inbox.awaitExactly(wanted);
    }

    /** A pull that waits at the broker is answered by a message that comes meanwhile, not by its time-out. */
    private static void longPoll(Fixture fixture) throws Exception {
        String topic = fixture.environment.topicOnOneBroker("LongPoll", 1);
        DefaultMQProducer producer = fixture.producer();
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(fixture.unique("group"));
        consumer.setNamesrvAddr(fixture.environment.nameServer);
        consumer.setInstanceName(fixture.unique("client"));
        fixture.onClose(consumer::shutdown);
        consumer.start();
        MessageQueue queue = consumer.fetchSubscribeMessageQueues(topic).iterator().next();
        // Once a message is in, a pull at its end is held by the broker for up to 20 s (longPollingTimeout).
        SendStories.sent(producer.send(new Message(topic, Fixture.body(1, 10))));
        Fixture.await("the first message", () -> consumer.maxOffset(queue) == 1);
        byte[] late = Fixture.body(2, 10);
        Thread sender = new Thread(() -> {
            try {
                Thread.sleep(1000); // any time while the pull is held
                producer.send(new Message(topic, late));
            } catch (Exception e) {
                e.printStackTrace();
            }
        });
        sender.start();
        PullResult result = consumer.pullBlockIfNotFound(queue, "*", 1, 32);
        sender.join();
        Fixture.equal(result.getPullStatus(), PullStatus.FOUND, "status of the pull that was held");
        Fixture.equal(Fixture.sum(result.getMsgFoundList().get(0).getBody()), Fixture.sum(late), "body");
    }
}
