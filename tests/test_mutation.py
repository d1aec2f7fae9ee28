"""The mutation runner finds every one-token change, runs it without touching a file, and its lists match the code."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

from .conftest import ROOT
from .mutation.mutants import mutants_of
from .mutation.run import HERE, BaselineError, Run, equivalents, targets

TOY = '''
"""Docstring 1."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    ONE = 1

def f(x: int | None = 2, *, flag=True) -> "tuple[1]":
    """Docstring 2."""
    if flag and x is not None:
        return -x + rows[0:3, 0]
    if flag:
        total -= not x
    return f"{x < 4}" if x in (5,) else x | 6

@cache(7)
class C:
    n: "8" = x[0] * x[0]
'''
CHANGES = [
    ("f", "True -> False"),
    ("f", "2 -> 3"),
    ("f", "flag and x is not None -> flag or x is not None"),
    ("f", "x is not None -> x is None"),
    ("f", "-x + rows[0:3, 0] -> -x - rows[0:3, 0]"),
    ("f", "-x -> +x"),
    ("f", "rows[0:3, 0] -> rows[1:3, 0]"),
    ("f", "rows[0:3, 0] -> rows[0:4, 0]"),
    ("f", "rows[0:3, 0] -> rows[0:3, 1]"),
    ("f", "if flag -> if not flag"),
    ("f", "total -= not x -> total += not x"),
    ("f", "not x -> not not x"),
    ("f", "x in (5,) -> x not in (5,)"),
    ("f", "x in (5,) -> x in (6,)"),
    ("f", "x < 4 -> x <= 4"),
    ("f", "x < 4 -> x < 5"),
    ("f", "x | 6 -> x & 6"),
    ("f", "x | 6 -> x | 7"),
    ("C", "x[0] * x[0] -> x[0] / x[0]"),
    ("C", "x[0] -> x[1]"),
    ("C", "x[0] -> x[1]"),
]


def test_every_one_token_change_is_a_mutant():
    found = mutants_of("toy.py", TOY)
    assert [(mutant.function, mutant.change) for mutant in found] == CHANGES
    assert [mutant.index for mutant in found] == list(range(len(CHANGES)))
    assert [mutant.nth for mutant in found][-2:] == [1, 2]
    assert found[0].line == 8
    assert str(found[-1]) == "toy.py:18 C: x[0] -> x[1] (#2)"


FORMULA = "def area(a, b):\n    return a * b + 0 * a\n\ndef unused(a):\n    return a > 1\n"
TEST = "from toy.formula import area\ndef test_area():\n    assert area(2, 3) == 6\n"
TARGETS = '[[target]]\nfiles = ["toy/*.py"]\ntests = ["test_area.py"]\n'
NEGATIVE_ZERO = """
[[mutant]]
file = "toy/formula.py"
function = "area"
change = "a * b + 0 * a -> a * b - 0 * a"
reason = "zero has no sign here"
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project of one formula and one test, with a copy of the runner and lists of its own."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # its nine processes start in a third of the time
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    shutil.copytree(ROOT / HERE, tmp_path / HERE, ignore=shutil.ignore_patterns("__pycache__", "*.toml"))
    (tmp_path / "toy").mkdir()
    for file, text in {
        "toy/__init__.py": "",
        "toy/formula.py": FORMULA,
        "tests/__init__.py": "",
        "tests/test_area.py": TEST,
        "tests/mutation/targets.toml": TARGETS,
        "tests/mutation/equivalent.toml": NEGATIVE_ZERO,
        "pytest.ini": "[pytest]\n",
    }.items():
        (tmp_path / file).write_text(text)
    return tmp_path


def test_a_run_prints_survivors_and_score_and_leaves_the_files_alone(project, capsys):
    run = Run(root=project)
    assert run.score(run.sample(0, seed=1), at_least=60) == 1
    said = capsys.readouterr().out
    survivors = said.split("mutants survived:\n")[1].splitlines()[:-1]
    assert survivors == [
        "  toy/formula.py:2 area: 0 * a -> 0 / a",
        "  toy/formula.py:5 unused: a > 1 -> a >= 1",
        "  toy/formula.py:5 unused: a > 1 -> a > 2",
    ]
    assert "score: 2 of 5 killed, 40.0 % (6 mutants in all, 1 of them listed as equivalent)" in said
    assert (project / "toy/formula.py").read_text() == FORMULA
    assert run.check_equivalents() == 0


def test_a_listed_mutant_that_a_test_kills_is_reported(project, capsys):
    listed = project / "tests/mutation/equivalent.toml"
    listed.write_text(NEGATIVE_ZERO.replace("a * b + 0 * a -> a * b - 0 * a", "a * b -> a / b"))
    assert Run(root=project).check_equivalents() == 1
    assert "not equivalent: toy/formula.py:2 area: a * b -> a / b" in capsys.readouterr().out


def test_tests_that_fail_without_a_mutant_stop_the_run(project):
    (project / "tests/test_area.py").write_text(TEST.replace("6", "7"))
    run = Run(root=project)
    with pytest.raises(BaselineError, match=r"tests/test_area\.py"):
        run.score(run.mutants)


def test_a_sample_is_the_same_for_the_same_seed_and_has_no_equivalents():
    run = Run("marketshock/models/")
    sample = run.sample(30, seed=5)
    assert len(sample) == 30
    assert sample == run.sample(30, seed=5)
    assert sample != run.sample(30, seed=6)
    assert not {mutant.key for mutant in run.sample(0, seed=1)} & equivalents().keys()


def test_targets_and_tests_exist():
    rows = tomllib.loads((ROOT / HERE / "targets.toml").read_text("utf-8"))["target"]
    for row in rows:
        for pattern in [*row["files"], *(f"tests/{name}" for name in row["tests"])]:
            assert list(ROOT.glob(pattern)), pattern
    assert all(targets().values())


def test_every_listed_equivalent_is_a_mutant_of_the_code_and_has_a_reason():
    listed = equivalents()
    keys = {mutant.key for mutant in Run().mutants}
    assert not listed.keys() - keys
    assert all(len(reason.split()) > 3 for reason in listed.values())
