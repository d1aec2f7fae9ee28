"""Fixtures shared by all tests."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy; the workers of xdist already take every core

import pandas as pd
import pytest
from hypothesis import Phase, settings

import marketshock as ms

from .library import published
from .loopback import guard
from .loopback.client import loopback_session, reset_yfinance
from .loopback.yahoo import YahooLoopback
from .slow import is_slow

os.environ.setdefault("MPLBACKEND", "agg")
guard.install()
SETTINGS = settings(deadline=None, max_examples=40, derandomize=True)
settings.register_profile("shrink", SETTINGS)  # --hypothesis-profile=shrink looks for the smallest failure: minutes
settings.register_profile("default", SETTINGS, phases=[Phase.explicit, Phase.generate])
settings.load_profile("default")

ROOT = Path(__file__).parents[1]
REFERENCE = Path(__file__).parent / "reference"


def pytest_collection_modifyitems(items):
    """Mark the tests listed in `tests/slow.py`."""
    for item in items:
        if is_slow(item.nodeid):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def prices() -> ms.Prices:
    return ms.snapshot()


@pytest.fixture(scope="session")
def catalog() -> ms.Catalog:
    return ms.load_catalog()


@pytest.fixture(scope="session")
def seven(prices, catalog) -> ms.StudyResult:
    """The Magnificent Seven on 27 January 2025."""
    return ms.event_study(
        catalog["deepseek-selloff"], tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=ms.MarketModel("^GSPC")
    )


@pytest.fixture(scope="session")
def returns(prices) -> pd.DataFrame:
    """Simple total returns of the bundled tickers."""
    return prices.adj_close.pct_change(fill_method=None)


@pytest.fixture(scope="session")
def _yahoo_server():
    with YahooLoopback(slow=1.0) as server:
        server.session = loopback_session(server.base)
        yield server


@pytest.fixture
def yahoo(_yahoo_server, tmp_path):
    """The loopback server, healthy, in the morning of 1 April 2025; ``session`` is how yfinance gets there."""
    server = _yahoo_server
    server.heal()
    server.now = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC).timestamp
    reset_yfinance(str(tmp_path / "yfinance"))
    yield server
    reset_yfinance(str(tmp_path / "yfinance"))


@pytest.fixture
def save(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(content: bytes | str, name: str = "a.zip") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
        return path

    return write


@pytest.fixture(scope="session")
def french_zips(tmp_path_factory) -> dict[str, Path]:
    """Zips of the bundled factors as the data library publishes its three daily files, by dataset."""
    paths = {name: tmp_path_factory.mktemp("library") / f"{name}_CSV.zip" for name in published()}
    for name, payload in published().items():
        paths[name].write_bytes(payload)
    return paths
