"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

import marketshock as ms

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
