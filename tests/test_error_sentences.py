"""Every error is one sentence of one shape: parameter, what came, what to do."""

from __future__ import annotations

import ast

import pytest

from .conftest import ROOT

OURS = ("InputError", "PriceError", "WindowError", "CatalogError", "SharesError", "VintageError", "NotSessionError")


def sentences() -> list[tuple[str, str, str]]:
    """Return place, problem and remedy of every error whose words stand in the code."""
    out = []
    for path in sorted((ROOT / "marketshock").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in OURS and len(node.args) == 3:
                problem, remedy = (text(part) for part in node.args[1:])
                out.append((f"{path.relative_to(ROOT)}:{node.lineno}", problem, remedy))
    return out


def text(node: ast.expr) -> str:
    """Return a literal's words, with {} for what is put in; nothing for what is no literal."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Words":
        return "".join(text(part) or "{}" for part in node.args)
    return ""


NAMES = ("Parquet", "Excel", "GarchModel", "UTF-8")
FOUND = sentences()


def test_there_are_many():
    assert len(FOUND) > 300


@pytest.mark.parametrize("which", [1, 2], ids=["problem", "remedy"])
def test_they_are_parts_of_one_sentence(which):
    for row in FOUND:
        words = row[which]
        if not words or words == "{}":
            continue
        assert not words.endswith((".", "!", ";", " ")), row
        assert "\n" not in words, row
        first = words.split()[0]
        fine = first[0] in "{'\"($<0123456789" or first.islower() or first.startswith(NAMES) or set("=._") & set(first)
        assert fine, row
