"""A simple asyncio listener: each line is decoded, stamped and appended to the history, as with aiofiles."""

import asyncio
import datetime
import sys


def append(path, text):
    with open(path, "a", encoding="utf-8") as history:
        history.write(text)


async def main():
    host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    reader, writer = await asyncio.open_connection(host, port)
    try:
        while line := await reader.readline():
            stamp = datetime.datetime.now().strftime("%d.%m.%y %H:%M")
            # Opens the file for each message, in a thread, like aiofiles.
            await asyncio.to_thread(append, path, f"[{stamp}] {line.decode()}")
    finally:
        writer.close()


asyncio.run(main())
