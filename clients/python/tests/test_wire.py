"""Answers out of bytes, however they are cut; addresses."""
import pytest
from telltale.monitor.live import FrameReader, client_frame
from telltale.monitor.wire import AnswerReader, Endpoint, WireError

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Two: a:b\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_answers_do_not_depend_on_how_the_bytes_are_cut(size):
    reader, found = AnswerReader(), []
    data = PLAIN + CHUNKED + INTERIM + b"HTTP/1.1 204 No Content\r\n\r\n"
    for start in range(0, len(data), size):
        found += reader.feed(data[start:start + size])
    assert [(answer.status, answer.body) for answer in found] == [(200, b"hello"), (200, b"abcde"), (200, b"hello"), (204, b"")]
    assert found[0].headers["x-two"] == "a:b"


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200\r\nContent-Length: x\r\n\r\n",
                                  b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"x" * 70000])
def test_what_is_no_answer_is_refused(data):
    with pytest.raises(WireError):
        AnswerReader().feed(data)


def test_an_address_without_a_scheme_is_http_and_the_port_is_the_engines():
    assert Endpoint("somewhere").url == "http://somewhere:8765"
    assert Endpoint("https://h/base/").head("GET", "/x").startswith("GET /base/x HTTP/1.1\r\nHost: h:443\r\n")
    assert Endpoint("http://[::1]:9").authority == "[::1]:9"


@pytest.mark.parametrize("url, local", [("http://127.0.0.1:1", True), ("localhost:1", True), ("http://[::1]:1", True), ("http://10.0.0.1:1", False)])
def test_loopback_is_recognised(url, local):
    assert Endpoint(url).local is local


def test_a_bad_address_is_told_without_its_password():
    with pytest.raises(ValueError) as error:
        Endpoint("ftp://user:geheim@host")
    assert "geheim" not in str(error.value) and "host" in str(error.value)


def test_a_token_cannot_smuggle_a_header():
    with pytest.raises(ValueError):
        Endpoint("http://h", "a\r\nX: y")


def server_frame(opcode, payload, final=True):
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    return head + b"\x7e" + len(payload).to_bytes(2, "big") + payload


@pytest.mark.parametrize("size", [1, 3, 100000])
def test_live_messages_do_not_depend_on_how_frames_are_cut(size):
    data = (server_frame(1, b"one") + server_frame(1, b"tw", final=False) + server_frame(9, b"ping") + server_frame(0, b"o") +
            server_frame(1, b"x" * 300))
    reader, found = FrameReader(), []
    for start in range(0, len(data), size):
        found += reader.feed(data[start:start + size])
    assert found == [(1, b"one"), (9, b"ping"), (1, b"two"), (1, b"x" * 300)]


def test_a_masked_frame_from_a_server_is_refused():
    with pytest.raises(WireError):
        FrameReader().feed(client_frame(1, b"x"))
