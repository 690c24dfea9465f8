// Sends messages with ali-ons and consumes them: node story.js nameServer topic group body...
// Prints "received BODY" for each message that comes, and ends when all have.
'use strict';
const { Consumer, Message, Producer } = require('ali-ons');

const [nameServer, topic, group, ...bodies] = process.argv.slice(2);
// The client wants an HTTP client for the addresses of name servers, which it is given here.
const options = { nameSrv: nameServer, httpclient: {}, accessKeyId: 'none', accessKeySecret: 'none' };
const logger = { info() {}, debug() {}, warn: console.error, error: console.error };

async function main() {
  const missing = new Set(bodies);
  const consumer = new Consumer({ ...options, logger, consumerGroup: group, consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' });
  consumer.on('error', console.error);
  const all = new Promise(resolve => {
    consumer.subscribe(topic, '*', async message => {
      const body = message.body.toString();
      console.log('received ' + body);
      missing.delete(body);
      if (missing.size === 0) resolve();
    });
  });
  await consumer.ready();
  const producer = new Producer({ ...options, logger, producerGroup: group + '-producer' });
  producer.on('error', console.error);
  await producer.ready();
  for (const body of bodies) {
    const result = await producer.send(new Message(topic, 'tag', body));
    if (result.sendStatus !== 'SEND_OK') throw new Error('send: ' + JSON.stringify(result));
  }
  await all;
  await producer.close();
  await consumer.close();
}

main().then(() => process.exit(0), error => {
  console.error(error);
  process.exit(1);
});
