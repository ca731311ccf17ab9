"""A simple asyncio writer: logs in with a token, posts its arguments, and ends."""

import asyncio
import sys


async def main():
    host, port, token, text = sys.argv[1], int(sys.argv[2]), sys.argv[3], " ".join(sys.argv[4:])
    reader, writer = await asyncio.open_connection(host, port)
    await reader.readline()
    writer.write(f"{token}\n".encode())
    await writer.drain()
    if (await reader.readline()).strip() == b"null":
        sys.exit("unknown token")
    await reader.readline()
    writer.write(f"{text}\n\n".encode())
    await writer.drain()
    await reader.readline()
    writer.close()
    await writer.wait_closed()


asyncio.run(main())
