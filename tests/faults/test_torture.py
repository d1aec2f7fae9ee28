"""``make torture``: a lost attack is reported as lost, whatever it does, and a run can be repeated."""

from __future__ import annotations

import os
import re
import tempfile

import pytest

from tests import torture

from . import kinds

HANGS = "hangs at the second"


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str]:
    code = torture.main(["--limit", "1.5", *argv], prefix="fakes_")
    return code, capsys.readouterr().out


def test_every_way_to_lose_is_reported_with_how_to_repeat_it(capsys):
    code, out = run(capsys, "--seed", "7", "--jobs", "4")
    assert code == 1
    assert [re.sub(r" +", " ", line) for line in out.splitlines()[2:9]] == [
        "| survives | 10 | 10 |",
        "| fails at the third | 10 | 9 |",
        f"| {HANGS} | 10 | 9 |",
        "| ends the process at the last | 10 | 9 |",
        "| exits at the first | 10 | 9 |",
        "| has three only | 3 | 3 |",
        "| sum | 53 | 49 |",
    ]
    told = out.partition("Not survived:")[2]
    assert "AssertionError: the wrong number" in told
    assert "no end after 1.5 seconds" in told
    assert "the process ended with code 3" in told
    assert "SystemExit: 5" in told
    assert 'again: python -m tests.torture --seed 7 --only "fails at the third" --number 2' in told
    assert f'again: python -m tests.torture --seed 7 --only "{HANGS}" --number 1' in told
    labels = dict(re.findall(r"^(\w[\w ]+), (\d{3}): ", told, re.M))
    for kind in kinds("fakes_"):  # the words of an attack depend on the seed alone
        if kind.name in labels:
            drawn = [words for _, words, _ in kind.numbered(7, 0, 10)]
            assert labels[kind.name] in drawn


def test_one_attack_is_made_again(capsys):
    argv = ("--seed", "7", "--only", "fails at the third", "--number")
    before = dict(os.environ), tempfile.gettempdir()
    assert run(capsys, *argv, "1")[0] == 0
    assert run(capsys, *argv, "2")[0] == 1
    assert run(capsys, *argv, "1000")[0] == 2
    assert (dict(os.environ), tempfile.gettempdir()) == before


def test_what_all_survive_is_a_success_and_tries_scale(capsys):
    code, out = run(capsys, "--only", "survives", "--tries", "0.3")
    assert code == 0
    assert "| survives | 3 | 3 |" in out
    assert "Everything was survived." in out


@pytest.mark.parametrize("argv", [("--only", "nowhere"), ("--number", "1"), ("--only", "survives", "--write")])
def test_bad_arguments(argv):
    with pytest.raises(SystemExit) as left:
        torture.main(argv, prefix="fakes_")
    assert left.value.code == 2


def test_the_page_is_written_between_its_marks(tmp_path, monkeypatch):
    page = tmp_path / "tried.md"
    page.write_text(f"# Title\n\n{torture.MARKS[0]}\nold\n{torture.MARKS[1]}\n\nThe end.\n", "utf-8")
    monkeypatch.setattr(torture, "PAGE", page)
    torture.write_page([torture.Row("a|b", 1200, [(3, "cut", "lost")])], 5)
    text = page.read_text("utf-8")
    assert text.startswith("# Title\n")
    assert text.endswith("-->\n\nThe end.\n")
    assert "| a\\|b | 1,200 | 1,199 |" in text
    assert "old" not in text


def test_the_rows_of_the_page_are_the_kinds_and_all_were_survived():
    text = torture.PAGE.read_text("utf-8").partition(torture.MARKS[0])[2].partition(torture.MARKS[1])[0]
    rows = re.findall(r"^\| (.+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.M)
    assert [name.replace("\\|", "|") for name, _, _ in rows] == [kind.name for kind in kinds()]
    assert all(tried == survived for _, tried, survived in rows)
