"""The source distribution holds what its Makefile and its tests read."""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatch

import pytest

from .structure import ROOT

INCLUDED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["sdist"][
    "include"
]
ALWAYS = ("pyproject.toml", ".gitignore")  # the build backend adds them


def is_included(path: str) -> bool:
    """Tell whether the first part of a path is in the list."""
    top = path.removeprefix("./").split("/")[0]
    return top in ALWAYS or any(fnmatch(f"/{top}", pattern) for pattern in INCLUDED)


def read_by_the_makefile() -> set[str]:
    words = set(re.findall(r"[\w./-]+", (ROOT / "Makefile").read_text("utf-8")))
    return {word for word in words if (ROOT / word).exists() and not word.startswith((".", "/")) and word != "build"}


def read_by_the_tests() -> set[str]:
    text = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    return set(re.findall(r'ROOT / "([\w.-]+)"', text))


def test_what_the_makefile_and_the_tests_read_is_in_the_distribution():
    makefile, tests = read_by_the_makefile(), read_by_the_tests()
    assert {"constraints.txt", "constraints-oldest.txt", "benchmarks/peers.py", "docs"} <= makefile
    assert {"ARCHITECTURE.md", "examples", "docs", "data"} <= tests
    assert not {path for path in makefile | tests if not is_included(path)} - {
        "dist",
        "out",
        "build/docs",
        "build/docs/index.html",
    }  # made


def test_every_file_of_the_repository_is_in_the_distribution():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode or not done.stdout:
        pytest.skip("this is no checkout")
    assert not {path for path in done.stdout.splitlines() if not is_included(path)}
