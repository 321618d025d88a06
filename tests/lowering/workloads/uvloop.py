"""libuv under asyncio: servers, timers, signals, subprocesses, threads, names."""

import asyncio
import os
import signal
import socket

import uvloop


async def echo(reader, writer):
    while data := await reader.readline():
        writer.write(data.upper())
        await writer.drain()
    writer.close()


async def main():
    loop = asyncio.get_running_loop()
    assert isinstance(loop, uvloop.Loop)
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(n):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"line %d\n" % n)
        found = await reader.readline()
        writer.close()
        return found

    assert await asyncio.gather(*map(ask, range(50))) == [b"LINE %d\n" % n for n in range(50)]
    server.close()

    arrived = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, arrived.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(arrived.wait(), 5)
    start = loop.time()
    await asyncio.sleep(0.05)
    assert 0.04 < loop.time() - start < 5
    child = await asyncio.create_subprocess_exec(
        "/proc/self/exe", "-c", "print(input()[::-1])", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert (await child.communicate(b"abc\n"))[0] == b"cba\n"
    assert await loop.run_in_executor(None, sum, range(1000)) == 499500
    (family, *_), *_ = await loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)
    assert family == socket.AF_INET
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except TimeoutError:
        return "works"


print(uvloop.run(main()))
