"""A simple asyncio chat server, like the original: a list of listeners, and a loop over all of them for each line."""

import asyncio
import sys

listeners = []


async def listen(reader, writer):
    listeners.append(writer)
    try:
        await reader.read()
    finally:
        listeners.remove(writer)
        writer.close()


async def write(reader, writer):
    while line := await reader.readline():
        for listener in listeners:
            listener.write(b"Bench: " + line)
        for listener in listeners:
            await listener.drain()


async def main():
    listen_port, write_port = int(sys.argv[1]), int(sys.argv[2])
    async with await asyncio.start_server(listen, "127.0.0.1", listen_port, backlog=1024):
        async with await asyncio.start_server(write, "127.0.0.1", write_port):
            await asyncio.Event().wait()


asyncio.run(main())
