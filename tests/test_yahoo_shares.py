"""Share counts of Yahoo through the real yfinance, cleaned, in the units of the closes they meet."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, NoData, OfflineMiss, RateLimited, ShareCountWarning, Unavailable
from marketshock.providers.fetch import Fetching, _prices
from marketshock.providers.retry import Retry
from marketshock.providers.yahoo import Yahoo
from marketshock.providers.yahoo_shares import _share_counts


@pytest.fixture
def ask(yahoo, tmp_path):
    def run(tickers, start="2024-01-02", end="2025-03-31", **more):
        now = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
        source = Yahoo(session=yahoo.session, retry=Retry(2, 0.001, 0.001), now=now)
        more = {"cache": tmp_path / "cache", "progress": False} | more
        return _share_counts(source, tickers, start, end, Fetching(now=now, **more))

    return run


def test_counts_are_marked_as_a_vendor_s(ask):
    table = ask("NVDA").table
    assert set(table["basis"]) == {"vendor"}
    assert table["filed"].isna().all()
    assert table["as_of"].is_unique
    assert table["as_of"].is_monotonic_increasing


def test_two_counts_of_one_day_become_one_with_a_note(ask):
    counts = ask("NVDA")
    assert (counts.table["as_of"] == "2025-01-15").sum() == 1
    assert any("24340000000" in note.replace(",", "") for note in counts.notes)


def test_market_cap_before_a_split_is_in_one_unit(yahoo, ask, tmp_path):
    now = lambda: dt.datetime.fromtimestamp(yahoo.now(), dt.UTC)  # noqa: E731
    source = Yahoo(session=yahoo.session, now=now)
    how = Fetching(tmp_path / "cache", now=now, progress=False)
    prices = _prices(source, "NVDA", "2024-02-01", "2024-05-31", how)
    with pytest.warns(ShareCountWarning, match="filing date"):
        change = ms.market_cap_change("2024-05-23", prices, ask("NVDA"), tickers=("NVDA",))
    row = change.table.loc["NVDA"]
    closes = prices.close["NVDA"]
    at = list(prices.dates).index(pd.Timestamp("2024-05-23"))
    assert row["split_factor"] == 10
    assert row["change_usd"] == pytest.approx((closes.iloc[at] - closes.iloc[at - 1]) * 2_500_000_000 * 10)


def test_cached_and_offline(yahoo, ask):
    first = ask(["NVDA", "AAPL"])
    yahoo.requests.clear()
    assert ask(["NVDA", "AAPL"], offline=True).table.equals(first.table)
    assert yahoo.requests == []
    with pytest.raises(OfflineMiss):
        ask("SPY", offline=True)
    assert np.isfinite(first.table["shares"]).all()


@pytest.mark.parametrize(
    ("symbol", "fault", "error"),
    [
        ("NOSHARES", None, NoData),
        ("GONE", None, NoData),
        ("NVDA", "500", Unavailable),
        ("NVDA", "429", RateLimited),
        ("NVDA", "reset", Unavailable),
        ("NVDA", "finance-error", (NoData, Unavailable)),
    ],
)
def test_errors(yahoo, ask, symbol, fault, error):
    if fault:
        yahoo.fail(symbol, fault, 20, "shares")
    with pytest.raises(error) as caught:
        ask(symbol)
    assert caught.value.symbol == symbol


def test_two_classes_of_a_firm_are_refused():
    with pytest.raises(InputError, match="GOOGL is another class of a firm already named"):
        ms.yahoo_share_counts(["GOOG", "GOOGL"], "2024-01-02")
