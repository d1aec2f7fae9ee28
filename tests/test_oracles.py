"""Every test statistic of the registry has a row in docs/methods.md and an oracle test."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

from marketshock.inference import registry as statistics
from marketshock.inference.registry import TESTS

from .oracles import ORACLES
from .structure import ROOT

HERE = Path(__file__).parent


def rows_of_methods() -> dict[str, str]:
    """Read the table of tests in docs/methods.md: name -> reference."""
    text = (ROOT / "docs" / "methods.md").read_text("utf-8")
    section = re.search(r"^## Tests$(.*?)^## ", text, re.M | re.S)[1]
    table = section[section.index("| name |") :].split("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {row[0].strip("`"): row[-1] for row in rows}


def words_of(file: str, function: str) -> set[str]:
    """Return the strings of a test function, its decorators and the constants of its module that it names."""
    tree = ast.parse((HERE / file).read_text("utf-8"))
    found = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name == function]
    names = {n.id for node in found for n in ast.walk(node) if isinstance(n, ast.Name)}
    constants = [
        n.value
        for n in tree.body
        if isinstance(n, ast.Assign) and names & {t.id for t in n.targets if hasattr(t, "id")}
    ]
    nodes = [n for node in (*found, *constants) for n in ast.walk(node)]
    return {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def gaps(registry: dict[str, statistics.Test]) -> list[str]:
    """Return what the statistics of a registry lack."""
    rows, out = rows_of_methods(), []
    for name, test in registry.items():
        if not all(paper in rows.get(name, "") for paper in test.reference.split("; ")):
            out.append(f"{name}: docs/methods.md has no row with its reference, {test.reference}")
        if name not in ORACLES:
            out.append(f"{name}: tests/oracles.py names no test that compares it with an outside number")
        elif name not in words_of(*ORACLES[name]):
            out.append(f"{name}: {'::'.join(ORACLES[name])} does not exist or does not run it")
    return out


def test_every_statistic_is_documented_and_has_an_oracle():
    assert gaps(dict(TESTS)) == []
    assert not {*rows_of_methods(), *ORACLES} - TESTS.keys()


def test_a_new_statistic_without_either_is_found(monkeypatch):
    toy = replace(TESTS["sign"], name="toy", reference="Toy (2026)")
    assert len(gaps({"toy": toy})) == 2
    monkeypatch.setitem(ORACLES, "toy", ("test_oracles.py", "test_every_statistic_is_documented_and_has_an_oracle"))
    assert "does not run it" in gaps({"toy": toy})[1]


@pytest.mark.parametrize("name", ["patell", "wild_bootstrap", "t_firm"])
def test_what_an_oracle_names_is_read_from_functions_decorators_and_constants(name):
    file, function = ORACLES[name]
    assert name in words_of(file, function)
    assert not words_of(file, f"{function}_")
