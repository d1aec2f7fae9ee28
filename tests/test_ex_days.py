"""Returns of ex-days: CRSP's definition, written out a second time in `reference_b/6_exday` and by CRSP files."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import marketshock as ms
from marketshock.backtests.market import market_of
from marketshock.errors import InputError, PriceError
from marketshock.providers.bars import adjusted_close
from marketshock.providers.total_return import implied_dividends, paid_since, reinvested, reinvested_as_implied

FOLDER = Path(__file__).parent / "reference_b" / "6_exday"
EXPECTED = pd.read_csv(FOLDER / "ex_days.csv")
EXACT = 1e-14  # the definition in floating point


def closes() -> pd.DataFrame:
    """Return the reference closes and dividends, adjusted for splits by hand; adjusted closes as they stand there."""
    table = pd.read_csv(FOLDER / "closes.csv")
    later = table.groupby("ticker")["split"].transform(lambda s: s[::-1].cumprod().shift(fill_value=1.0)[::-1])
    return table.assign(close=table["close"] / later, dividend=table["dividend"] / later).drop(columns="split")


def over_the_gap(levels: pd.DataFrame) -> list[float]:
    """Return the return of each reference row from the last price before, of levels."""
    found = []
    for ticker, date in zip(EXPECTED["ticker"], EXPECTED["date"], strict=True):
        own = levels[ticker].dropna()
        at = own.index.get_loc(date)
        found.append(own.iloc[at] / own.iloc[at - 1] - 1)
    return found


@pytest.mark.parametrize(
    "columns",
    [["close", "dividend"], ["close", "adj_close"], ["close", "adj_close", "dividend"]],
    ids=["dividends", "vendor", "both"],
)
def test_the_return_of_an_ex_day_is_that_of_the_definition(columns):
    """``(units x P + D) / P before - 1``, also with a split on the day, over a gap, and of a dividend of 40 %."""
    made = ms.Prices.from_frame(closes()[["date", "ticker", *columns]])
    np.testing.assert_allclose(over_the_gap(made.reinvested), EXPECTED["total_return"], rtol=0, atol=EXACT)


def test_closes_as_traded_with_dividends_and_splits():
    """The reference table as it stands: a split and a dividend per new share on one day, and a reverse split."""
    raw = pd.read_csv(FOLDER / "closes.csv").drop(columns="adj_close")
    made = ms.Prices.from_frame(raw, as_traded=True)
    np.testing.assert_allclose(over_the_gap(made.reinvested), EXPECTED["total_return"], rtol=0, atol=EXACT)
    by_hand = closes().pivot(index="date", columns="ticker", values="close")
    np.testing.assert_array_equal(made.close[sorted(made.tickers)], by_hand)
    assert "as traded" in made.provenance["splits"]
    with pytest.raises(PriceError, match=r"moves .* divide those before by 4"):
        ms.event_study(
            pd.DataFrame({"ticker": ["split_and_dividend"], "date": ["2023-05-10"]}),
            prices=raw,
            model=ms.ConstantMean(),
            calendar="index",
        )
    with pytest.raises(InputError, match="is said to be as traded, and has no splits"):
        ms.Prices.from_frame(raw.drop(columns="split"), as_traded=True)


def test_market_caps_of_closes_as_traded():
    """1e9 shares of November at 160 in January, split 4 for 1 in February: 160 bn; volumes and highs follow."""
    days = pd.to_datetime(["2024-11-01", "2025-01-24", "2025-01-27", "2025-02-20"])
    rows = {"date": days, "ticker": "AAA", "close": [150.0, 160.0, 140.0, 36.0], "high": [151.0, 161.0, 141.0, 37.0]}
    table = pd.DataFrame({**rows, "volume": [5.0, 10.0, 20.0, 80.0], "split": [1, 1, 1, 4]})
    made = ms.Prices.from_frame(table, as_traded=True)
    counts = pd.DataFrame({"firm": ["AAA"], "shares": [1e9], "as_of": ["2024-11-01"], "filed": ["2024-11-05"]})
    change = ms.market_cap_change("2025-01-27", made, counts)
    assert (change.total["cap_before_usd"], change.total["change_usd"]) == (160e9, -20e9)
    assert made.extra["volume"]["AAA"].tolist() == [20, 40, 80, 80]
    assert made.extra["high"]["AAA"].tolist() == [37.75, 40.25, 35.25, 37]


def test_adjusted_closes_alone_are_taken_as_they_are():
    table = closes()[["date", "ticker", "adj_close"]]
    made = ms.Prices.from_frame(table)
    assert made.reinvested is made.adj_close
    np.testing.assert_allclose(over_the_gap(made.reinvested), EXPECTED["vendor_return"], rtol=0, atol=EXACT)
    gap = EXPECTED["vendor_return"] - EXPECTED["total_return"]
    np.testing.assert_allclose(gap, EXPECTED["yield_from_adjusted"] * EXPECTED["vendor_return"], rtol=0, atol=EXACT)
    assert made.paid("ordinary") is None
    assert made.provenance["ex_days"].startswith("ratio of two adjusted closes")


def test_yields_implied_by_adjusted_closes():
    table = ms.Prices.from_frame(closes()[["date", "ticker", "close", "adj_close"]])
    paid, odd = implied_dividends(table.close.to_numpy(), table.adj_close.to_numpy())
    assert odd == 0
    rows = table.dates.get_indexer(pd.to_datetime(EXPECTED["date"]))
    columns = [table.tickers.index(t) for t in EXPECTED["ticker"]]
    before = table.close.ffill().shift().to_numpy()[rows, columns]
    np.testing.assert_allclose(paid[rows, columns] / before, EXPECTED["yield_from_adjusted"], rtol=0, atol=1e-13)


series = st.lists(st.floats(1.0, 500.0), min_size=2, max_size=30)


@given(series, st.data())
def test_the_two_conventions_differ_by_the_yield_times_the_vendors_return(prices, data):
    close, dividend = np.array(prices), np.zeros(len(prices))
    for at in data.draw(st.sets(st.integers(1, len(prices) - 1))):
        dividend[at] = data.draw(st.floats(0.001, 0.9)) * close[at - 1]
    total = np.diff(level := reinvested(close, dividend)) / level[:-1]
    vendor = np.diff(level := adjusted_close(close, dividend)) / level[:-1]
    share = dividend[1:] / close[:-1]
    np.testing.assert_allclose(total, (close[1:] + dividend[1:]) / close[:-1] - 1, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(vendor - total, share * vendor, rtol=1e-9, atol=1e-11)
    assert reinvested(close, dividend)[-1] == close[-1]


@given(series, st.data())
def test_cash_is_kept_until_the_next_price(prices, data):
    """Several dividends in a gap are summed: the return over it is (P + all of them) / P before - 1."""
    close, dividend = np.array(prices), np.zeros(len(prices))
    for at in data.draw(st.sets(st.integers(0, len(prices) - 1))):
        dividend[at] = data.draw(st.floats(0.0, 5.0))
    close[sorted(data.draw(st.sets(st.integers(0, len(prices) - 1))))] = np.nan
    there, level = np.flatnonzero(np.isfinite(close)), reinvested(close, dividend)
    assert (np.isfinite(level) == np.isfinite(close)).all()
    for before, after in pairwise(there):
        cash = dividend[before + 1 : after + 1].sum()
        assert level[after] / level[before] == pytest.approx((close[after] + cash) / close[before], rel=1e-12)
        assert paid_since(close, dividend)[after] == pytest.approx(cash, rel=1e-12, abs=1e-12)
    both = np.column_stack([close, np.where(np.isnan(close), 1.0, close)])
    two = reinvested(both, np.column_stack([dividend, dividend]))
    np.testing.assert_array_equal(two[:, 0], level)


class TestAdjustedBesideCloses:
    CLOSE = np.array([100.0, 102.0, 98.0, 99.0])

    def levels(self, factor: list[float], close: np.ndarray | None = None) -> np.ndarray:
        values = self.CLOSE if close is None else close
        return reinvested_as_implied(values[:, None], (values * factor)[:, None])[:, 0]

    def test_days_without_a_dividend_keep_every_bit(self):
        adjusted = np.round(self.CLOSE * 0.9, 2)[:, None]
        np.testing.assert_array_equal(reinvested_as_implied(self.CLOSE[:, None], adjusted), adjusted)

    @pytest.mark.parametrize("ratio", [2, 4, 10, 1.5, 1 / 8])
    def test_a_split_the_closes_are_not_adjusted_for_is_no_dividend(self, ratio):
        """Close as traded beside an adjusted close that knows the split: the adjusted closes alone are right."""
        traded = self.CLOSE * np.array([ratio, ratio, 1, 1])
        level = self.levels([1 / ratio, 1 / ratio, 1, 1], traded)
        np.testing.assert_allclose(level, self.CLOSE, rtol=1e-12)

    def test_a_dividend(self):
        level = self.levels([0.97, 0.97, 1, 1])
        assert level[2] / level[1] == pytest.approx((98 + 0.03 * 102) / 102, rel=1e-12)

    def test_a_missing_close_leaves_the_adjusted_one(self):
        close = np.array([100.0, np.nan, 98.0, 99.0])
        adjusted = np.array([97.0, 98.94, 98.0, 99.0])
        level = reinvested_as_implied(close[:, None], adjusted[:, None])[:, 0]
        assert level[2] / level[0] == pytest.approx((98 + 3.0) / 100, rel=1e-12)
        assert np.isfinite(level).all()


def made_stock(n: int = 320) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Return closes of a stock and a market, with quarterly dividends, one of them on the event day (row 300)."""
    rng = np.random.default_rng(16)
    days = ms.snapshot().dates[:n]
    market = 0.01 * rng.standard_normal(n)
    close = {"AAA": 80 * np.cumprod(1 + market + 0.01 * rng.standard_normal(n)), "MKT": 1000 * np.cumprod(1 + market)}
    frame = pd.DataFrame(close, index=days).round(4).rename_axis("date")
    paid = pd.DataFrame(0.0, index=days, columns=["AAA", "MKT"])
    paid.iloc[[60, 120, 180, 240, 300], 0] = [0.4, 0.4, 12.0, 0.45, 1.9]
    long = pd.concat({"close": frame, "dividend": paid}, axis=1, names=["field", "ticker"])
    return long.stack("ticker", future_stack=True).reset_index(), days  # noqa: PD013


EVENT = pd.DataFrame({"ticker": ["AAA"], "date": [made_stock()[1][300]]})


def ar(prices, events=EVENT, benchmark="MKT", **options) -> pd.DataFrame:
    return ms.event_study(events, prices=prices, model=ms.MarketModel(benchmark), on_findings="ignore", **options).ar


def test_a_crsp_file_and_a_frame_of_the_same_stock_agree():
    long, _ = made_stock()
    by = long.sort_values(["ticker", "date"])
    before = by.groupby("ticker")["close"].shift()
    ret = (by["close"] + by["dividend"]) / before - 1
    permno = by["ticker"].map({"AAA": 10001, "MKT": 10002})
    file = pd.DataFrame({"permno": permno, "date": by["date"], "prc": by["close"], "ret": ret})
    crsp = ms.read_crsp(file)
    events = EVENT.assign(ticker="10001")
    ours = ar(long).to_numpy()
    np.testing.assert_allclose(ours, ar(crsp.prices, events, "10002").to_numpy(), rtol=0, atol=1e-13)
    study = ms.event_study(events, returns=crsp.returns, model=ms.MarketModel("10002"))
    np.testing.assert_allclose(ours, study.ar.to_numpy(), rtol=0, atol=1e-13)


def test_every_reader_takes_the_same_return():
    long, days = made_stock()
    prices = ms.Prices.from_frame(long)
    own = long[long["ticker"] == "AAA"].set_index("date")
    day, before = days[300], days[299]
    expected = (own.loc[day, "close"] + 1.9) / own.loc[before, "close"] - 1
    study = ms.event_study(EVENT, prices=prices, model=ms.MarketModel("MKT"), on_findings="ignore")
    assert study.to_frame().xs(0, level="day")["return"].item() == pytest.approx(expected, abs=EXACT)
    assert prices.adj_close["AAA"].pct_change().loc[day] == pytest.approx(expected, abs=EXACT)
    counts = pd.DataFrame({"firm": ["AAA"], "shares": [1e9], "as_of": [days[200]], "filed": [days[210]]})
    change = ms.market_cap_change(day, study=study, shares=counts)
    assert change.table.loc["AAA", "abnormal_return"] == pytest.approx(study.ar[0].item(), abs=EXACT)
    assert "ex-day: 1.9 paid per share is in the abnormal return, not in the change" in change.table.loc["AAA", "note"]
    market = market_of(prices, "auto", None)
    assert market.returns.values[300, 0] == pytest.approx(expected, abs=EXACT)
    assert market.dividend[300, 0] == 1.9


class TestDerivation:
    def test_the_dividend_is_written_out(self):
        long, days = made_stock()
        study = ms.event_study(EVENT, prices=long, model=ms.MarketModel("MKT"), on_findings="ignore")
        explained = study.explain(study.panel.event_id[0], -1, 1)
        own = long[long["ticker"] == "AAA"].set_index("date")["close"]
        values = explained.values
        assert values["D(0)"] == 1.9
        assert "D(1)" not in values
        assert (values["P(-1)"], values["P(0)"]) == (own[days[299]], own[days[300]])
        assert values["R(0)"] == pytest.approx((values["P(0)"] + values["D(0)"]) / values["P(-1)"] - 1, abs=EXACT)
        text = str(explained)
        text = " ".join(text.split())
        assert "R(0) = (P(0) + D(0)) / P(-1) - 1 = (" in text
        assert " + 1.9000) / " in text
        assert "What was paid on an ex-day, D, is added to its close." in text

    def test_logs(self):
        long, _ = made_stock()
        study = ms.event_study(EVENT, prices=long, model=ms.MarketModel("MKT"), log=True, on_findings="ignore")
        explained = study.explain(study.panel.event_id[0])
        values = explained.values
        assert values["R(0)"] == pytest.approx(np.log((values["P(0)"] + 1.9) / values["P(-1)"]), abs=EXACT)
        assert "ln((P(0) + D(0)) / P(-1))" in str(explained)

    def test_closes_and_adjusted_closes(self):
        long, _ = made_stock()
        wide = {name: long.pivot(index="date", columns="ticker", values=name) for name in ("close", "dividend")}
        vendor = wide["close"].assign(
            AAA=adjusted_close(wide["close"]["AAA"].to_numpy(), wide["dividend"]["AAA"].to_numpy())
        )
        both = ms.Prices.from_frame(wide["close"], vendor)
        np.testing.assert_allclose(ar(both), ar(long), rtol=0, atol=1e-12)
        assert_frame_equal(both.adj_close, vendor, check_freq=False, check_names=False)
        study = ms.event_study(EVENT, prices=both, model=ms.MarketModel("MKT"), on_findings="ignore")
        assert "with the dividend D that closes and adjusted" in " ".join(
            str(study.explain(study.panel.event_id[0])).split()
        )


class TestRefused:
    def rows(self, amount, at=150):
        long, days = made_stock()
        long.loc[(long["ticker"] == "AAA") & (long["date"] == days[at]), "dividend"] = amount
        return long, days

    def test_a_dividend_at_or_above_the_close(self):
        long, days = self.rows(500.0)
        before = long[(long["ticker"] == "AAA") & (long["date"] == days[149])]["close"].item()
        message = (
            f"prices: the dividend of AAA on {days[150].date()} is 500, and the close before it, of "
            rf"{days[149].date()}, is {before:.10g}; .*in cents"
        )
        with pytest.raises(PriceError, match=message):
            ar(long)
        equal, _ = self.rows(before)
        with pytest.raises(PriceError, match="and the close before it"):
            ms.Prices.from_frame(equal).reinvested  # noqa: B018
        just_below, _ = self.rows(np.nextafter(before, 0))
        assert np.isfinite(ms.Prices.from_frame(just_below).reinvested.to_numpy()).all()

    def test_the_close_before_a_gap_counts(self):
        long, days = self.rows(90.0)
        gone = (long["ticker"] == "AAA") & long["date"].isin(days[140:150])
        with pytest.raises(PriceError, match=f"the close before it, of {days[139].date()}"):
            ar(long[~gone])

    def test_a_negative_one(self):
        with pytest.raises(PriceError, match=r"is -0\.5, which is negative; correct it, or set it to 0"):
            ar(self.rows(-0.5)[0])

    @pytest.mark.parametrize(
        "read", [lambda p: market_of(p, "auto", None), lambda p: ms.volatility_portfolios(p, groups=2)]
    )
    def test_wherever_returns_are_read(self, read):
        prices = ms.Prices.from_frame(self.rows(500.0)[0])
        with pytest.raises(PriceError, match="the dividend of AAA"):
            read(prices)

    def test_one_on_the_first_row_is_ignored(self):
        long, _ = self.rows(500.0, at=0)
        assert_frame_equal(ar(long), ar(made_stock()[0]))


def test_bundled_figures_keep_the_vendors_convention():
    prices = ms.snapshot()
    assert prices.reinvested is prices.adj_close
    assert prices.paid("NVDA") is None


def test_other_rows_and_columns_follow_a_replacement():
    """`reinvested` is made of the fields: prices cut with `dataclasses.replace` have their own."""
    long, _ = made_stock()
    prices = ms.Prices.from_frame(long)
    cut = replace(prices, close=prices.close.iloc[100:200], adj_close=prices.adj_close.iloc[100:200])
    ours, whole = (p.reinvested["AAA"].pct_change().iloc[1:] for p in (cut, prices))
    np.testing.assert_allclose(ours, whole[ours.index], rtol=0, atol=EXACT)
