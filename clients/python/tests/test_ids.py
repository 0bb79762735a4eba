"""Names: ids that others compute too, stems that two tests never share."""
import hashlib
import re

import pytest
from telltale.monitor import ids


def test_a_test_id_is_the_contracts_hash():
    expected = hashlib.sha256("R\na.py::t[é]\n2\ngw0".encode()).hexdigest()[:16]
    assert ids.test_id("R", "a.py::t[é]", 2, "gw0") == expected


def test_a_run_id_is_what_the_engine_takes():
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{6}", ids.new_run_id())


def test_times_have_nanoseconds():
    assert ids.rfc3339(1_700_000_000_000_000_001) == "2023-11-14T22:13:20.000000001Z"
    assert ids.rfc3339(1_700_000_001_900_000_000) == "2023-11-14T22:13:21.900000000Z"


@pytest.mark.parametrize("name, safe", [("test_a", "test_a"), ("test_a[x/y é::1]", "test_a_x_y_1_"), ("..", "test"), ("../../etc/passwd", "_.._etc_passwd")])
def test_names_become_safe(name, safe):
    assert ids.safe_name(name) == safe
    assert len(ids.safe_name("x" * 500)) == ids.MAX_SAFE_NAME


def test_a_name_that_occurs_once_has_no_hash():
    stems = ids.FileStems("R", "master", ["test_a", "test_b"])
    assert re.fullmatch(r"test_a_\d{8}_\d{6}", stems.stem("test_a", "f.py::test_a", 1, 10**18))


@pytest.mark.parametrize("names, one, two", [
    (["test_a", "test_a"], ("test_a", "f.py::test_a", 1), ("test_a", "g.py::test_a", 1)),
    (["test_a", "TEST_A"], ("test_a", "f.py::test_a", 1), ("TEST_A", "f.py::TEST_A", 1)),
    (["t[a/b]", "t[a:b]"], ("t[a/b]", "f.py::t[a/b]", 1), ("t[a:b]", "f.py::t[a:b]", 1)),
    (["test_a"], ("test_a", "f.py::test_a", 1), ("test_a", "f.py::test_a", 2)),
    (["x" * 150 + "1", "x" * 150 + "2"], ("x" * 150 + "1", "f.py::1", 1), ("x" * 150 + "2", "f.py::2", 1)),
])
def test_no_two_tests_share_a_stem_in_the_same_second(names, one, two):
    stems = ids.FileStems("R", "master", names)
    first, second = stems.stem(*one, 10**18), stems.stem(*two, 10**18)
    assert first.lower() != second.lower()
    assert max(len(first), len(second)) <= 200


def test_workers_that_may_run_the_same_test_differ():
    made = {ids.FileStems("R", worker, ["test_a"], shared=True).stem("test_a", "f.py::test_a", 1, 10**18) for worker in ("gw0", "gw1")}
    assert len(made) == 2


def test_a_file_of_an_earlier_run_is_not_taken_over():
    plain = ids.FileStems("R", "master", ["test_a"]).stem("test_a", "n", 1, 10**18)
    assert ids.FileStems("R", "master", ["test_a"], taken=lambda stem: stem == plain).stem("test_a", "n", 1, 10**18) != plain


def test_lone_surrogates_are_replaced():
    assert ids.plain("a\udc80") == "a?"
