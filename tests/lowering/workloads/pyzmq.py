"""Sockets of several patterns, in threads and over TCP, with encryption by libsodium; polling and monitoring."""

import threading

import zmq
from zmq.utils import z85

context = zmq.Context()
public, secret = zmq.curve_keypair()
assert z85.decode(public) and zmq.curve_public(secret) == public
answering = context.socket(zmq.REP)
answering.curve_server, answering.curve_secretkey = True, secret
port = answering.bind_to_random_port("tcp://127.0.0.1")


def answer():
    while (request := answering.recv_multipart()) != [b"stop"]:
        answering.send_multipart([part.upper() for part in request])
    answering.send(b"stopped")


thread = threading.Thread(target=answer)
thread.start()
asking = context.socket(zmq.REQ)
asking.curve_serverkey = public
asking.curve_publickey, asking.curve_secretkey = zmq.curve_keypair()
asking.connect(f"tcp://127.0.0.1:{port}")
for n in range(50):
    asking.send_multipart([b"part %d" % n, b"x" * n * 1000])
    assert asking.recv_multipart() == [b"PART %d" % n, b"X" * n * 1000]
asking.send(b"stop")
assert asking.recv() == b"stopped"
thread.join()

publisher, subscriber = context.socket(zmq.PUB), context.socket(zmq.SUB)
publisher.bind("inproc://news")
subscriber.connect("inproc://news")
subscriber.subscribe("a")
poller = zmq.Poller()
poller.register(subscriber, zmq.POLLIN)
for topic in ("b1", "a1", "a2"):
    publisher.send_string(topic)
assert dict(poller.poll(5000)) == {subscriber: zmq.POLLIN}
assert [subscriber.recv_string() for _ in range(2)] == ["a1", "a2"]
try:
    subscriber.recv(zmq.NOBLOCK)
except zmq.Again:
    context.destroy(linger=0)
    print("works")
