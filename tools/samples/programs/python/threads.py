import asyncio
import sys
import threading


def deep(n):
    return deep(n + 1)


def work():
    raise RuntimeError("in a thread")


class Leaky:
    def __del__(self):
        raise ValueError("while collecting")


async def fail():
    raise OSError("nobody awaits this")


async def main():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task


thread = threading.Thread(target=work, name="worker-1")
thread.start()
thread.join()
print("a line between", file=sys.stderr)
Leaky()
asyncio.run(main())
print("another line", file=sys.stderr)
deep(0)
