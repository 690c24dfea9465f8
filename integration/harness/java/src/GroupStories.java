import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Two members of one group. */
final class GroupStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("SplitAndTakeOver", fixture -> splitAndTakeOver(fixture, false));
        stories.put("SplitAndTakeOverOrderly", fixture -> splitAndTakeOver(fixture, true));
        stories.put("Broadcast", GroupStories::broadcast);
    }

    /** Two members share the queues without overlap; when one leaves the other has them all. */
    private static void splitAndTakeOver(Fixture fixture, boolean orderly) throws Exception {
        String topic = fixture.topic(4);
        int queues = 4 * fixture.environment.brokers.size();
        String group = fixture.unique("group");
        DefaultMQProducer producer = fixture.producer();
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        List<Inbox> inboxes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer member = fixture.consumer(group);
            Inbox inbox = new Inbox();
            if (orderly) {
                inbox.listenInOrderTo(member);
            } else {
                inbox.listenTo(member);
            }
            member.subscribe(topic, "*");
            member.start();
            members.add(member);
            inboxes.add(inbox);
        }
        Fixture.await("a split in halves", () -> {
            Set<MessageQueue> both = queuesOf(members.get(0), topic);
            both.addAll(queuesOf(members.get(1), topic));
            return both.size() == queues && queuesOf(members.get(0), topic).size() == queues / 2
                && queuesOf(members.get(1), topic).size() == queues / 2;
        });
        List<byte[]> first = SendStories.bodies(80);
        sendToAllQueues(producer, topic, first);
        Fixture.await("80 messages by two members", () -> inboxes.get(0).all().size() + inboxes.get(1).all().size() >= first.size());
        Set<String> seen = new HashSet<>();
        for (Inbox inbox : inboxes) {
            Set<String> mine = new HashSet<>();
            for (MessageExt m : inbox.all()) {
                mine.add(m.getBrokerName() + "/" + m.getQueueId());
                Fixture.check(seen.add(Fixture.sum(m.getBody())), "message " + m.getMsgId() + " came twice");
            }
            Fixture.equal(mine.size(), queues / 2, "queues that a member got messages from");
        }
        Fixture.equal(seen.size(), first.size(), "messages received");

        members.get(1).shutdown();
        Fixture.await("the take-over", () -> queuesOf(members.get(0), topic).size() == queues);
        List<byte[]> second = new ArrayList<>();
        for (int i = 0; i < 80; i++) {
            second.add(Fixture.body(1000 + i, 300));
        }
        sendToAllQueues(producer, topic, second);
        Set<String> wanted = new HashSet<>();
        for (byte[] body : second) {
            wanted.add(Fixture.sum(body));
        }
        Fixture.await("80 messages by the member that stayed", () -> inboxes.get(0).counts().keySet().containsAll(wanted));
    }

    private static void sendToAllQueues(DefaultMQProducer producer, String topic, List<byte[]> bodies) throws Exception {
        for (int i = 0; i < bodies.size(); i++) {
            SendStories.sent(producer.send(new Message(topic, bodies.get(i)),
                (queues, m, n) -> queues.get((int) n % queues.size()), i));
        }
    }

    static Set<MessageQueue> queuesOf(DefaultMQPushConsumer consumer, String topic) {
        Set<MessageQueue> found = new HashSet<>();
        for (MessageQueue q : consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (q.getTopic().equals(topic)) { // the retry topic of the group is in there, too
                found.add(q);
            }
        }
        return found;
    }

    /** In a broadcast every member gets every message. */
    private static void broadcast(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        DefaultMQProducer producer = fixture.producer();
        List<byte[]> bodies = SendStories.bodies(40);
        for (byte[] body : bodies) {
            SendStories.sent(producer.send(new Message(topic, body)));
        }
        String group = fixture.unique("group");
        List<Inbox> inboxes = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            DefaultMQPushConsumer member = fixture.consumer(group);
            // MessageModel moved to another package in 5.x
            for (Method method : DefaultMQPushConsumer.class.getMethods()) {
                if (method.getName().equals("setMessageModel")) {
                    method.invoke(member, method.getParameterTypes()[0].getField("BROADCASTING").get(null));
                }
            }
            Inbox inbox = new Inbox();
            inbox.listenTo(member);
            member.subscribe(topic, "*");
            member.start();
            inboxes.add(inbox);
        }
        inboxes.get(0).awaitExactly(bodies);
        inboxes.get(1).awaitExactly(bodies);
    }
}
