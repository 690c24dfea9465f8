import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** What the stories of one run share: the name server, its brokers, and topics nobody else uses. */
final class Environment {
    final String nameServer;
    /** Master addresses by broker name, as this name server advertises them. */
    final Map<String, String> brokers = new TreeMap<>();
    private final String run;
    private final AtomicInteger names = new AtomicInteger();
    private final DefaultMQAdminExt admin;

    Environment(String nameServer, String run) throws Exception {
        this.nameServer = nameServer;
        this.run = run;
        admin = admin();
        // The first request of a JVM, beside others that start: it may take longer than clients wait (3 s).
        Fixture.await("the list of brokers", () -> {
            try {
                // var, because the package of this class changed between 4.9 and 5.x
                var cluster = admin.examineBrokerClusterInfo();
                cluster.getBrokerAddrTable().forEach((name, broker) -> brokers.put(name, broker.selectBrokerAddr()));
                return true;
            } catch (Exception e) {
                e.printStackTrace();
                return false;
            }
        });
    }

    DefaultMQAdminExt admin() throws Exception {
        DefaultMQAdminExt a = new DefaultMQAdminExt(unique("admin"), 30_000);
        a.setNamesrvAddr(nameServer);
        a.setInstanceName(unique("admin"));
        a.start();
        return a;
    }

    /** A name for a topic, group or client that nobody else has. */
    String unique(String what) {
        return "it-" + run + "-" + what + "-" + names.incrementAndGet();
    }

    /** Creates a topic on every broker. Returns when the name server knows it on each. */
    String topic(String what, int queuesPerBroker) throws Exception {
        return topicOn(brokers, what, queuesPerBroker);
    }

    /** Creates a topic on one broker only. */
    String topicOnOneBroker(String what, int queues) throws Exception {
        String first = brokers.keySet().iterator().next();
        return topicOn(Map.of(first, brokers.get(first)), what, queues);
    }

    private String topicOn(Map<String, String> where, String what, int queuesPerBroker) throws Exception {
        String topic = unique(what);
        for (String address : where.values()) {
            admin.createAndUpdateTopicConfig(address, new TopicConfig(topic, queuesPerBroker, queuesPerBroker, 6));
        }
        Fixture.await("route of " + topic, () -> {
            try {
                return admin.examineTopicRouteInfo(topic).getBrokerDatas().size() == where.size();
            } catch (Exception e) {
                return false; // not known yet
            }
        });
        return topic;
    }
}
