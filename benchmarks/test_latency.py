"""What a notebook feels: seven events from prices to tests. Run with ``make bench``; nothing here asserts a time."""

from __future__ import annotations

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
