"""The layers of src/layers.toml: checks every include against them and writes the table of ARCHITECTURE.md."""
import pathlib
import re
import tomllib

_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
# Heavy or revealing headers and the only folders that may include them.
_RESERVED = {
    re.compile(r"<boost/(asio|beast)"): "net",
    re.compile(r"<libssh"): "net",
    re.compile(r"<sqlite3\.h>"): "store",
    re.compile(r"<hs/|<hs\.h>"): "pipeline",
    re.compile(r"<yaml-cpp/"): "config",
}
_BEGIN, _END = "<!-- layers: from src/layers.toml by make format -->", "<!-- /layers -->"


def _load(root):
    return tomllib.loads((root / "src/layers.toml").read_text())


def _leaf_of(layers, path):
    """The leaf folder (relative to src/) that holds a file, or None."""
    folder = str(pathlib.Path(path).parent)
    leaves = [leaf for layer in layers.values() for leaf in layer["leaf"]]
    return folder if folder in leaves else None


def _check_file(root, layers, path):
    inside = path.removeprefix("src/")
    top = inside.split("/")[0]
    if top not in layers or _leaf_of(layers, inside) is None:
        yield f"{path}:1: its folder is no leaf of src/layers.toml"
        return
    is_test = re.search(r"(_test|_bench|_fuzz)\.cpp$", inside) is not None
    text = (root / path).read_text()
    for match in _INCLUDE.finditer(text):
        target = match.group(1)
        line = text.count("\n", 0, match.start(1)) + 1
        other = target.split("/")[0]
        if other not in layers:
            if "/" in target and not (root / "src" / target).exists():
                continue  # a library's header in quotes
            yield f'{path}:{line}: include "{target}" by its path from src/'
            continue
        if "/testing/" in target and not is_test and "/testing/" not in path:
            yield f"{path}:{line}: only tests include {target}"
        if other != top and layers[other]["layer"] >= layers[top]["layer"] and other not in layers[top].get("uses", []):
            yield (f"{path}:{line}: {top} (layer {layers[top]['layer']}) must not include {target} "
                   f"(layer {layers[other]['layer']}); see src/layers.toml")
    for pattern, home in _RESERVED.items():
        for match in re.finditer(r"^\s*#\s*include\s+(<[^>]+>)", text, re.MULTILINE):
            if pattern.search(match.group(1)) and top != home:
                yield f"{path}:{text.count(chr(10), 0, match.start(1)) + 1}: only {home}/ includes {match.group(1)}"


def _cycles(root, layers, sources):
    """Includes between leaves must make no cycle."""
    edges = {}
    for path in sources:
        if re.search(r"(_test|_bench|_fuzz)\.cpp$", path):
            continue
        leaf = _leaf_of(layers, path.removeprefix("src/"))
        for target in _INCLUDE.findall((root / path).read_text()):
            other = _leaf_of(layers, target)
            if leaf and other and other != leaf:
                edges.setdefault(leaf, {}).setdefault(other, path)
    done, active = set(), []

    def visit(leaf):
        if leaf in active:
            ring = active[active.index(leaf):] + [leaf]
            yield f"{edges[active[-1]][leaf]}:1: folders include each other in a ring: {' -> '.join(ring)}"
            return
        if leaf in done:
            return
        active.append(leaf)
        for other in edges.get(leaf, {}):
            yield from visit(other)
        active.pop()
        done.add(leaf)

    for leaf in list(edges):
        yield from visit(leaf)


def _table(layers):
    rows = sorted(layers.items(), key=lambda item: (item[1]["layer"], item[0]))
    lines = [f"| {name}/ | {layer['layer']} | {layer['does']} | {', '.join(f'`{leaf}`' for leaf in layer['leaf'])} |" for name, layer in rows]
    return "\n".join(["| folder | layer | does | leaf folders |", "|---|---|---|---|", *lines])


def _check_page(root, layers, fix):
    page = root / "ARCHITECTURE.md"
    if not page.exists():
        return
    text = page.read_text()
    if _BEGIN not in text or _END not in text:
        yield "ARCHITECTURE.md:1: has no place for the table of layers"
        return
    before, rest = text.split(_BEGIN, 1)
    after = rest.split(_END, 1)[1]
    wanted = f"{before}{_BEGIN}\n{_table(layers)}\n{_END}{after}"
    if wanted != text:
        if fix:
            page.write_text(wanted)
        else:
            yield "ARCHITECTURE.md:1: its table of layers is not that of src/layers.toml; run `make format`"


def check(root, paths, fix=False):
    """Yields problems of all files under src/. With `fix` the table of ARCHITECTURE.md is rewritten."""
    layers = _load(root)
    sources = [path for path in paths if path.startswith("src/") and path.endswith((".cpp", ".h"))]
    for path in sources:
        yield from _check_file(root, layers, path)
    yield from _cycles(root, layers, sources)
    for name, layer in layers.items():
        for leaf in layer["leaf"]:
            if not (root / "src" / leaf / "CMakeLists.txt").exists():
                yield f"src/layers.toml:1: [{name}] names the folder {leaf}, which has no CMakeLists.txt"
    yield from _check_page(root, layers, fix)
