"""Reads reports as other programs do: JUnit XML by junitparser and ElementTree, CTRF against the facts of its schema."""
import io
import xml.etree.ElementTree as ElementTree

import jsonschema
import junitparser

TEXT, NUMBER, FREE = {"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "object"}
STATUS = {"enum": ["passed", "failed", "skipped", "pending", "other"]}


def _closed(required, **members):
    return {"type": "object", "required": required, "properties": members, "additionalProperties": False}


_ATTACHMENTS = {"type": "array", "minItems": 1, "items": _closed(["name", "contentType", "path"], name=TEXT, contentType=TEXT, path=TEXT, extra=FREE)}
_ATTEMPT = _closed(["attempt", "status"], attempt={"type": "integer", "minimum": 1}, status=STATUS, duration=NUMBER, start=NUMBER, stop=NUMBER,
                   message=TEXT, trace=TEXT, attachments=_ATTACHMENTS, extra=FREE)
_TEST = _closed(["name", "status", "duration"], name={"type": "string", "minLength": 1}, status=STATUS, rawStatus=TEXT, duration=NUMBER, start=NUMBER,
                stop=NUMBER, suite={"type": "array", "minItems": 1, "items": TEXT}, message=TEXT, trace=TEXT, filePath=TEXT, threadId=TEXT,
                retries=NUMBER, flaky={"type": "boolean"}, retryAttempts={"type": "array", "minItems": 1, "items": _ATTEMPT}, attachments=_ATTACHMENTS,
                extra=FREE)
_COUNTS = ["tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"]
# The members of CTRF's schema (ctrf.io) that this project writes; whatever else stands in a report is refused.
CTRF = _closed(
    ["reportFormat", "specVersion", "results"], reportFormat={"const": "CTRF"}, specVersion={"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
    runId={"type": "string", "minLength": 1}, timestamp={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}, generatedBy=TEXT,
    results=_closed(
        ["tool", "summary", "tests"], tool=_closed(["name"], name={"type": "string", "minLength": 1}, version=TEXT, extra=FREE),
        summary=_closed(_COUNTS, extra=FREE, **{name: NUMBER for name in [*_COUNTS, "flaky", "suites", "duration"]}),
        tests={"type": "array", "items": _TEST}, environment=_closed([], reportName=TEXT, testEnvironment=TEXT, extra=FREE), extra=FREE))


def read_ctrf(document):
    """The report's tests by name; fails where it is no CTRF or does not agree with itself."""
    jsonschema.validate(document, CTRF)
    results = document["results"]
    for status in ("passed", "failed", "skipped", "pending", "other"):
        assert results["summary"][status] == sum(test["status"] == status for test in results["tests"]), status
    assert results["summary"]["tests"] == len(results["tests"])
    for test in results["tests"]:
        assert len(test.get("retryAttempts", [])) == test["retries"]
    return {test["name"]: test for test in results["tests"]}


def read_junit(text):
    """(suite, cases) of junitparser; fails where the counts in the file are not those of its cases, or two readers see different things."""
    xml = junitparser.JUnitXml.fromroot(junitparser.junitparser.etree.parse(io.BytesIO(text)).getroot())
    (suite,) = list(xml)
    cases = list(suite)
    stated = (suite.tests, suite.failures, suite.errors, suite.skipped)
    xml.update_statistics()
    (counted,) = list(xml)
    assert stated == (counted.tests, counted.failures, counted.errors, counted.skipped)
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites" and [case.get("name") for case in root.iter("testcase")] == [case.name for case in cases]
    return root[0], cases


def properties(element):
    return {entry.get("name"): entry.get("value") for entry in element.find("properties")}
