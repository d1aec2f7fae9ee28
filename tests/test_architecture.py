"""The house is as ARCHITECTURE.md says, its face is lazy, and its public names are listed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import marketshock as ms

from .conftest import ROOT

PACKAGE = ROOT / "marketshock"
HEAVY = ("yfinance", "statsmodels", "matplotlib", "scipy.stats")
ONLY_IN = {
    "matplotlib": "plots/",
    "yfinance": "providers/yahoo",
    "curl_cffi": "providers/yahoo_client.py",
    "arch": "models/garch.py",
    "statsmodels": ("crosssection.py", "inference/adjust.py"),
}


def rooms() -> dict[str, int]:
    """Read the table of ARCHITECTURE.md: room -> floor."""
    out: dict[str, int] = {}
    for line in (ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines():
        match = re.match(r"\| (\d+) \| (.+?) \|", line)
        if match:
            out |= {room: int(match[1]) for room in re.findall(r"`([\w/.]+)`", match[2])}
    return out


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    return f"{inside.parts[0]}/" if len(inside.parts) > 1 else inside.name


def imports(path: Path) -> set[tuple[str, int]]:
    """Return (module file or folder inside the package, line) of each relative import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = path.parents[node.level - 1]
        names = [f"{node.module}"] if node.module else [alias.name for alias in node.names]
        for name in names:
            target = base / Path(*name.split("."))
            file = target if target.is_dir() else target.with_suffix(".py")
            found.add((str(file), node.lineno))
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_has_a_floor_and_every_floor_a_room():
    built = {room_of(path) for path in SOURCES} - {"__init__.py"}
    assert built == set(rooms()), "ARCHITECTURE.md and the package differ"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    if path == PACKAGE / "__init__.py":
        return
    floors, here = rooms(), room_of(path)
    for file, line in imports(path):
        target = Path(file)
        if not target.exists():
            continue  # a name of the package's face, such as MAGNIFICENT_SEVEN or __version__
        there = f"{target.name}/" if target.is_dir() else room_of(target)
        assert there == here or floors[there] < floors[here], f"{path.name}:{line} imports {there} from {here}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
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
    for path in [*(PACKAGE / folder).glob("*.py"), PACKAGE / "abnormal.py"]:
        assert "pandas" not in path.read_text("utf-8"), path
        reached = {file for file, _ in imports(path)}
        assert not any("providers" in file or "catalog" in file for file in reached), path


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
