"""The bundled figures: hand-checked samples, what they claim of themselves, and the second vendor if at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms

from .conftest import ROOT

SHARED = ROOT.parent / "shared" / "market"
beside = pytest.mark.skipif(not SHARED.is_dir(), reason="the gathered tables are not beside the project")

# Official closes as printed in the daily press of those days; hand-checked, not written by our script.
CLOSES = {
    ("NVDA", "2025-01-24"): 142.62,
    ("NVDA", "2025-01-27"): 118.42,
    ("AAPL", "2025-01-27"): 229.86,
    ("MSFT", "2025-01-29"): 442.33,
    ("MSFT", "2025-01-30"): 414.99,
    ("AVGO", "2025-01-27"): 202.13,
    ("^GSPC", "2025-01-24"): 6101.24,
    ("^GSPC", "2025-01-27"): 6012.28,
    ("^IXIC", "2025-01-27"): 19341.83,
    ("TSLA", "2025-02-03"): 383.68,
}


@pytest.mark.parametrize(("key", "close"), CLOSES.items(), ids=str)
def test_closes_checked_by_hand(prices, key, close):
    ticker, day = key
    assert prices.close_on(ticker, np.datetime64(day)) == pytest.approx(close, abs=0.005)


def test_what_is_bundled(prices):
    assert set(prices.tickers) >= {
        *ms.MAGNIFICENT_SEVEN,
        "GOOG",
        "AVGO",
        "IBM",
        "MRK",
        "PM",
        "SPY",
        "QQQ",
        "^GSPC",
        "^NDX",
        "^IXIC",
    }
    assert (str(prices.dates[0].date()), str(prices.dates[-1].date())) == ("2022-12-30", "2025-03-31")
    assert not prices.close.isna().any().any()
    assert set(prices.extra) == {"open", "high", "low", "volume"}


def test_splits_of_the_period(prices):
    """As the firms announced them: ten for one, the first day in new shares."""
    assert prices.splits.astype(str).to_numpy().tolist() == [
        ["NVDA", "2024-06-10", "10.0"],
        ["AVGO", "2024-07-15", "10.0"],
    ]
    assert prices.provenance["splits_since"] == "2022-12-30"
    # NVIDIA closed at 1208.88, as then quoted, on the last day in old shares.
    assert prices.close_on("NVDA", np.datetime64("2024-06-07")) == pytest.approx(120.888, abs=0.002)


def test_rows_are_exactly_the_nyse_sessions(prices):
    from marketshock.sessions import nyse

    expected = nyse().between(np.datetime64("2022-12-30"), np.datetime64("2025-03-31"))
    assert (prices.dates.to_numpy().astype("datetime64[D]") == expected).all()


def test_bars_are_possible(prices):
    low, high = prices.extra["low"], prices.extra["high"]
    for field in (prices.extra["open"], prices.close):
        assert (low <= field + 1e-9).all().all()
        assert (field <= high + 1e-9).all().all()
    assert (prices.adj_close <= prices.close + 1e-3).all().all()


def test_indices_are_taken_as_quoted(prices):
    for index in ("^GSPC", "^NDX", "^IXIC"):
        np.testing.assert_allclose(prices.adj_close[index], prices.close[index], rtol=1e-7)


def test_provenance_says_what_was_checked(prices):
    about = prices.provenance
    assert about["second_vendor_checked"] > 6000
    assert about["second_vendor_disagreements"] == [["2024-10-22", "^IXIC", 18579.7695, 18573.13]]
    assert "GOOGL" in about["second_vendor_missing"]


@beside
def test_every_close_equals_the_vendor_and_the_second_within_its_tolerance(prices):
    for name, tolerance in (
        ("daily.csv", 5.1e-5),
        ("daily_second_vendor.csv", prices.provenance["second_vendor_tolerance"]),
    ):
        table = pd.read_csv(SHARED / name, parse_dates=["date"]).pivot(index="date", columns="ticker", values="close")
        table = table.loc["2022-12-30":"2025-03-31"]
        off = (prices.close[table.columns] - table).abs() > tolerance
        known = [("2024-10-22", "^IXIC")] if "second" in name else []
        found = [(str(off.index[i].date()), off.columns[j]) for i, j in np.argwhere(off.to_numpy())]
        assert found == known


def test_factors(prices):
    factors = ms.french_factors()
    assert list(factors.columns) == ["Mkt-RF", "SMB", "HML", "RF", "RMW", "CMA", "SMB5", "MOM"]
    assert factors.attrs["vintage"] == "202604"
    assert (factors.index == prices.dates).all()
    # The market factor is the market: nearly the index's return, in decimals.
    together = np.corrcoef(factors["Mkt-RF"].iloc[1:], prices.close["^GSPC"].pct_change().iloc[1:])
    assert together[0, 1] > 0.98
    assert 0.5 < factors["Mkt-RF"].std() / prices.close["^GSPC"].pct_change().std() < 1.5


def test_size_of_the_data_folder():
    assert sum(p.stat().st_size for p in (ROOT / "data").rglob("*") if p.is_file()) < 1.5e6


# Closes of 27 January 2025 as printed in the daily press; they and the closes before differ by the day's return alone.
RETURNS = {"NVDA": -0.1697, "AVGO": -0.1740, "VST": -0.2828, "AAPL": 0.0318}


class TestMembers:
    def test_returns_checked_by_hand(self):
        closes = ms.datasets.sp500().prices.adj_close
        day = closes.loc["2025-01-27"] / closes.loc["2025-01-24"] - 1
        for ticker, change in RETURNS.items():
            assert day[ticker] == pytest.approx(change, abs=5.1e-4), ticker

    def test_what_is_there(self):
        index = ms.datasets.sp500()
        assert index.table.index.is_unique
        assert len(index.table) == 503
        assert list(index.prices.tickers) == list(index.table.index)
        short = index.prices.adj_close.loc["2024-11-13":]
        assert short.notna().all().all()
        technology = index.of_sector("Information Technology")
        whole = index.prices.adj_close[technology].notna().all()
        assert len(technology) == 66
        assert whole.all()

    def test_returns_are_those_of_the_daily_bars(self, prices):
        index = ms.datasets.sp500()
        both = [t for t in index.prices.tickers if t in prices.tickers]
        ours = index.prices.adj_close[both].pct_change(fill_method=None)
        theirs = prices.adj_close[both].reindex(ours.index).pct_change(fill_method=None)
        assert len(both) == 12
        assert float((ours - theirs).abs().max().max()) < 2e-5

    def test_caps_carried_along_are_near_share_counts_times_closes(self, prices):
        """Filed counts of the bundled firms on 27 January; dividends and new shares explain the rest."""
        caps = ms.datasets.sp500().market_caps().loc["2025-01-24"]
        filed = ms.market_cap_change("2025-01-27", prices).table["cap_before_usd"]
        ratio = (caps.reindex(filed.index) / filed).dropna()
        assert len(ratio) >= 7
        assert ((ratio - 1).abs() < 0.02).all(), ratio

    def test_who_joined_when(self):
        joined = ms.datasets.sp500().joined()
        assert not joined.loc["2024-12-20", "WDAY"]
        assert joined.loc["2024-12-23", "WDAY"]
        assert joined.loc["2025-01-27"].all()

    def test_adjusted_closes_make_no_market_cap(self):
        with pytest.raises(ms.errors.InputError, match="dividend"):
            ms.market_cap_change("2025-01-27", ms.datasets.sp500().prices, tickers=["NVDA"])

    def test_all_figures_stay_below_four_megabytes(self):
        assert sum(p.stat().st_size for p in (ROOT / "data").rglob("*") if p.is_file()) < 4_000_000
