"""Write to receipt: lines with the time they were written go into a watched file; a WebSocket client notes when each arrives."""
import asyncio
import json
import re
import threading
import time

import websockets

_STAMP = re.compile(r"stamp=(\d+) ")


def _write(path, rate, seconds):
    """`rate` lines a second in ticks of 5 ms at most, each with its own write(2), as an application logs."""
    per_tick = max(1, rate // 200)
    start, sent = time.monotonic(), 0
    with open(path, "ab", buffering=0) as file:
        while sent < rate * seconds:
            for _ in range(per_tick):
                file.write(f"level=info stamp={time.monotonic_ns()} msg=\"request served\" number={sent}\n".encode())
                sent += 1
            pause = start + sent / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)


async def _receive(url, token, total, ready, out):
    async with websockets.connect(url, extra_headers={"Authorization": f"Bearer {token}"}, max_size=None, max_queue=None) as socket:
        ready.set()
        while len(out) < total:
            text = await asyncio.wait_for(socket.recv(), 10)
            now = time.monotonic_ns()
            match = _STAMP.search(text)
            if match:
                out.append((now - int(match.group(1))) / 1e6)
            elif json.loads(text).get("type") == "gap":
                return


def measure_latency(engine, path, rate, seconds):
    """(p50 ms, p99 ms, received, sent) for one subscriber."""
    path.touch()
    engine.caught_up()
    ready, delays, total = threading.Event(), [], rate * seconds
    url = engine.url.replace("http", "ws") + f"/stream?query=%7Bservice%3D%22{path.stem}%22%7D"

    def run():
        try:
            asyncio.run(_receive(url, engine.token, total, ready, delays))
        except asyncio.TimeoutError:
            pass  # what did not arrive shows in the count

    reader = threading.Thread(target=run)
    reader.start()
    ready.wait(10)
    _write(path, rate, seconds)
    reader.join()
    ordered = sorted(delays)
    at = lambda share: ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")  # noqa: E731
    return at(0.50), at(0.99), len(delays), total
