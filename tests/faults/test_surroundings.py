"""Nothing is asked of a network for a file, nothing is left behind by a call, and imports by many threads are whole."""

from __future__ import annotations

import gc
import http.server
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import marketshock as ms
from marketshock.backtests.plan import read_plan
from marketshock.errors import InputError, MarketShockError
from marketshock.providers.files import read_bars, read_events, read_prices, read_returns

EVENTS = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
HERE = Path("/proc/self/fd")


class _Counting(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine, its address, and what was asked of it."""
    handler = type("Counting", (_Counting,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", handler.asked
        running.shutdown()


READERS = {
    "prices": lambda url: read_prices(f"{url}/p.csv"),
    "Parquet": lambda url: read_prices(f"{url}/p.parquet"),
    "Feather": lambda url: read_prices(f"{url}/p.feather"),
    "bars": lambda url: read_bars(f"{url}/b.csv"),
    "returns": lambda url: read_returns(f"{url}/r.csv"),
    "events": lambda url: read_events(f"{url}/e.csv"),
    "catalog": lambda url: ms.load_catalog(f"{url}/c.toml"),
    "document": lambda url: ms.read_document(f"{url}/d.html"),
    "plan": lambda url: read_plan(f"{url}/p.toml"),
    "folder": lambda url: ms.summarize_events(EVENTS, returns=f"{url}/folder/", model=ms.ConstantMean()),
    "folder on S3": lambda url: ms.summarize_events(
        EVENTS, returns=f"s3://b/x?endpoint_override={url[7:]}&scheme=http", model=ms.ConstantMean()
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_an_address_is_no_file_and_is_not_asked(name, server):
    url, asked = server
    with pytest.raises(InputError):
        READERS[name](url)
    assert not asked


def test_what_a_document_names_is_not_asked(server, tmp_path):
    url, asked = server
    page = tmp_path / "a.html"
    page.write_text(
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{url}/entity">]><html><head><link rel=stylesheet href="{url}/css">'
        f'<meta http-equiv=refresh content="0;url={url}/next"><base href="{url}/"></head><body><img src="{url}/img">'
        f'<iframe src="{url}/frame"></iframe><script src="{url}/js"></script>Nvidia fell 17% on January 27, 2025 &e;',
        "utf-8",
    )
    assert len(ms.read_document(page, published="2025-02-13").days) == 1
    assert not asked


def test_names_are_whole_for_every_thread_that_asks_first():
    code = """
import threading
import marketshock as ms
names, faults, gate = sorted(ms.__all__), [], threading.Barrier(16)
def get(k):
    gate.wait()
    for name in names[k * 4:] + names[:k * 4]:
        try:
            getattr(ms, name)
        except BaseException as error:
            faults.append(f"{name}: {error!r}")
threads = [threading.Thread(target=get, args=(k,)) for k in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not faults, faults
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def _study() -> object:
    market = ms.MarketModel("^GSPC")
    return ms.event_study(ms.load_catalog()["deepseek-selloff"], tickers="NVDA", prices=ms.snapshot(), model=market)


def _refused() -> None:
    with pytest.raises(MarketShockError):
        read_prices("nowhere.csv")


CALLS = {
    "a study": _study,
    "a catalog": ms.load_catalog,
    "a refusal": _refused,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_calls_leave_no_memory_no_file_and_no_thread(name):
    """Memory after 2 and after 8 more calls, as Python counts it; the numbers of open files and threads."""
    call = CALLS[name]
    call()
    tracemalloc.start()
    try:
        sizes = []
        for calls in (2, 8):
            for _ in range(calls):
                call()
            gc.collect()
            sizes.append((tracemalloc.get_traced_memory()[0], _open_files(), threading.active_count()))
    finally:
        tracemalloc.stop()
    (memory, files, threads), (more, files_after, threads_after) = sizes
    assert more - memory < 60_000, more - memory
    assert (files_after, threads_after) == (files, threads)


def _open_files() -> int:
    """Return the number of open files, 0 where the system does not list them."""
    return len(os.listdir(HERE)) if HERE.is_dir() else 0
