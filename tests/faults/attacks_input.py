"""Texts, files, paths and signals that are hostile: each ends with a result or one sentence, within a bound."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.backtests.plan import read_plan
from marketshock.command.main import main
from marketshock.errors import MarketShockError
from marketshock.providers.facts import recorded_facts
from marketshock.providers.files import read_events, read_table

from . import Attack, Kind

_SECONDS = 30.0  # of processor time for a text of 10,000 characters, which takes a fraction of a second
_PIECES = (
    *("[", "]", "](", "[a](", "![", "<!--", "-->", "<!", "<?", "</", "<a ", '<a href="', "<a b='", "<script>", "<nav>"),
    *("</nav>", "<p>", "&#", "&#1", "&amp", "```\n", "~~~\n", "**", "__", "*", "_", "`", ">", "# ", "| ", "---\n"),
    *("\n", " ", "\t", "1", "1,111", "1.5", "-", "%", " to ", "$", " billion ", "stocks ", "百", "亿", "多", "美元"),
    *("年", "月", "上", "周一", "January ", "27", "2025", "Monday ", "(", ")", "closed at ", "Nvidia ", "in ", "the "),
    *("。", ".", "paused "),
)  # fmt: skip


def texts(rng: random.Random) -> Iterator[Attack]:
    """A text of few pieces, repeated in any order, is read and drafted in time that grows with its length."""
    while True:
        some = rng.sample(_PIECES, rng.randint(1, 3))
        text = "".join(rng.choices(some, k=8_000 // max(map(len, some))))
        suffix, long = rng.choice((".txt", ".html", ".md")), rng.choice(("", " ", "1", "[", "<!--")) * 2_000

        def attack(text: str = long + text, suffix: str = suffix) -> None:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"text{suffix}"
                path.write_text(text, encoding="utf-8")
                begun = time.process_time()
                with contextlib.suppress(MarketShockError):
                    ms.read_document(path, published="2025-02-13").draft()
                assert time.process_time() - begun < _SECONDS

        yield f"{some} repeated in a {suffix} file", attack


def _sound() -> list[tuple[str, bytes, Callable[[Path], Any]]]:
    """Return sound files of every kind that is read, each with its reader."""
    pytest.importorskip("pyarrow")
    days = pd.bdate_range("2024-01-01", periods=30)
    wide = pd.DataFrame({"date": days, "A": np.arange(1.0, 31.0), "B": np.arange(2.0, 32.0)})
    parquet, feather, packed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    wide.to_parquet(parquet)
    wide.to_feather(feather)
    factors = "Text, 1\n\n,Mkt-RF,RF\n" + "".join(f"{day:%Y%m%d}, 0.10, 0.01\n" for day in days) + "\nCopyright\n"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("factors.csv", factors)
    event = '[[event]]\nid = "a"\ntitle = "A"\ndate = 2025-01-27\nkind = "announcement"\ntickers = ["NVDA"]\n'
    fact = {"end": "2024-01-01", "val": 1_000_000, "accn": "a", "form": "10-K", "filed": "2024-02-01"}
    concept = {"EntityCommonStockSharesOutstanding": {"units": {"shares": [fact]}}}
    facts = json.dumps({"cik": 1, "entityName": "X", "facts": {"dei": concept}})
    plan = '[[rule]]\nkind = "hold"\ndays = 5\n[costs]\nbps = 5.0\n'
    return [
        ("prices.csv", wide.to_csv(index=False).encode(), ms.read_prices),
        ("prices.parquet", parquet.getvalue(), ms.read_prices),
        ("prices.feather", feather.getvalue(), ms.read_prices),
        ("events.csv", b"ticker,date\nNVDA,2025-01-27\n", read_events),
        ("factors.zip", packed.getvalue(), lambda path: ms.french_factors(path)),
        ("catalog.toml", event.encode(), ms.load_catalog),
        ("plan.toml", plan.encode(), read_plan),
        ("facts.json", facts.encode(), lambda path: ms.sec_share_counts(path, "X")),
        ("page.html", b"<p>Nvidia fell 17% on January 27, 2025.</p>", ms.read_document),
    ]


def _changed(rng: random.Random, sound: bytes) -> bytes:
    out = bytearray(sound)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(out))
        match rng.choice(("flip", "cut", "insert", "repeat", "digits", "brackets")):
            case "flip":
                out[at] ^= 1 << rng.randrange(8)
            case "cut":
                del out[at : at + rng.randrange(1, 40)]
            case "insert":
                out[at:at] = rng.randbytes(rng.randrange(1, 8))
            case "repeat":
                out[at:at] = out[max(at - 20, 0) : at] * rng.randrange(1, 200)
            case "digits":
                out[at:at] = b"9" * rng.choice((20, 400, 5_000))
            case _:
                out[at:at] = rng.choice((b"[", b"{", b'"', b"\0", b"\xff", b"\r", b"-")) * rng.choice((1, 5_000))
        if not out:
            return b""
    return bytes(out)


def changed_files(rng: random.Random) -> Iterator[Attack]:
    """A file of any kind with some bytes changed is read, or refused with an error of the library."""
    sound = _sound()
    while True:
        name, content, read = rng.choice(sound)

        def attack(name: str = name, content: bytes = _changed(rng, content), read: Any = read) -> None:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                path = Path(folder) / name
                path.write_bytes(content)
                with contextlib.suppress(MarketShockError):
                    read(path)

        yield f"{name} changed", attack


_READERS: dict[str, Callable[[Any], Any]] = {
    "read_prices": ms.read_prices,
    "read_returns": ms.read_returns,
    "read_events": read_events,
    "read_table": read_table,
    "read_document": ms.read_document,
    "load_catalog": ms.load_catalog,
    "read_plan": read_plan,
    "recorded_facts": recorded_facts,
    "SharesTable.from_csv": ms.SharesTable.from_csv,
    "sec_share_counts": lambda path: ms.sec_share_counts(Path(path), "X"),
    "french_factors": lambda path: ms.french_factors(Path(path)),
    "read_crsp": ms.read_crsp,
    "summarize_events": lambda path: ms.summarize_events(
        pd.DataFrame({"ticker": ["A"], "date": ["2024-06-03"]}), returns=path, model=ms.ConstantMean()
    ),
    "study": lambda path: main(["study", "--events", path, "--prices", path, "--benchmark", "A", "--quiet"]) and None,
    "events": lambda path: main(["events", path]) and None,
    "claims": lambda path: main(["claims", "--catalog", path]) and None,
    "backtest": lambda path: main(["backtest", "--config", path]) and None,
}


def paths(rng: random.Random) -> Iterator[Attack]:
    """What is no file ends with an error of the library, and no call waits for a pipe that nobody opens."""
    while True:
        name = rng.choice(list(_READERS))
        kinds = ["", ".", "/dev/null", "/dev/zero", "a\0b.csv", "x" * 5000, "pipe", "socket", "none/file.csv"]
        kind = rng.choice([*kinds, "pipe.csv", "pipe.toml"] if hasattr(os, "mkfifo") else ["", ".", "none.csv"])

        def attack(read: Callable[[Any], Any] = _READERS[name], kind: str = kind) -> None:
            with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
                patch.setattr("marketshock._files.reading._PATIENCE", 0.0)
                patch.setattr("sys.stdout", io.StringIO())
                patch.setattr("sys.stderr", io.StringIO())
                path = kind
                if kind.startswith("pipe"):
                    path = os.path.join(folder, kind)
                    os.mkfifo(path)
                elif kind == "socket":
                    path = os.path.join(folder, kind)
                    with socket.socket(socket.AF_UNIX) as one:
                        one.bind(path)
                with contextlib.suppress(MarketShockError):
                    assert read(path) is None  # of the command line, which has said so

        yield f"{name} of {kind[:20]!r}", attack


_SHELL = (["loss", "--ticker", "NVDA", "--date", "2025-01-27"], ["reproduce"], ["claims"], ["--help"])


def signals(rng: random.Random) -> Iterator[Attack]:
    """A signal at any moment ends a command with its exit code and at most one line on stderr."""
    while True:
        command, number = rng.choice(_SHELL), rng.choice((signal.SIGINT, signal.SIGTERM))
        after = rng.uniform(0.3, 2.0)

        def attack(command: list[str] = command, number: int = number, after: float = after) -> None:
            made = subprocess.Popen(
                [sys.executable, "-m", "marketshock", *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            time.sleep(after)
            made.send_signal(number)
            _, said = made.communicate(timeout=60)
            assert made.returncode in (0, 128 + number, -number), (made.returncode, said)
            assert len(said.splitlines()) <= 1, said
            assert "Traceback" not in said

        yield f"{command[0]} with signal {int(number)} after {after:.2f} s", attack


KINDS = (
    Kind("document: pieces that are never closed, repeated", texts, 4, 500),
    Kind("file: CSV, Parquet, Feather, zip, TOML, JSON, HTML with bytes changed", changed_files, 80, 20_000),
    Kind("path: a folder, a device, a pipe, a socket, no name", paths, 30, 400),
    *((Kind("command: interrupted or terminated at any moment", signals, 2, 48),) if os.name == "posix" else ()),
)
