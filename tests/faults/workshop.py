"""A folder with sensible and broken files for every option of the command line, and a watch over what is written."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

import marketshock as ms
from marketshock._bundled import bundled_path
from marketshock.providers.bars import FIELDS, Bars
from marketshock.providers.fetch import fetch_prices

EVENTS = "ticker,date,event_id,group\nNVDA,2025-01-27,a,x\nMSFT,2025-01-27,b,y\nNVDA,2025-02-03,c,x\n"
ARTICLE = "Nvidia fell 17% on January 27, 2025 and lost $589 billion.\nOn February 3 tariffs were announced.\n"
PLAN = """events = "events.csv"
placebo = 19
[[rule]]
kind = "hold"
days = 2
[[rule]]
kind = "fade"
days = 3
hedge = "MSFT"
[costs]
bps = 5
"""


class Made:
    """Bars of 100 on every weekday, as a vendor would send them."""

    name, interval, earliest = "yahoo", "1d", np.datetime64("1990-01-01").item()

    def asking(self, bound: object) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def bars(self, symbol: str, first: Any, last: Any, bound: object) -> Bars:
        days = np.arange(first, last, dtype="datetime64[D]")
        days = days[np.is_busday(days)]
        values = np.zeros((len(days), len(FIELDS)))
        values[:, :4] = 100.0
        return Bars(
            symbol, days, days.astype("datetime64[s]"), values, (first, last), {"source": "made", "currency": "USD"}
        )


@functools.cache
def _template() -> Path:
    """Make the folder once per process."""
    import matplotlib.font_manager  # noqa: F401  (lists the fonts of the machine when it is first imported)

    root = Path(tempfile.mkdtemp(prefix="workshop"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    closes = ms.snapshot().adj_close[["NVDA", "MSFT", "AAPL", "^GSPC"]].loc["2024-01-02":"2025-03-03"]
    closes.to_csv(root / "prices.csv")
    closes.to_parquet(root / "prices.parquet")
    returns = closes.pct_change(fill_method=None).iloc[1:]
    returns.to_csv(root / "returns.csv")
    returns[["^GSPC"]].assign(RF=0.0001).to_csv(root / "factors.csv")
    (1e9 * closes[["NVDA", "MSFT", "AAPL"]]).to_csv(root / "caps.csv")
    closes.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close").to_csv(
        root / "long.csv", index=False
    )
    texts = {
        "events.csv": EVENTS,
        "article.txt": ARTICLE,
        "article.html": f"<html><head><title>News</title></head><body><p>{ARTICLE}</p></body></html>",
        "article.md": f"# News\n\n{ARTICLE}",
        "plan.toml": PLAN,
        "odd.toml": 'rule = 5\nevents = ["a"]\ncosts = "none"\nplacebo = nan\n',
        "unknown.toml": '[[rule]]\nkind = "hold"\ndays = "5"\nhedge_estimation = 3\n[[event]]\nid = 7\n',
        "empty.csv": "",
        "head.csv": "ticker,date\n",
        "odd.csv": 'date,"A\n2025-01-01,"",,\n;;;;\n\x00,\ufeff,1e400,nan\n',
        "words.csv": "ticker,date,close\nNVDA,yesterday,much\nNVDA,2025-13-45,-1\n",
    }
    for name, text in texts.items():
        (root / name).write_text(text, "utf-8")
    (root / "junk.parquet").write_bytes(b"PAR1" + bytes(range(256)) + b"PAR1")
    (root / "junk.zip").write_bytes(b"PK\x03\x04" + random.Random(1).randbytes(200))
    (root / "latin.csv").write_bytes("ticker,date\nÉ,2025-01-27\n".encode("latin-1"))
    for name in ("two_documents.toml", "claims.toml"):
        shutil.copy(bundled_path("catalog", name), root / name)
    shutil.copy(bundled_path("figures", "facts.csv"), root / "facts.csv")
    (root / "folder").mkdir()
    fetch_prices(Made(), ["NVDA", "^GSPC"], "2024-01-02", "2025-03-03", cache=root / "cache", progress=False)
    damaged = next((root / "cache").rglob("*NVDA*.cache"))
    shutil.copy(damaged, damaged.with_name("1d_TORN.cache"))
    damaged.with_name("1d_TORN.cache").write_bytes(damaged.read_bytes()[:-9])
    return root


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """Give a copy of the folder as the working directory, with HOME and the cache in it."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve() / "here"
        shutil.copytree(_template(), place)
        if hasattr(os, "mkfifo"):
            os.mkfifo(place / "pipe")
        home = {"HOME": str(place), "MARKETSHOCK_CACHE": str(place / "cache"), "XDG_CACHE_HOME": str(place / "home")}
        os.chdir(place)
        try:
            with patch.dict(os.environ, home):
                yield place
        finally:
            os.chdir(before)


_WATCH = SimpleNamespace(allowed=None, seen=[])
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_CHANGES = {"os.mkdir": 0, "os.rename": 1, "os.remove": 0, "os.rmdir": 0, "os.symlink": 1, "os.link": 1, "os.chmod": 0}
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile", "webbrowser.open")


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _WATCH.allowed is None:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        path = arguments[0]
    elif event in _CHANGES:
        path = arguments[_CHANGES[event]]
    elif event in _STARTS:
        _WATCH.seen.append(f"{event} {arguments[0]!r}")
        return
    else:
        return
    if isinstance(path, int) or "__pycache__" in str(path) or str(path).startswith("/dev/"):
        return
    full = os.path.abspath(os.fsdecode(path))
    refused = event == "os.mkdir" and os.path.lexists(full)  # the event comes before the call, which will fail
    if not refused and not full.startswith(_WATCH.allowed):
        _WATCH.seen.append(f"{event} {full}")


@functools.cache
def _hook() -> None:
    sys.addaudithook(_watch)


@contextlib.contextmanager
def writes_outside(folder: Path) -> Iterator[list[str]]:
    """Collect what is written, made or removed outside a folder, and the programs that are started."""
    _hook()
    _WATCH.allowed, _WATCH.seen = str(folder.parent), []
    try:
        yield _WATCH.seen
    finally:
        _WATCH.allowed = None
