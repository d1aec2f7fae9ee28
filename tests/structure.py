"""Rooms, floors, import circles and longest files and functions of the package: ``python -m tests.structure``."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "marketshock"
MOST_ROOMS, MOST_FLOORS, MOST_LINES, MOST_BODY = 34, 15, 450, 60
SHOWN = 8  # longest files and functions printed


def sources() -> list[Path]:
    """Return the files of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the path of a file inside the package, such as ``models/base.py``."""
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    """Return the top-level module (``abnormal.py``) or package (``models/``) of a file or folder."""
    inside = path.relative_to(PACKAGE)
    return f"{inside.parts[0]}/" if len(inside.parts) > 1 or path.is_dir() else inside.name


def rooms() -> set[str]:
    """Return the top-level modules and packages of the package, without ``__init__.py``."""
    return {room_of(path) for path in sources()} - {"__init__.py"}


def floors() -> dict[str, int]:
    """Read the table of ARCHITECTURE.md: room -> floor."""
    out: dict[str, int] = {}
    for line in (ROOT / "ARCHITECTURE.md").read_text("utf-8").splitlines():
        match = re.match(r"\| (\d+) \| (.+?) \|", line)
        if match:
            out |= {room: int(match[1]) for room in re.findall(r"`([\w/.]+)`", match[2])}
    return out


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text("utf-8"))


@cache
def imports(path: Path) -> frozenset[tuple[Path, int]]:
    """Return the file of the package and the line of each import, at the top, in functions and for types only.

    A name that is no file, such as ``from . import __version__``, stands for the ``__init__.py`` that has it.
    """
    found: set[tuple[Path, int]] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            found |= {(file, node.lineno) for alias in node.names if (file := _file(base, alias.name))}
    return frozenset(found)


def _file(base: Path, name: str) -> Path | None:
    candidates = [base / f"{name}.py", base / name / "__init__.py", base.with_suffix(".py"), base / "__init__.py"]
    return next((file for file in candidates if file.is_file()), None)


def _reached(edges: dict[str, set[str]]) -> dict[str, set[str]]:
    out = {}
    for start in edges:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = edges.get(waiting.pop(), set()) - seen
            seen |= new
            waiting.extend(new)
        out[start] = seen
    return out


def circles() -> set[frozenset[str]]:
    """Return the groups of files that import each other, directly or through others; imports for types only count."""
    edges = {name_of(path): {name_of(file) for file, _ in imports(path)} for path in sources()}
    return loops(edges)


def loops(edges: dict[str, set[str]]) -> set[frozenset[str]]:
    """Return the groups of nodes of a graph of which each reaches each."""
    reached = _reached(edges)
    return {frozenset(b for b in reached[a] if a in reached.get(b, ())) for a in edges if a in reached[a]}


def longest_chain() -> list[str]:
    """Return the longest chain of rooms of which each imports the next; imports of the package's face do not count."""
    edges: dict[str, set[str]] = {room: set() for room in rooms()}
    for path in sources():
        if room_of(path) in edges:
            edges[room_of(path)] |= {room_of(file) for file, _ in imports(path)} & edges.keys() - {room_of(path)}

    @cache
    def chain(room: str) -> list[str]:
        return [room, *max((chain(below) for below in sorted(edges[room])), key=len, default=[])]

    return [] if loops(edges) else max(map(chain, sorted(edges)), key=len)


def lengths() -> dict[str, int]:
    """Return the number of lines of each file."""
    return {name_of(path): len(path.read_text("utf-8").splitlines()) for path in sources()}


def bodies() -> dict[str, int]:
    """Return the number of lines of each function's body, without its signature and docstring."""
    return {
        f"{name_of(path)}:{line} {name}": size
        for path in sources()
        for name, line, size in sizes_of_bodies(tree_of(path))
    }


def sizes_of_bodies(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Yield name, first line and number of lines of the body of each function, without its docstring."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield node.name, node.lineno, (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def problems() -> list[str]:
    """Return one sentence per limit that the package breaks."""
    most: dict[str, tuple[int, int]] = {
        "rooms": (len(rooms()), MOST_ROOMS),
        "floors in ARCHITECTURE.md": (max(floors().values()), MOST_FLOORS),
        "rooms in the longest chain of imports": (len(longest_chain()), MOST_FLOORS),
        "import circles": (len(circles()), 0),
    }
    most |= {f"lines in {name}": (n, MOST_LINES) for name, n in lengths().items()}
    most |= {f"lines in the body of {name}": (n, MOST_BODY) for name, n in bodies().items()}
    return [f"{n} {what}: at most {limit} are allowed" for what, (n, limit) in most.items() if n > limit]


def main(say: Callable[[str], object] = print) -> int:
    """Print the structure of the package; return 1 when a limit is broken."""
    say(f"rooms: {len(rooms())} (at most {MOST_ROOMS})")
    say(f"floors in ARCHITECTURE.md: {max(floors().values())} (at most {MOST_FLOORS})")
    say(f"longest chain of imports: {len(longest_chain())} rooms: {' > '.join(longest_chain())}")
    say(f"import circles, type-only imports included: {len(circles())}")
    for circle in sorted(map(sorted, circles())):
        say(f"  {' <-> '.join(circle)}")
    for what, sizes, limit in (("files", lengths(), MOST_LINES), ("function bodies", bodies(), MOST_BODY)):
        say(f"longest {what} (at most {limit} lines):")
        for name, n in sorted(sizes.items(), key=lambda item: -item[1])[:SHOWN]:
            say(f"  {n:4d}  {name}")
    for problem in problems():
        say(f"BROKEN: {problem}")
    return bool(problems())


if __name__ == "__main__":
    raise SystemExit(main())
