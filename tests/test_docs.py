"""What the documents claim is what the program does."""

from __future__ import annotations

import ast
import doctest
import re
import runpy
import subprocess
import sys
from importlib import import_module

import pytest

from marketshock.command.main import main

from .conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, flags=re.S)


def test_excerpt_is_what_reproduce_prints(capsys):
    assert main(["reproduce"]) == 0
    printed = capsys.readouterr().out
    for line in blocks("text")[0].splitlines():
        assert line in printed, line


def test_notebook_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # it writes a page
    exec(compile(blocks("python")[0], "README.md", "exec"), {})


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_makefile_lists_every_target_it_explains():
    listed = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout
    for target in ("reproduce", "test", "lint", "bench", "docs", "wheel"):
        assert f"make {target}" in listed


WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "marketshock").rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


def test_examples_are_found():
    assert len(WITH_EXAMPLES) >= 15


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings(module):
    result = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


SAID = {
    "a_million_events.py": "20,000 events studied",
    "fragility.py": "70 firms moved by three volatilities or more on 27 January 2025",
    "groups_and_regressions.py": "239 events studied, 57 left out:",
    "litigation.py": "An abnormal move of 4.1 % would have been found with 80 % power.",
    "newspaper_checked.py": "58 claims: 29 reproduced, 12 reproduced by convention, 8 not checkable",
    "own_data.py": "from a long frame, the same: True",
    "rules_of_the_documents.py": "best in hindsight",
    "the_589_billion.py": "592.5 to 592.8 bn USD, for a count given to 10,000,000 shares",
    "two_shocks.py": "589 = preliminary close",
}


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_run(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")  # warnings are errors here too
    out, err = capsys.readouterr()
    assert err == ""
    assert SAID[path.name] in out


PAGES = [path for path in sorted((ROOT / "docs").rglob("*.md")) if "```{code-cell}" in path.read_text("utf-8")]
SHOWN = {
    "several_markets.md": (
        "8 of 8 events, market model (SPX, DAX, TOPIX, COINS)",
        "results, DE   DEA     2024-11-18",  # published on Friday after the close
        "the events lie in 4 markets with different sessions",
        "a row on a day on which its market (NYSE) was closed: left out",
    ),
    "timestamps.md": ("the closing times of 'SAP.DE' are not known",),
}


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_cells_of_a_page_run(path, monkeypatch, capsys):
    """One cell after the other, as the site runs them, also where Sphinx is not installed."""
    monkeypatch.chdir(path.parent)
    names: dict[str, object] = {}
    for cell in re.findall(r"```\{code-cell\} python\n(.*?)```", path.read_text("utf-8"), flags=re.S):
        tree = ast.parse(cell)
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, path.name, "exec"), names)
        if shown is not None:
            print(repr(eval(compile(ast.Expression(shown.value), path.name, "eval"), names)))
    out, err = capsys.readouterr()
    assert err == ""
    for line in SHOWN.get(path.name, ()):
        assert line in out
