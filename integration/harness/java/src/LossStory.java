import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * What a synchronous producer, an asynchronous producer and a consumer, each with a connection of its own and with the
 * settings that they have by default, live through while a broker is lost and comes back. Arguments: topic id, and the
 * name server of each of the three. They work until standard input ends; the consumer goes on until the process is killed.
 * Prints a line per event:
 *
 *   sent sync|async number when millis broker     stored, after so many milliseconds
 *   failed sync|async number when millis reason
 *   got sync|async number when broker
 */
public final class LossStory {
    private static volatile boolean sending = true;

    public static void main(String[] args) throws Exception {
        String topic = args[0];
        String id = args[1];
        Thread sync = new Thread(sync(producer(args[2], id + "-sync"), topic));
        Thread async = new Thread(async(producer(args[3], id + "-async"), topic));
        for (int attempt = 1; !consume(args[4], topic, id + "-" + attempt); attempt++) {
            Thread.sleep(1000);
        }
        sync.start();
        async.start();
        while (System.in.read() >= 0) {
            // nothing is said but the end
        }
        sending = false;
        sync.join();
        async.join();
        Thread.sleep(Long.MAX_VALUE);
    }

    private static DefaultMQProducer producer(String nameServer, String id) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(id);
        producer.setNamesrvAddr(nameServer);
        producer.setInstanceName(id);
        producer.start();
        return producer;
    }

    /** Reports whether the consumer has started: on a busy machine a name server may not answer in time. */
    private static boolean consume(String nameServer, String topic, String id) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(id + "-group");
        consumer.setNamesrvAddr(nameServer);
        consumer.setInstanceName(id + "-consumer");
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (got, context) -> {
            for (MessageExt m : got) {
                print("got " + new String(m.getBody()) + " " + System.currentTimeMillis() + " " + context.getMessageQueue().getBrokerName());
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        try {
            consumer.start();
            return true;
        } catch (MQClientException | IllegalStateException e) {
            e.printStackTrace();
            return false;
        }
    }

    private static Runnable sync(DefaultMQProducer producer, String topic) {
        return () -> {
            for (int i = 0; sending; i++) {
                long begin = System.currentTimeMillis();
                try {
                    SendResult result = producer.send(new Message(topic, ("sync " + i).getBytes()));
                    sent("sync " + i, begin, result);
                } catch (Exception e) {
                    failed("sync " + i, begin, e);
                }
                pause();
            }
        };
    }

    private static Runnable async(DefaultMQProducer producer, String topic) {
        return () -> {
            for (int i = 0; sending; i++) {
                String body = "async " + i;
                long begin = System.currentTimeMillis();
                try {
                    producer.send(new Message(topic, body.getBytes()), new SendCallback() {
                        @Override
                        public void onSuccess(SendResult result) {
                            sent(body, begin, result);
                        }

                        @Override
                        public void onException(Throwable e) {
                            failed(body, begin, e);
                        }
                    });
                } catch (Exception e) {
                    failed(body, begin, e);
                }
                pause();
            }
        };
    }

    private static void sent(String body, long begin, SendResult result) {
        print("sent " + body + " " + begin + " " + (System.currentTimeMillis() - begin) + " " + result.getMessageQueue().getBrokerName());
    }

    private static void failed(String body, long begin, Throwable e) {
        print("failed " + body + " " + begin + " " + (System.currentTimeMillis() - begin) + " " + e.toString().replace('\n', ' '));
    }

    private static synchronized void print(String line) {
        System.out.println(line);
        System.out.flush();
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            sending = false;
        }
    }
}
