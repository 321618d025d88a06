"""Greenlets over libev and c-ares' module: queues, a server over loopback, time limits, pools, threads."""

import importlib
import threading

import gevent
from gevent import event, pool, queue, server, socket
from gevent.threadpool import ThreadPool

loop = gevent.get_hub().loop
assert type(loop).__module__ == "gevent.libev.corecext", type(loop)


def echo(connection, _):
    with connection.makefile("rwb") as file:
        for line in file:
            file.write(line.upper())
            file.flush()


with_server = server.StreamServer(("127.0.0.1", 0), echo)
with_server.start()


def ask(n):
    with socket.create_connection(with_server.address) as connection:
        connection.sendall(b"line %d\n" % n)
        return connection.recv(100)


assert pool.Pool(10).map(ask, range(30)) == [b"LINE %d\n" % n for n in range(30)]
with_server.stop()

work, results, ready = queue.Queue(), [], event.Event()


def worker():
    ready.wait()
    while (item := work.get()) is not None:
        results.append(item**2)
        gevent.sleep(0)


workers = [gevent.spawn(worker) for _ in range(4)]
for n in [*range(100), *[None] * 4]:
    work.put(n)
ready.set()
gevent.joinall(workers, timeout=20, raise_error=True)
assert sorted(results) == [n * n for n in range(100)]
try:
    with gevent.Timeout(0.05):
        gevent.sleep(10)
except gevent.Timeout:
    pass
assert ThreadPool(2).apply(threading.get_ident) != threading.get_ident()


assert importlib.import_module("gevent.resolver.cares").channel
print("works")
