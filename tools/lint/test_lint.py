"""The lint finds what it is there to find."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import functions  # noqa: E402
import layers  # noqa: E402

LAYERS = """
[base]
layer = 0
does = "ground"
leaf = ["base"]
[store]
layer = 3
does = "keeps"
leaf = ["store/segment", "store/engine"]
[live]
layer = 3
does = "streams"
leaf = ["live"]
"""


def tree(folder, files):
    (folder / "src").mkdir()
    (folder / "src/layers.toml").write_text(LAYERS)
    for leaf in ("base", "store/segment", "store/engine", "live"):
        (folder / "src" / leaf).mkdir(parents=True)
        (folder / "src" / leaf / "CMakeLists.txt").write_text("")
    for path, text in files.items():
        (folder / path).write_text(text)
    return list(files)


def test_downward_include_is_fine(tmp_path):
    paths = tree(tmp_path, {"src/base/a.h": "", "src/live/b.h": '#include "base/a.h"\n'})
    assert list(layers.check(tmp_path, paths)) == []


def test_upward_include_is_found_with_its_line(tmp_path):
    paths = tree(tmp_path, {"src/live/b.h": "", "src/base/a.h": '#pragma once\n#include "live/b.h"\n'})
    problems = list(layers.check(tmp_path, paths))
    assert len(problems) == 1 and problems[0].startswith("src/base/a.h:2: base (layer 0) must not include live/b.h")


def test_sideways_include_is_found(tmp_path):
    paths = tree(tmp_path, {"src/store/engine/s.h": "", "src/live/b.h": '#include "store/engine/s.h"\n'})
    assert "must not include" in "".join(layers.check(tmp_path, paths))


def test_ring_between_leaves_is_found(tmp_path):
    paths = tree(tmp_path, {"src/store/engine/s.h": '#include "store/segment/f.h"\n', "src/store/segment/f.h": '#include "store/engine/s.h"\n'})
    assert "in a ring" in "".join(layers.check(tmp_path, paths))


def test_asio_outside_net_is_found(tmp_path):
    paths = tree(tmp_path, {"src/live/b.cpp": "#include <boost/asio/io_context.hpp>\n"})
    assert "only net/ includes" in "".join(layers.check(tmp_path, paths))


def test_folder_that_is_no_leaf_is_found(tmp_path):
    paths = tree(tmp_path, {"src/live/b.h": ""})
    (tmp_path / "src/live/deep").mkdir()
    (tmp_path / "src/live/deep/c.h").write_text("")
    assert "no leaf" in "".join(layers.check(tmp_path, paths + ["src/live/deep/c.h"]))


def test_function_lengths():
    body = "\n".join("  x += 1;" for _ in range(70))
    text = "namespace a {\nclass B {\n  void short_one() { if (x) { y(); } }\n};\nint long_one(int x) {\n" + body + "\n}\n}\n"
    found = {name: length for _, length, name in functions.lengths(text)}
    assert found == {"short_one": 0, "long_one": 71}


def test_braces_in_strings_and_comments_do_not_count():
    text = 'void f() {\n  g("{{{"); // {{{\n  h(R"x({{{)x"); /* { */\n}\nvoid k() {\n}\n'
    assert [(length, name) for _, length, name in functions.lengths(text)] == [(3, "f"), (1, "k")]
