"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

import marketshock as ms

from .library import published

os.environ.setdefault("MPLBACKEND", "agg")
settings.register_profile("default", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("default")

ROOT = Path(__file__).parents[1]
REFERENCE = Path(__file__).parent / "reference"


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
