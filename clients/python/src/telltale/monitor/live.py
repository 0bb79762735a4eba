"""Follows the engine's live stream: a WebSocket client of one thread, for lines on the console. Trouble here only means fewer lines."""
from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct
import threading
from urllib.parse import urlencode

from .wire import Endpoint, WireError, parse_head

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
TICK_SECONDS = 0.1
RETRY_SECONDS = 1.0


class FrameReader:
    """Bytes in, (opcode, payload) of whole messages out. Control frames may stand between the pieces of a message."""

    def __init__(self):
        self._buffer = bytearray()
        self._pieces = bytearray()
        self._opcode = 0

    def feed(self, data: bytes) -> list:
        self._buffer += data
        messages = []
        while True:
            frame = self._frame()
            if frame is None:
                return messages
            final, opcode, payload = frame
            if opcode >= 8:
                messages.append((opcode, payload))
                continue
            self._opcode = opcode or self._opcode
            self._pieces += payload
            if len(self._pieces) > MAX_MESSAGE_BYTES:
                raise WireError("a message of the live stream is too long")
            if final:
                messages.append((self._opcode, bytes(self._pieces)))
                self._pieces.clear()

    def _frame(self):
        if len(self._buffer) < 2:
            return None
        first, second = self._buffer[0], self._buffer[1]
        if second & 0x80 or first & 0x70:
            raise WireError("a frame of the live stream is not a server's")
        length, start = second & 0x7F, 2
        if length >= 126:
            size, form = (2, "!H") if length == 126 else (8, "!Q")
            if len(self._buffer) < 2 + size:
                return None
            length, start = struct.unpack_from(form, self._buffer, 2)[0], 2 + size
        if length > MAX_MESSAGE_BYTES:
            raise WireError("a frame of the live stream is too long")
        if len(self._buffer) < start + length:
            return None
        payload = bytes(self._buffer[start:start + length])
        del self._buffer[:start + length]
        return bool(first & 0x80), first & 0x0F, payload


def client_frame(opcode: int, payload: bytes = b"") -> bytes:
    """A masked frame of up to 125 bytes."""
    mask = os.urandom(4)
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class WebSocket:
    """Connected by its constructor (OSError, WireError); then text messages."""

    def __init__(self, endpoint: Endpoint, path: str, timeout: float):
        self._sock = endpoint.connect(timeout)
        self._reader = FrameReader()
        try:
            key = base64.b64encode(os.urandom(16))
            head = endpoint.head("GET", path, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                 f"Sec-WebSocket-Key: {key.decode()}\r\n\r\n")
            self._sock.sendall(head.encode("latin-1"))
            self._ready = self._shake_hands(key)
        except BaseException:
            self._sock.close()
            raise

    def _shake_hands(self, key: bytes) -> list:
        data = bytearray()
        while b"\r\n\r\n" not in data:
            piece = self._sock.recv(4096)
            if not piece or len(data) > 65536:
                raise WireError("the live stream was refused")
            data += piece
        head, _, rest = bytes(data).partition(b"\r\n\r\n")
        status, headers = parse_head(head)
        expected = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        if status != 101 or headers.get("sec-websocket-accept") != expected:
            raise WireError(f"the live stream was refused with status {status}")
        return self._reader.feed(rest)

    def receive(self, timeout: float) -> list | None:
        """Texts that came within `timeout`; None: the stream has ended."""
        messages, self._ready = self._ready, []
        if not messages:
            self._sock.settimeout(timeout)
            try:
                data = self._sock.recv(65536)
            except socket.timeout:
                return []
            if not data:
                return None
            messages = self._reader.feed(data)
        texts = []
        for opcode, payload in messages:
            if opcode == 9:
                self._sock.sendall(client_frame(10, payload[:125]))
            elif opcode == 8:
                return None
            elif opcode == 1:
                texts.append(payload.decode("utf-8", "replace"))
        return texts

    def close(self) -> None:
        try:
            self._sock.sendall(client_frame(8))
        except OSError:
            pass
        self._sock.close()


class LiveStream:
    """Calls `on_entry(entry)` for each record of the run and `on_tick()` ten times a second, on a thread of its own, until stop()."""

    def __init__(self, where, run: str, on_entry, on_tick):
        self._where, self._on_entry, self._on_tick = where, on_entry, on_tick
        query = '{run="' + run + '"}'
        self._path = "/stream?" + urlencode({"query": query})
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telltale-live", daemon=True)
        self.trouble = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        self._stopped.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                endpoint = self._where()
                if endpoint is not None:
                    self._follow(endpoint)
                self._on_tick()
                self._stopped.wait(TICK_SECONDS if endpoint is None else RETRY_SECONDS)
        except Exception as error:  # the console may be gone; tests must not notice
            self.trouble = repr(error)

    def _follow(self, endpoint: Endpoint) -> None:
        try:
            stream = WebSocket(endpoint, self._path, 2.0)
        except (OSError, WireError) as error:
            self.trouble = str(error)
            return
        self.trouble = ""
        try:
            while not self._stopped.is_set():
                texts = stream.receive(TICK_SECONDS)
                if texts is None:
                    return
                for text in texts:
                    self._entry(text)
                self._on_tick()
        except (OSError, WireError, ValueError) as error:
            self.trouble = str(error)
        finally:
            stream.close()

    def _entry(self, text: str) -> None:
        entry = json.loads(text)
        if isinstance(entry, dict):
            self._on_entry(entry)
