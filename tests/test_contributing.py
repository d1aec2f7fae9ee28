"""Every example of CONTRIBUTING.md runs, and every file and command that it names exists."""

from __future__ import annotations

import re

import matplotlib.pyplot as plt
import pytest

from .structure import ROOT

TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLES = re.findall(r"^## (.+?)\n.*?```python\n(.*?)```", TEXT.split("Each example below")[1], re.M | re.S)


@pytest.mark.parametrize(("title", "code"), EXAMPLES, ids=[title for title, _ in EXAMPLES])
def test_the_example_runs(title, code, capsys):
    exec(compile(code, title, "exec", dont_inherit=True), {"__name__": "__main__"})
    assert capsys.readouterr().out.strip()
    plt.close("all")


def test_each_kind_of_contribution_has_an_example():
    titles = [title for title, _ in EXAMPLES]
    assert titles == re.findall(r"^## (An? .+)$", TEXT, re.M)
    assert len(titles) == 6


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:marketshock|tests|docs|data)/[\w/.]*)`", TEXT))))
def test_the_file_exists(path):
    assert (ROOT / path).exists()


def test_the_commands_exist():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert set(re.findall(r"`make ([a-z-]+)", TEXT)) <= set(targets)
