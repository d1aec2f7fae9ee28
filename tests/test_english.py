"""Plain English in code and docs: two habits that a regular expression can find."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from .conftest import ROOT

#: Files and folders that are not in plain English yet. A clean one fails `test_no_entry_is_stale`: delete it here.
TO_DO = (
    "docs",
    "marketshock/claims",
    "marketshock/plots",
    "marketshock/report",
    "marketshock/robustness",
    "marketshock/study",
)

_THING = "row|line|panel|leg|check|file|mean|column|study|return|page|test|table|block|entry|figure|symbol|call"
#: "a row a firm" for "one row per firm"; "one a firm" for "one per firm".
PER = re.compile(
    rf"\b(?:an?|one) (?:[a-z]+ )?(?:{_THING}) an? [a-z]+|\bone an? (?:firm|kind|event|day|session|security)\b"
)
#: Phrases that give data a voice.
VOICE = re.compile(r"\bwithout a word\b|\b(?:says?|said) nothing\b", re.IGNORECASE)
#: First words of a heading without a main clause.
CLAUSE = re.compile(r"(?:What|Which|Who|Whose|Whom|How|Where|When|Why|Whether)\b")


def faults(text: str, code: bool) -> list[str]:
    """Return the wordings of a file that are not plain English."""
    flat = re.sub(r"""["']\s*\n\s*[rf]?["']""", "", text)  # strings joined by the compiler
    flat = re.sub(r"\s+(?:#:?\s+)?", " ", flat)
    found = [match[0] for pattern in (PER, VOICE) for match in pattern.finditer(flat)]
    head = (ast.get_docstring(ast.parse(text)) or "") if code else ""
    return found + ([head.splitlines()[0]] if CLAUSE.match(head) else [])


def texts() -> list[Path]:
    """Return the files whose English is checked."""
    return sorted(
        [
            *(ROOT / "marketshock").rglob("*.py"),
            *(ROOT / "docs").rglob("*.md"),
            ROOT / "README.md",
            ROOT / "ARCHITECTURE.md",
        ]
    )


FAULTS = {path.relative_to(ROOT): faults(path.read_text("utf-8"), path.suffix == ".py") for path in texts()}


def test_plain_english():
    left = {str(path): found for path, found in FAULTS.items() if found and not any(map(path.is_relative_to, TO_DO))}
    assert not left


@pytest.mark.parametrize("entry", TO_DO)
def test_no_entry_is_stale(entry):
    assert any(found for path, found in FAULTS.items() if path.is_relative_to(entry)), f"{entry} is clean: take it out"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""Rows.\n\nA list with a row an event."""', ["a row an event"]),
        ('"""Rows."""\n\nTEXT = "one table a "\nMORE = ("a panel a " "security")', []),
        ('"""Rows."""\n\nMORE = (\n    "a panel "\n    f"a security"\n)', ["a panel a security"]),
        ('"""Rows."""\n\nX = 1  # one pure check\n# a kind of claim', ["one pure check a kind"]),
        ('"""Rows."""\n\n#: columns, one a firm', ["one a firm"]),
        ('"""Nothing is filled without a word."""', ["without a word"]),
        ('"""What a catalog holds."""', ["What a catalog holds."]),
        ('"""Catalog entries: one row per event, a table and a file."""', []),
        ('"""Whole days; however long, one return per day."""', []),
    ],
)
def test_what_is_found(text, found):
    assert faults(text, code=True) == found
