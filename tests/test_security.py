"""SECURITY.md names tests that exist; nothing is executed; no other host is named; files of the cache are private."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from marketshock.providers.store import Key, Store

from .conftest import ROOT

TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
SOURCES = sorted((ROOT / "marketshock").rglob("*.py"))
FORBIDDEN = {"eval", "exec", "compile", "__import__", "system", "popen", "Popen", "read_pickle"}
MODULES = {"pickle", "marshal", "shelve", "subprocess", "yaml", "dill", "cloudpickle", "joblib", "xmlrpc", "jinja2"}
HOSTS = {
    "data.sec.gov",
    "www.sec.gov",
    "mba.tuck.dartmouth.edu",
    "www.w3.org",
    "bford.info",
}  # the last two are never asked


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)*)", TEXT))))
def test_the_named_test_exists(name):
    path, *parts = name.split("::")
    body = ast.parse((ROOT / path).read_text("utf-8")).body
    for part in parts:
        found = [n for n in body if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name == part]
        assert found, part
        body = found[0].body


def test_every_row_of_inputs_names_a_test():
    rows = re.findall(r"^\| .+ \|$", TEXT.partition("| input |")[2].partition("\n\n")[0], re.M)
    assert len(rows) > 10
    assert all("`tests/" in row for row in rows[1:])


def called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_executed(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert (node.module or "").partition(".")[0] not in MODULES
        elif isinstance(node, ast.Call):
            plain = isinstance(node.func, ast.Name) or ast.unparse(node.func).startswith(("os.", "builtins.", "pd."))
            assert not (plain and called(node) in FORBIDDEN), ast.unparse(node)
            assert "allow_pickle=True" not in ast.unparse(node)


def test_hosts():
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    assert set(re.findall(r"https?://([\w.-]+\.[a-z]+)", text)) <= HOSTS


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of these bits")
def test_files_of_the_cache_are_private(tmp_path):
    store, key = Store(tmp_path / "cache"), Key("yahoo", "1d", "NVDA")
    with store.lock(key):
        store.write(key, {}, b"figures")
    assert store.path(key).stat().st_mode & 0o077 == 0
