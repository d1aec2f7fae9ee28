"""What a notebook feels: seven events from prices to tests. Run with ``make bench``; nothing here asserts a time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms

MODEL = ms.MarketModel("^GSPC")


@pytest.fixture(scope="module")
def prices():
    """The bundled prices."""
    return ms.snapshot()


@pytest.fixture(scope="module")
def selloff():
    """The event."""
    return ms.load_catalog()["deepseek-selloff"]


def study(prices, selloff):
    """Run the study, its CARs and its tests."""
    result = ms.event_study(selloff, tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=MODEL)
    result.car(0, 1)
    return result.tests(0, 1)


def test_seven_events_study_car_and_tests(benchmark, prices, selloff):
    """Target: under 30 ms."""
    assert len(benchmark(study, prices, selloff)) > 18


@pytest.fixture(scope="module")
def ten_thousand():
    """Ten thousand events of 500 securities over 21 days."""
    rng = np.random.default_rng(0)
    index = pd.bdate_range("2010-01-01", periods=2520)
    market = rng.normal(0, 0.01, 2520)
    firms = market[:, None] + rng.normal(0, 0.02, (2520, 500))
    returns = pd.DataFrame(firms, index=index, columns=[f"S{i}" for i in range(500)]).assign(m=market)
    events = pd.DataFrame(
        {"ticker": returns.columns[rng.integers(0, 500, 10_000)], "date": index[rng.integers(300, 2500, 10_000)]}
    )
    return events, returns


def every_test(events, returns):
    """Run the study and all tests of its sample but the bootstraps."""
    result = ms.event_study(
        events,
        returns=returns,
        model=ms.MarketModel("m"),
        window=(-10, 10),
        estimation=(-260, -11),
        calendar="index",
        duplicates="keep",
    )
    return result.tests(-10, 10)


def test_all_tests_of_ten_thousand_events(benchmark, ten_thousand):
    """Target: under 3 s, the study included."""
    assert len(benchmark.pedantic(every_test, ten_thousand, rounds=3, warmup_rounds=1)) > 20


def test_load_the_bundled_figures(benchmark):
    """Target: under 50 ms."""
    assert len(benchmark(ms.snapshot).tickers) == 17


def test_load_the_catalog(benchmark):
    """The events of the two documents."""
    assert len(benchmark(ms.load_catalog)) > 15


def test_market_caps(benchmark, prices, selloff):
    """Dollars of seven firms with the interval of the total."""
    result = ms.event_study(selloff, tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=MODEL)
    assert len(benchmark(ms.market_cap_change, "2025-01-27", prices, study=result).table) == 7
