"""The house is as ARCHITECTURE.md says, its face is lazy, and its public names are listed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

import marketshock as ms

from .structure import (
    PACKAGE,
    ROOT,
    circles,
    floors,
    imports,
    loops,
    name_of,
    problems,
    room_of,
    rooms,
    sizes_of_bodies,
    sources,
)

HEAVY = ("yfinance", "statsmodels", "matplotlib", "scipy.stats")
ONLY_IN = {
    "matplotlib": "plots/",
    "yfinance": "providers/yahoo",
    "curl_cffi": "providers/yahoo_client.py",
    "arch": "models/garch.py",
    "statsmodels": ("study/crosssection.py", "inference/adjust.py"),
}


SOURCES = sources()


def test_every_room_has_a_floor_and_every_floor_a_room():
    assert rooms() == set(floors()), "ARCHITECTURE.md and the package differ"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_imports_go_down(path):
    if path == PACKAGE / "__init__.py":
        return
    here = room_of(path)
    for file, line in imports(path):
        there = room_of(file)
        assert there == here or floors()[there] < floors()[here], f"{name_of(path)}:{line} imports {there} from {here}"


def test_no_files_import_each_other():
    """Imports for types only and in functions count."""
    assert not circles()


def test_the_limits_are_kept():
    assert not problems()


def test_structure_reads_every_kind_of_import(tmp_path):
    """One file imports the other at the top, the other imports it in a function and for types."""
    package = tmp_path / "toy"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text("from .rank import one\nfrom . import rank\n")
    (package / "rank.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .base import two\n"
        "def f():\n    from . import base\n    from . import __version__\n"
    )
    read = {path.name: {(file.name, line) for file, line in imports(path)} for path in package.glob("*.py")}
    assert read["base.py"] == {("rank.py", 1), ("rank.py", 2)}
    assert read["rank.py"] == {("base.py", 3), ("base.py", 5), ("__init__.py", 6)}


def test_structure_finds_circles_of_any_length():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"a", "f"}, "f": {"e"}, "g": {"g"}}
    assert loops(graph) == {frozenset("abc"), frozenset("ef"), frozenset("g")}


def test_structure_counts_bodies_without_docstrings():
    tree = ast.parse('def f(a,\n      b):\n    """One\n    two."""\n    x = a\n\n    return x\n')
    assert [size for *_, size in sizes_of_bodies(tree)] == [3]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_heavy_libraries_stay_in_their_room_and_inside_functions(path):
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(n)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for n in ast.walk(node)
    }
    for node in tree.body:
        for sub in [node] if isinstance(node, (ast.Import, ast.ImportFrom)) else []:
            names = [a.name for a in sub.names] if isinstance(sub, ast.Import) else [sub.module or ""]
            for name in names:
                assert not name.startswith(HEAVY), f"{path.name}:{sub.lineno} imports {name} at the top"
    for node in ast.walk(tree):
        if id(node) in typing_only or not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        for name in names:
            room = ONLY_IN.get(name.split(".")[0], "anywhere")
            if room != "anywhere":
                inside = str(path.relative_to(PACKAGE))
                assert inside.startswith(room), f"{inside}:{node.lineno}: {name}"


@pytest.mark.parametrize("folder", ["models", "inference"])
def test_arrays_only(folder):
    for path in [*(PACKAGE / folder).glob("*.py"), PACKAGE / "panel" / "abnormal.py"]:
        assert "pandas" not in path.read_text("utf-8"), path
        assert not {room_of(file) for file, _ in imports(path)} & {"providers/", "catalog/"}, path


def test_import_loads_nothing_heavy():
    code = (
        "import sys, marketshock; "
        f"print([m for m in {HEAVY!r} if m in sys.modules]); "
        "import marketshock as ms; ms.load_catalog(); ms.snapshot(); ms.event_study; ms.market_cap_change; "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_public_names():
    assert set(ms.__all__) == {*ms._HOME, "MAGNIFICENT_SEVEN"}
    for name in ms.__all__:
        assert getattr(ms, name) is not None
    assert set(ms.__all__) <= set(dir(ms))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ms.nothing


def test_names_that_moved_say_where_they_are():
    for name, place in ms._MOVED.items():
        with pytest.raises(AttributeError, match=f"it is marketshock.{place} now"):
            getattr(ms, name)
        module, there = place.split(".")
        assert getattr(getattr(ms, module), there) is not None


def test_public_callables_have_numpydoc_docstrings():
    for name in ms.__all__:
        thing = getattr(ms, name)
        if callable(thing) and getattr(thing, "__module__", "").startswith("marketshock"):
            assert thing.__doc__, name
            if not isinstance(thing, type):
                assert "Returns\n" in thing.__doc__ or name in ("share_counts",), name


def test_no_registry_address_is_committed():
    """Pinned by name and version; no index address anywhere."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False).stdout
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.suffix in {".npz", ".png"} or not path.is_file():
            continue
        text = path.read_text("utf-8", errors="ignore")
        assert not re.search(r"https?://[^\s\"']*(pypi|pythonhosted)", text), name
        assert name != "uv.lock"
