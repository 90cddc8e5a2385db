"""watch.py ADDRESS PORT INTERVAL FILE: asks for / on a new connection every INTERVAL seconds, whatever came of the last ones.

Each request is a line of FILE: start (CLOCK_MONOTONIC), seconds it took, answer or nothing, error or nothing; tab separated."""

import asyncio
import os
import signal
import sys
import time

LIMIT = 3.0 * float(os.environ.get("BALLAST_LAB_SLOWNESS", "1"))  # seconds until a request has failed


async def request(address, port):
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
        answer = await reader.read(-1)
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(head.split(b"\r\n")[0].decode() or "closed without an answer")
    return body.decode().strip()


async def one(address, port, sink):
    start, answer, error = time.monotonic(), "", ""
    try:
        answer = await asyncio.wait_for(request(address, port), LIMIT)
    except asyncio.TimeoutError:
        error = f"no answer within {LIMIT:g} s"
    except OSError as failure:
        error = str(failure)
    sink.write(f"{start:.6f}\t{time.monotonic() - start:.6f}\t{answer}\t{error}\n")


async def main():
    address, port, interval, path = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    ended, running = asyncio.Event(), set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    with open(path, "w", encoding="utf-8", buffering=1) as sink:
        due = time.monotonic()
        while not ended.is_set():
            task = asyncio.create_task(one(address, port, sink))
            running.add(task)
            task.add_done_callback(running.discard)
            due += interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        while running:
            await asyncio.wait(running)


asyncio.run(main())
