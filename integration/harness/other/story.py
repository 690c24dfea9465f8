"""Sends messages with librocketmq, the C++ client, and consumes them: story.py nameServer topic group body...
The topic has one queue.

Prints "received BODY" for each message that comes, and ends when all have.
"""
import os
import sys
import threading

from rocketmq.client import Message, Producer, PushConsumer

name_server, topic, group = sys.argv[1:4]
bodies = sys.argv[4:]
missing = set(bodies)
begun = threading.Event()
complete = threading.Event()


def receive(message):
    body = message.body.decode()
    if body == "hello":
        begun.set()
        return
    print("received " + body, flush=True)
    missing.discard(body)
    if not missing:
        complete.set()


consumer = PushConsumer(group)
consumer.set_namesrv_addr(name_server)
consumer.subscribe(topic, receive)
consumer.start()
producer = Producer(group + "-producer")
producer.set_namesrv_addr(name_server)
producer.start()


def send(body):
    message = Message(topic)
    message.set_body(body)
    result = producer.send_sync(message)
    if result.status != 0:
        sys.exit("send: %s" % (result,))


# A new group of this client begins at the end of a queue, so the rest waits until it has begun.
while not begun.wait(0.1):
    send("hello")
for body in bodies:
    send(body)
complete.wait()
os._exit(0)  # the shutdown of the C++ consumer waits for a held pull
