import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Transactions: what is committed is seen at once, what is rolled back never, what is open is asked for. */
final class TransactionStories {
    static void addTo(Map<String, Stories.Story> stories) {
        stories.put("Transaction", TransactionStories::transaction);
        stories.put("TransactionCheckBack", TransactionStories::checkBack);
    }

    private static void transaction(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        Set<String> checked = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = fixture.transactionProducer(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
                return (LocalTransactionState) arg;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                checked.add(message.getKeys());
                return LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        List<byte[]> committed = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            byte[] body = Fixture.body(i, 500);
            boolean commit = i % 2 == 0;
            if (commit) {
                committed.add(body);
            }
            SendStories.sent(producer.sendMessageInTransaction(new Message(topic, "tag", "tx-" + i, body),
                commit ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE));
        }
        Inbox inbox = SendStories.consume(fixture, topic);
        inbox.awaitExactly(committed);
        // An END_TRANSACTION that got lost would have ended in a check.
        Fixture.check(checked.isEmpty(), "transactions that were over were checked: " + checked);
    }

    private static void checkBack(Fixture fixture) throws Exception {
        String topic = fixture.topic(2);
        Set<String> checked = ConcurrentHashMap.newKeySet();
        TransactionMQProducer producer = fixture.transactionProducer(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message message, Object arg) {
                return LocalTransactionState.UNKNOW;
            }

            @Override
            public LocalTransactionState checkLocalTransaction(MessageExt message) {
                String body = new String(message.getBody(), StandardCharsets.UTF_8);
                checked.add(body);
                return body.startsWith("commit") ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        List<byte[]> committed = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            String body = (i % 2 == 0 ? "commit " : "rollback ") + i;
            if (i % 2 == 0) {
                committed.add(body.getBytes(StandardCharsets.UTF_8));
            }
            SendStories.sent(producer.sendMessageInTransaction(new Message(topic, body.getBytes(StandardCharsets.UTF_8)), null));
        }
        Inbox inbox = SendStories.consume(fixture, topic);
        inbox.awaitExactly(committed);
        Fixture.await("a check of each of 8 transactions", () -> checked.size() == 8);
        inbox.awaitExactly(committed);
    }
}
