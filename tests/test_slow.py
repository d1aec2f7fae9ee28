"""The list of slow tests names tests that exist, and only those."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .slow import SLOW, is_slow

HERE = Path(__file__).parent


def named(file: str) -> set[str]:
    """Return the test functions and classes of a file, as pytest writes them."""
    out = set()
    for node in ast.parse((HERE / file).read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            out.add(node.name)
        if isinstance(node, ast.ClassDef):
            out |= {f"{node.name}::{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
    return out


@pytest.mark.parametrize("file", SLOW)
def test_every_entry_names_a_test(file):
    assert not set(SLOW[file]) - named(file)


@pytest.mark.parametrize(
    ("nodeid", "slow"),
    [
        ("tests/test_simulate.py::test_any[a::b-1]", True),
        ("tests/test_engines.py::TestDask::test_any", True),
        ("tests/test_engines.py::TestDaskless::test_any", False),
        ("tests/test_engines.py::test_serial", False),
        ("tests/test_no_such_file.py::test_any", False),
    ],
)
def test_a_test_is_slow_by_its_file_its_class_or_its_name(nodeid, slow):
    assert is_slow(nodeid) == slow


def test_pytest_sees_the_marks(request):
    marked = {item.nodeid for item in request.session.items if item.get_closest_marker("slow")}
    assert {item.nodeid for item in request.session.items if is_slow(item.nodeid)} <= marked
