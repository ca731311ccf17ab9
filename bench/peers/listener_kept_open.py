"""A faster asyncio listener: the history is opened once and flushed for each line."""

import asyncio
import datetime
import sys


async def main():
    host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    reader, writer = await asyncio.open_connection(host, port)
    try:
        with open(path, "a", encoding="utf-8") as history:
            while line := await reader.readline():
                stamp = datetime.datetime.now().strftime("%d.%m.%y %H:%M")
                history.write(f"[{stamp}] {line.decode()}")
                history.flush()
    finally:
        writer.close()


asyncio.run(main())
