"""Earnings dates: from Yahoo's page through yfinance, from a file, and into a study's confounders."""

from __future__ import annotations

import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, NoData, OfflineMiss, RateLimited, Unavailable
from marketshock.providers.retry import Retry


@pytest.fixture
def ask(yahoo, tmp_path):
    def run(tickers, **more):
        more = {"cache": tmp_path / "cache", "session": yahoo.session, "retry": Retry(2, 0.001, 0.001)} | more
        return ms.earnings_dates(tickers, **more)

    return run


def test_dates_zones_and_parts_of_the_day(ask):
    frame = ask(["NVDA", "BAC"])
    assert list(frame["ticker"]) == ["NVDA"] * 3 + ["BAC"] * 2
    assert str(frame["date"].dtype).endswith("America/New_York]")
    assert frame["date"][1].isoformat() == "2025-02-26T16:00:00-05:00"
    assert list(frame["announced"]) == ["after_close"] * 3 + ["before_open"] * 2
    assert frame["eps_reported"].isna().tolist() == [True, False, False, True, False]
    assert frame["event_id"].is_unique


@pytest.mark.parametrize(
    ("when", "part"),
    [
        ("January 30, 2025 at 12 AM EST", "unknown"),
        ("January 30, 2025 at 7 AM EST", "before_open"),
        ("January 30, 2025 at 11 AM EST", "during"),
        ("January 30, 2025 at 4 PM EST", "after_close"),
        ("July 3, 2025 at 2 PM EDT", "after_close"),  # an early close
        ("February 1, 2025 at 11 AM EST", "after_close"),  # a Saturday
    ],
)
def test_parts_of_the_day(yahoo, ask, when, part):
    yahoo.universe["AAPL"].earnings = [when]
    assert list(ask("AAPL")["announced"]) == [part]


def test_cached_for_a_day_and_offline(yahoo, ask):
    first = ask(["NVDA"])
    yahoo.requests.clear()
    pd.testing.assert_frame_equal(ask(["NVDA"]), first)
    pd.testing.assert_frame_equal(ask(["NVDA"], offline=True), first)
    assert yahoo.requests == []
    with pytest.raises(OfflineMiss, match="AAPL: asked for earnings"):
        ask("AAPL", offline=True)


@pytest.mark.parametrize(
    ("symbol", "fault", "error"),
    [("^GSPC", None, NoData), ("GONE", None, NoData), ("NVDA", "429", RateLimited), ("NVDA", "500", Unavailable)],
)
def test_errors(yahoo, ask, symbol, fault, error):
    if fault:
        yahoo.fail(symbol, fault, 20, "earnings")
    with pytest.raises(error) as caught:
        ask(symbol)
    assert caught.value.symbol == symbol


def test_limit():
    with pytest.raises(InputError, match="give 1 to 100"):
        ms.earnings_dates("NVDA", limit=101)


def test_they_are_confounders_of_a_study(seven, ask):
    found = seven.confounders(ask(["AAPL"]))
    assert found.index.tolist() == ["deepseek-selloff/AAPL"]
    row = found.iloc[0]
    assert (row["confounder"], str(row["session"].date()), row["day"]) == ("AAPL-earnings-2025-01-30", "2025-01-31", 4)


def test_from_a_file(tmp_path, seven):
    path = tmp_path / "earnings.csv"
    path.write_text("Ticker,Date,timing\nAAPL,2025-01-30,after_close\nMSFT,2025-01-29,after_close\n")
    frame = ms.read_earnings(path)
    assert frame["event_id"].tolist() == ["AAPL-earnings-2025-01-30", "MSFT-earnings-2025-01-29"]
    assert set(frame["kind"]) == {"earnings"}
    found = seven.confounders(frame)
    assert sorted(found["ticker"]) == ["AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ticker,day\nAAPL,2025-01-30\n", "no column 'date'"),
        ("ticker,date\nAAPL,30.1.2025\n", "is no date"),
        ("ticker,date\nAAPL,2025-01-30 16:00\n", "has no time zone"),
        ("date\n2025-01-30\n", "no column 'ticker'"),
        ("ticker,date,timing\nAAPL,2025-01-30,late\n", "allowed are"),
    ],
)
def test_bad_files(tmp_path, text, words):
    path = tmp_path / "earnings.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        ms.read_earnings(path)
