"""The command line, with arguments of every kind in every option.

The arguments are made from the parser itself: a new option is tried without a line here.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import random
import re
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from marketshock.command.main import COMMANDS, main
from marketshock.command.options import command_parser

from . import Attack, Kind

SOUND_FILES = {
    "events": ("events.csv", "two_documents.toml", "bundled"),
    "prices": ("prices.csv", "prices.parquet", "long.csv", "bundled", "yahoo", "prices.csv,caps.csv"),
    "returns": ("returns.csv",),
    "factors": ("factors.csv", "bundled"),
    "caps": ("caps.csv",),
    "catalog": ("claims.toml",),
    "facts": ("facts.csv",),
    "config": ("plan.toml",),
    "file": ("article.txt", "article.html", "article.md"),
    "out": ("out/a", "a.html", "a.csv", "a.parquet", "a.toml", "new"),
    "cache": ("cache", "new"),
}
OTHER_FILES = (
    *("odd.toml", "unknown.toml", "empty.csv", "head.csv", "odd.csv", "words.csv", "junk.parquet", "junk.zip"),
    *("latin.csv", "folder", "folder/", "nowhere.csv", "nowhere/a.csv", "events.csv/a", "", " ", ".", "..", "-", "~"),
    *("\0", "a\0.csv", "a\n.csv", "\udcff.csv", "\u202e.csv", "é" * 300, "a" * 5000, "/dev/null", "%s", "a.", "*"),
    *("/dev/zero", "/dev/full", "/dev/random", "pipe"),  # endless, full, nobody at the other end
    *("http://127.0.0.1:9/a.csv", "file:///etc/passwd", "s3://a/b.parquet", "C:\\a.csv", "con", "events.csv,", ",,"),
)
SOUND_NAMES = {
    "benchmark": ("^GSPC", "^GSPC", "MSFT"),
    "tickers": ("NVDA", "NVDA,MSFT"),
    "risk_free": ("RF",),
    "calendar": ("auto", "NYSE", "index", "24/7", "XTKS"),
    "by": ("group", "ticker"),
    "explain": ("a", "c", "deepseek-selloff/NVDA"),
    "tolerate": ("spike", "jump,tick"),
    "document": ("000", "003"),
    "id": ("A11", "A01"),
    "tests": ("bmp", "patell,corrado"),
    "group": ("NVDA,AAPL",),
    "interval": ("1d", "1d", "5m"),
    "encoding": ("utf-8", "gb18030", "latin-1"),
}
SOUND_DAYS = ("2025-01-27", "2025-02-03", "2024-03-01", "2025-01-28")
OTHER_DAYS = (
    *("2025-01-25", "2025-02-30", "0001-01-01", "9999-12-31", "10000-01-01", "1677-01-01", "2262-04-12", "20250127"),
    *("27/01/2025", "today", "2025-01-27T09:30", "2025-01-27T23:00+09:00", "NaT", "1970-01-01", "-1", "2025-1-7"),
)
SOUND_NUMBERS = {
    "N": ("1", "5", "20", "60"),
    "X": ("0.05", "0.5", "2", "3"),
    "A:B": ("0:0", "-1:1", "0:5"),
    "N,N": ("1", "1,5"),
    "X,X": ("0", "0,0.01"),
    "USD": ("589e9", "1e9"),
    "SECONDS": ("0.01", "5"),
    "estimation": ("-120:-11", "-60:-6"),
    "n_samples": ("1", "3", "50"),
    "n_firms": ("2", "7"),
    "n_days": ("30", "60"),
    "workers": ("1", "2"),
    "placebo": ("19", "25"),
    "explain_days": ("0:0", "0:1"),
}
"""Sensible numbers by option, else by the letter that stands for them in the help; the work they make is short."""
OTHER_NUMBERS = (
    *("0", "-1", "nan", "inf", "-inf", "1e400", "-0.0", "1e-320", "0x10", "１２", "1_000", "1.5", "True", "None"),
    *("9" * 19, "-" + "9" * 19, "9" * 30, "9" * 5000, "1e18", ":", "5:", ":5", "5:-5", "0:" + "9" * 25, "1:2:3"),
    *("1,,2", "nan,nan", ",".join("1" * 300), "٣", "1 ", "+1", "1e5", "½"),
)
TEXT = (
    *("", " ", "\t", "a\nb", "a\rb", "\0", "\x1b[31m", "\udcff", "\u202e", "\ufffe", "📉", "茅台", "é", "e\u0301"),
    *("$x$", "%s%d{0}", "=1+1", "'", '"', "\\", "../../x", "a" * 5000, "<script>", "--", "-", "--x", "@events.csv"),
)
ENCODINGS = ("rot13", "base64", "idna", "undefined", "utf-7", "utf-16", "punycode", "unicode_escape", "mbcs", "zlib")
SET = {
    "study": ("prices", "benchmark"),
    "report": ("events", "prices", "benchmark"),
    "backtest": ("rule", "days", "events"),
}
"""Options that a command is rarely tried without: it would fail early, or take long."""
SELDOM = {"reproduce": 1, "claims": 3, "fragility": 3}
"""Commands that take seconds, and how often each is chosen for eight times another is."""


@functools.cache
def options_of(command: str) -> tuple[argparse.Action, ...]:
    """Return the actions of the parser of one command."""
    parser = command_parser([command], COMMANDS)._subparsers._group_actions[0].choices[command]
    return tuple(action for action in parser._actions if action.dest != "help")


def value_of(rng: random.Random, action: argparse.Action, bad: float) -> str:
    """Return a value for an option: a sensible one of its kind, or with this probability any other."""
    if rng.random() < bad:
        return rng.choice(rng.choice((OTHER_FILES, OTHER_DAYS, OTHER_NUMBERS, TEXT, ENCODINGS)))
    if action.choices:
        return rng.choice(list(action.choices))
    sound = SOUND_FILES.get(action.dest) or SOUND_NUMBERS.get(action.dest) or SOUND_NUMBERS.get(str(action.metavar))
    if action.metavar == "YYYY-MM-DD":
        sound = SOUND_DAYS
    return rng.choice(sound or SOUND_NAMES.get(action.dest) or SOUND_NAMES["tickers"])


def argv_of(rng: random.Random) -> list[str]:
    """Return a command with options, some of them bad, in any order."""
    if rng.random() < 0.02:
        return rng.choice((["--help"], ["--version"], [], [rng.choice(TEXT)], ["study", "--help"], ["-h"]))
    command = rng.choice([name for name in COMMANDS for _ in range(SELDOM.get(name, 8))])
    bad = rng.choice((0.0, 0.0, 0.1, 0.4))
    actions = options_of(command)
    needed = [a for a in actions if a.required or not a.option_strings]
    needed += [a for a in actions if a.dest in SET.get(command, ()) and a not in needed]
    more = [a for a in actions if a not in needed]
    chosen = [a for a in needed if rng.random() > bad / 5] + rng.sample(more, min(len(more), rng.randrange(5)))
    if command == "simulate" and "n_samples" not in {a.dest for a in chosen}:
        chosen += [a for a in actions if a.dest == "n_samples"]  # the 1,000 of the default take a minute
    if rng.random() < bad / 4:
        chosen += chosen[:1]
    words = [_written(rng, action, bad) for action in chosen]
    if any("yahoo" in part for part in words) or command == "fetch":
        words.append(["--offline"] if rng.random() < 0.8 else ["--max-time", rng.choice(("0.01", "0", "-1"))])
    if rng.random() < bad / 4:
        words.append([rng.choice(TEXT)])
    rng.shuffle(words)
    return [command, *(word for part in words for word in part)]


def _written(rng: random.Random, action: argparse.Action, bad: float) -> list[str]:
    if not action.option_strings:
        return [value_of(rng, action, bad) for _ in range(1 if action.nargs is None else rng.randrange(1, 4))]
    flag = rng.choice(action.option_strings)
    if action.nargs == 0:
        return [flag] if rng.random() > bad / 10 else [f"{flag}={rng.choice(TEXT)}"]
    value = value_of(rng, action, bad)
    return [f"{flag}={value}"] if value.startswith("-") or rng.random() < 0.3 else [flag, value]


def run(argv: Sequence[str]) -> tuple[int, str, str]:
    """Run a command in this process and return its exit code and what it printed."""
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with redirect_stdout(streams[0]), redirect_stderr(streams[1]), warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            code = main(argv)
        except SystemExit as left:
            code = left.code
        finally:
            sys.stdout.flush()
    out, err = (stream.buffer.getvalue().decode("utf-8") for stream in streams)
    return code, out, err


def judge(argv: Sequence[str], code: int, out: str, err: str) -> None:
    """Hold that a command ended as commands do: 0, 1 or 2, and a failure is one sentence."""
    lines = err.splitlines()
    assert code in (0, 1, 2), code
    assert "Traceback" not in out + err, err
    told = [line for line in lines if not line.startswith("marketshock: note: ")]
    if told and told[-1].startswith("see: marketshock"):  # of the parser
        assert code == 2
        assert len(told) == 2, told
        told = told[:1]
    assert len(told) <= 1, told
    assert all(re.match(r"marketshock( [a-z]+)?: \S", line) for line in told), told
    assert all(len(line) <= 6000 for line in lines)  # the parser repeats what was given; other messages are short
    if code == 0:
        assert not told, told
        assert out or "--quiet" in argv
    else:
        assert told or (code == 1 and out), (code, out)
    if code == 0 and "--json" in argv and not {"-h", "--help", "--version"} & {*argv}:
        json.loads(out, parse_constant=_not_json)


def _not_json(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def attacked(argv: Sequence[str]) -> None:
    """Run a command in a folder of its own; hold how it ended and that it wrote nowhere else."""
    from .workshop import workshop, writes_outside

    with workshop() as place, writes_outside(place) as seen:
        code, out, err = run(argv)
    judge(argv, code, out, err)
    assert not seen, seen


def command_lines(rng: random.Random) -> Iterator[Attack]:
    """Commands with any options."""
    while True:
        argv = argv_of(rng)
        attack: Callable[[], object] = functools.partial(attacked, argv)
        yield shlex.join(argv)[:400].encode("ascii", "backslashreplace").decode(), attack


KINDS = (Kind("command line: any value in any option of any command", command_lines, 1, 3_000),)
