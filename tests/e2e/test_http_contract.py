"""What the documents promise of HTTP: real answers against schema/openapi.yaml, and the documented answer to every kind of bad request."""
import json
import pathlib
import re
import socket
import time

import jsonschema
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OPENAPI = yaml.safe_load((ROOT / "schema/openapi.yaml").read_text())


def check(schema, value):
    """`value` against a schema of the OpenAPI document."""
    jsonschema.Draft202012Validator({**schema, "components": OPENAPI["components"]}, format_checker=jsonschema.FormatChecker()).validate(value)


def answer_schema(path, method, status):
    responses = OPENAPI["paths"][path][method]["responses"]
    response = responses.get(str(status), responses["default"])
    if "$ref" in response:
        response = OPENAPI["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    return {media: described["schema"] for media, described in response["content"].items()}


def check_answer(path, method, answer):
    media = answer.headers["Content-Type"].split(";")[0]
    described = answer_schema(path, method, answer.status)
    assert media in described, f"{path}: {answer.status} {media} is not described"
    if media.endswith("json") and media != "application/x-ndjson":
        check(described[media], answer.json())


def check_problem(answer, status, name):
    assert answer.status == status, answer.body
    check(OPENAPI["components"]["schemas"]["Problem"], answer.json())
    assert answer.json()["type"] == f"urn:telltale:error:{name}"


@pytest.fixture
def filled(engine):
    lines = ['{"level":"error","message":"boom","trace_id":"0af7651916cd43dd8448eb211c80319c","nested":{"a":[1,2]},"when":1.5,"ok":true,"no":null}',
             "2026-11-21T01:02:03Z WARN plain \x1b[31mred\x1b[0m", "level=info msg=fine n=1", "Traceback (most recent call last):"]
    (engine.logs / "api.log").write_bytes("\n".join(lines).encode() + b"\nbinary \xff\xfe\x00 line\n")
    engine.barrier()
    examples = OPENAPI["paths"]["/api/v1/runs/{run}/events"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert engine.request("/api/v1/runs/example/events", "POST", json.dumps(example["value"]).encode()).status == 200
    return engine


def filled_in(path):
    """The path with names that `filled` has."""
    return path.replace("{name}", "service").replace("{run}", "example").replace("{test}", "3f2a9c01d4e5b687")


@pytest.mark.parametrize("path", [path for path, item in OPENAPI["paths"].items() if "get" in item])
def test_every_get_answers_as_described(filled, path):
    answer = filled.request(filled_in(path))
    assert answer.status == 200, answer.body
    check_answer(path, "get", answer)


@pytest.mark.parametrize("format", ["json", "ndjson", "text"])
def test_query_formats(filled, format):
    answer = filled.request(f"/api/v1/query?format={format}&limit=2")
    check_answer("/api/v1/query", "get", answer)
    assert answer.status == 200
    if format != "json":
        assert len(answer.body.splitlines()) == 2 and answer.headers["Telltale-Next-Cursor"]


def test_barrier_answers_as_described(filled):
    check_answer("/api/v1/barrier", "post", filled.request("/api/v1/barrier", "POST", b'{"timeout_ms": 500}'))


def test_every_described_path_is_there_and_asks_for_a_token(engine):
    for path, item in OPENAPI["paths"].items():
        for method in item:
            if {} in item[method].get("security", []):
                continue
            answer = engine.request(filled_in(path), method.upper(), token=False)
            check_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("path,status,name", [
    ("/api/v1/query?query=%7B", 400, "query_syntax"),
    ("/api/v1/query?query=%7B%7D%20%7C%20json", 400, "query_unsupported"),
    ("/api/v1/query?query=%7Ba%3D~%22(%22%7D", 400, "query_regex"),
    ("/api/v1/query?limit=0", 400, "invalid_argument"),
    ("/api/v1/query?limit=many", 400, "invalid_argument"),
    ("/api/v1/query?start=yesterday", 400, "invalid_argument"),
    ("/api/v1/query?direction=sideways", 400, "invalid_argument"),
    ("/api/v1/query?format=xml", 400, "invalid_argument"),
    ("/api/v1/query?cursor=abc", 400, "cursor_invalid"),
    ("/nowhere", 404, "route_not_found"),
])
def test_bad_parameters(engine, path, status, name):
    check_problem(engine.request(path), status, name)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"timeout_ms": "soon"}', b'{"timeout_ms": -1}', b'{"other": 1}', b"\xff"])
def test_bad_bodies(engine, body):
    answer = engine.request("/api/v1/barrier", "POST", body)
    assert answer.status == 400, answer.body
    check(OPENAPI["components"]["schemas"]["Problem"], answer.json())


def test_wrong_token_method_origin_host(engine):
    check_problem(engine.request("/api/v1/status", headers={"Authorization": "Bearer wrong"}), 401, "unauthorized")
    wrong_method = engine.request("/api/v1/status", "DELETE")
    check_problem(wrong_method, 405, "method_not_allowed")
    assert "GET" in wrong_method.headers["Allow"]
    check_problem(engine.request("/api/v1/status", headers={"Origin": "http://evil.example"}), 403, "foreign_origin")
    check_problem(engine.request("/api/v1/status", headers={"Host": "evil.example"}), 421, "foreign_host")


def status_of(raw):
    match = re.match(rb"HTTP/1\.[01] (\d{3}) ", raw)
    return int(match.group(1)) if match else None


def test_malformed_too_large_slow_and_half_closed_requests(make_engine):
    engine = make_engine(options=("--set", "server.request_timeout=1s", "--set", "server.max_body_bytes=4KiB")).start()
    host = f"Host: 127.0.0.1:{engine.port}\r\nAuthorization: Bearer {engine.token}\r\n".encode()
    assert status_of(engine.raw(b"nonsense\r\n\r\n")) == 400
    assert status_of(engine.raw(b"GET /%zz HTTP/1.1\r\n" + host + b"\r\n")) == 400
    both = b"POST /api/v1/barrier HTTP/1.1\r\n" + host + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert status_of(engine.raw(both)) == 400
    assert status_of(engine.raw(b"GET / HTTP/1.1\r\n" + host + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n")) == 431
    assert status_of(engine.raw(b"POST /api/v1/barrier HTTP/1.1\r\n" + host + b"Content-Length: 5000\r\n\r\n")) == 413
    assert status_of(engine.raw(b"GET /health HTTP/1.1\r\n" + host)) == 408
    assert status_of(engine.raw(b"GET /health HTTP/1.1\r\n" + host + b"\r\n", close_write=True)) == 200


def test_too_many_connections_are_answered(make_engine):
    engine = make_engine(options=("--set", "server.max_connections=4")).start()
    crowd = [socket.create_connection(("127.0.0.1", engine.port)) for _ in range(4)]
    try:
        end = time.monotonic() + 10
        while (answer := status_of(engine.raw(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"))) != 503:
            assert time.monotonic() < end, answer
    finally:
        for connection in crowd:
            connection.close()
