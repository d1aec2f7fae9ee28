"""The engine: no rule sees what comes after, every day reconciles, nothing is filled without a price."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marketshock as ms
from marketshock.backtests.information import InformationSet, Legs
from marketshock.backtests.timing import Timed
from marketshock.errors import ChoiceError, InputError, LookAheadWarning, OverlapWarning, SurvivorshipWarning

N_DAYS, NAMES = 320, ("AAA", "BBB", "CCC", "DDD", "MKT")
DAYS = pd.bdate_range("2021-01-04", periods=N_DAYS, name="date")
COSTLY = ms.Costs(
    bps=5, per_share=0.005, per_order=1, half_spread_bps=2, slippage_bps=3, borrow=0.03, financing=0.05, cash=0.02
)


def made_prices(seed: int = 1, missing: float = 0.0, dividends: bool = True) -> ms.Prices:
    """Return prices with opens, highs, lows, dividends and splits."""
    rng = np.random.default_rng(seed)
    close = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal((N_DAYS, len(NAMES))), axis=0))
    opens = np.vstack([close[:1], close[:-1]]) * np.exp(0.005 * rng.standard_normal(close.shape))
    spread = np.exp(np.abs(0.01 * rng.standard_normal((2, *close.shape))))
    high, low = np.maximum(opens, close) * spread[0], np.minimum(opens, close) / spread[1]
    dividend = np.where(rng.random(close.shape) < 0.02 * dividends, 0.4, 0.0)
    gone = rng.random(close.shape) < missing
    fields = {"close": close, "open": opens, "high": high, "low": low}
    frames = {name: pd.DataFrame(np.where(gone, np.nan, values), DAYS, list(NAMES)) for name, values in fields.items()}
    frames["dividend"] = pd.DataFrame(dividend, DAYS, list(NAMES))
    splits = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[200], DAYS[150]], "ratio": [2.0, 0.5]})
    closes = frames.pop("close")
    return ms.Prices(closes, closes, frames, {}, splits)


def made_events(n: int = 40, seed: int = 2, last: int = N_DAYS - 30) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(np.arange(280 - 100, last), n, replace=False))
    return pd.DataFrame({"ticker": rng.choice(NAMES[:4], n), "date": DAYS[rows], "timing": "during"})


def quiet(*arguments, **options) -> ms.Backtest:
    with warnings.catch_warnings():
        for kind in (OverlapWarning, SurvivorshipWarning):
            warnings.simplefilter("ignore", kind)
        return ms.backtest(*arguments, calendar="index", **{"on_findings": "ignore"} | options)


RULES = {
    "hold": ms.rules.HoldAfter(days=5),
    "short": ms.rules.HoldAfter(days=3, side="short", entry="next_close", exit="open"),
    "close": ms.rules.HoldAfter(days=4, entry="close"),
    "fade": ms.rules.Fade(days=5, threshold=0.01),
    "follow": ms.rules.Follow(days=2, entry="next_close"),
    "drop": ms.rules.AfterDrop(days=5, sigma=0.5),
    "stops": ms.rules.HoldAfter(days=15, stop=0.04, target=0.06),
    "pair": ms.rules.Pair(long=("AAA", "BBB"), short="MKT", days=5),
    "sorted": ms.rules.LowVolatility(days=5, lookback=60, groups=2),
    "hedged": ms.rules.Hedged(rule=ms.rules.HoldAfter(days=5), by="MKT", estimation=(-120, -5), min_obs=100),
    "hedged_stops": ms.rules.Hedged(
        rule=ms.rules.HoldAfter(days=9, stop=0.03, target=0.03), by="MKT", estimation=(-120, -5), min_obs=100
    ),
    "own": ms.rules.Own(days=5, function=lambda e: float(np.sign(e.returns[e.ticker].iloc[-10:].sum()))),
}


# ----------------------------------------------------------------------------------------------------- causality


def corrupted(prices: ms.Prices, day: int) -> ms.Prices:
    """Return prices in which everything after a session is other than it was."""
    rng = np.random.default_rng(day)
    factor = pd.DataFrame(np.exp(rng.normal(0.3, 0.2, prices.close.shape)), DAYS, list(NAMES))
    factor.iloc[: day + 1] = 1.0
    extra = {name: frame * (factor if name != "dividend" else 3 * factor - 2) for name, frame in prices.extra.items()}
    closes = prices.close * factor
    return ms.Prices(closes, closes, extra, {}, prices.splits)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("by", ["equal", "inverse_volatility"])
def test_what_comes_after_changes_nothing_before(name, by):
    prices, events, rule = made_prices(), made_events(), RULES[name]
    amount = {"equal": 0.1, "inverse_volatility": 0.002}[by]
    options = {"costs": COSTLY, "sizing": ms.Sizing(by=by, amount=amount, max_position=0.4, max_net=0.9)}
    true = quiet(events, prices, rule, **options)
    assert len(true.orders) > 10
    columns = ["session", "at", "event_id", "ticker", "shares", "price", "cash_change"]
    for day in (205, 230, 260):
        other = quiet(events, corrupted(prices, day), rule, **options)
        until = DAYS[day]
        one, two = (r.orders.loc[r.orders["session"] <= until, columns].reset_index(drop=True) for r in (true, other))
        pd.testing.assert_frame_equal(one, two, check_exact=True)
        pd.testing.assert_series_equal(true.equity.loc[:until], other.equity.loc[:until], check_exact=True)
        # the first order after it was decided on what came before: same side and weight, another price
        later = true.legs[true.legs["entry_session"] == DAYS[day + 1]]
        same = other.legs[other.legs["entry_session"] == DAYS[day + 1]]
        if rule.timing.entry == "next_open" and name not in ("hedged",):
            assert later["weight"].tolist() == same["weight"].tolist()


def test_a_rule_of_ones_own_is_shown_nothing_of_the_fill_day():
    seen = []

    def look(event):
        info = event.date in event.returns.index
        seen.append((event.date, event.returns.index[-1], event.move if info else np.nan))
        return 1.0

    prices, events = made_prices(), made_events(5)
    for entry in ("next_open", "close"):
        seen.clear()
        quiet(events, prices, ms.rules.Own(days=2, entry=entry, function=look))
        for (date, last, move), row in zip(seen, DAYS.get_indexer(events["date"]), strict=True):
            assert date == DAYS[row]
            assert last == (DAYS[row] if entry == "next_open" else DAYS[row - 1])
            assert np.isnan(move) == (entry == "close")


def test_what_a_rule_writes_to_what_it_is_shown_stays_there():
    seen = []

    def spoil(event):
        seen.append(float(event.returns.iloc[5, 0]))
        with contextlib.suppress(ValueError):  # read-only, where pandas hands out views
            event.returns.iloc[5, 0] = 99.0
        return 1.0

    prices, events = made_prices(), made_events(3)
    result = quiet(events, prices, ms.rules.Own(days=2, function=spoil))
    assert len(set(seen)) == 1
    pd.testing.assert_series_equal(result.equity, quiet(events, prices, ms.rules.HoldAfter(days=2)).equity)


def test_reading_a_move_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="filled before day 0's close is known") as caught:
        quiet(made_events(3), made_prices(), ms.rules.Own(days=2, entry="close", function=lambda e: e.move))
    assert "at event" in caught.value.__notes__[0]


@pytest.mark.parametrize("kind", [ms.rules.Fade, ms.rules.Follow, ms.rules.AfterDrop])
def test_rules_that_read_day_zero_are_not_filled_at_its_close(kind):
    with pytest.raises(InputError, match="not known at that fill"):
        kind(days=5, entry="close")


def test_a_hedge_estimated_on_the_fill_day_is_refused():
    with pytest.raises(InputError, match="estimation"):
        ms.rules.Hedged(rule=ms.rules.HoldAfter(days=2, entry="close"), by="MKT", estimation=(-200, 0))


# ------------------------------------------------------------------------------------------------- reconciliation

sizings = st.builds(
    ms.Sizing,
    by=st.sampled_from(["equal", "inverse_volatility", "fixed"]),
    amount=st.just(0.05),
    max_gross=st.sampled_from([0.3, 1.0, 3.0, float("inf")]),
    max_net=st.sampled_from([None, 0.2, 0.8]),
    max_position=st.sampled_from([None, 0.1, 0.5]),
    whole_shares=st.booleans(),
).map(lambda s: replace(s, amount=40_000.0) if s.by == "fixed" else s if s.by == "equal" else replace(s, amount=0.001))


@given(
    name=st.sampled_from(sorted(RULES)),
    seed=st.integers(0, 10_000),
    sizing=sizings,
    missing=st.sampled_from([0.0, 0.05]),
    costs=st.sampled_from([ms.Costs(), COSTLY]),
)
def test_every_day_is_cash_and_positions(name, seed, sizing, missing, costs):
    prices = made_prices(seed, missing)
    result = quiet(made_events(30, seed), prices, RULES[name], costs=costs, sizing=sizing)
    daily, positions = result.daily, result.positions
    if daily.empty:
        assert len(result.exclusions) > 0
        return
    capital = result.spec.capital
    scale = 1e-9 * capital
    # the account's running sums against positions computed from the legs
    assert (positions.sum(axis=1) - daily["long"] - daily["short"]).abs().max() < scale
    assert (daily["cash"] + positions.sum(axis=1) - daily["equity"]).abs().max() < scale
    # cash against the orders
    flows = result.orders.groupby("session")["cash_change"].sum().reindex(daily.index, fill_value=0.0)
    flows = flows + daily["dividends"] - daily["borrow"] + daily["interest"]
    assert (capital + flows.cumsum() - daily["cash"]).abs().max() < scale
    # the profit of the trades against equity
    total = result.legs["pnl"].sum() + daily["interest"].sum()
    assert abs(capital + total - daily["equity"].iloc[-1]) < scale
    assert abs(result.trades["pnl"].sum() - result.legs["pnl"].sum()) < scale
    t = result.legs
    parts = t["gross"] + t["dividends"] - t["slippage"] - t["commission"] - t["borrow"]
    assert (parts - t["pnl"]).abs().max() < scale
    assert abs(t["borrow"].sum() - daily["borrow"].sum()) < scale
    assert abs(t["dividends"].sum() - daily["dividends"].sum()) < scale
    e = result.trades
    assert (e["gross"] + e["dividends"] - e["slippage"] - e["commission"] - e["borrow"] - e["pnl"]).abs().max() < scale
    # every event is somewhere, once
    assert len(result.trades) + len(result.exclusions) == len(result.alignment)
    assert not set(result.trades.index) & set(result.exclusions.index)
    if sizing.whole_shares:
        assert np.allclose(t["shares"], t["shares"].round(), atol=1e-6)


@given(seed=st.integers(0, 10_000), gross=st.sampled_from([0.2, 0.5, 1.0]))
def test_limits_hold_at_the_prices_they_were_judged_by(seed, gross):
    prices = made_prices(seed, dividends=False)
    flat = dict.fromkeys(("open", "high", "low"), prices.close * 0 + 50.0)
    prices = ms.Prices(prices.close * 0 + 50.0, prices.close * 0 + 50.0, flat)
    limits = ms.Sizing(amount=0.15, max_gross=gross, max_net=gross / 2, max_position=gross / 4)
    result = quiet(made_events(60, seed), prices, RULES["hold"], sizing=limits)
    daily = result.daily
    assert daily["gross_exposure"].max() <= gross + 1e-9
    assert daily["net_exposure"].abs().max() <= gross / 2 + 1e-9
    assert (result.positions.abs().div(daily["equity"], axis=0)).max(axis=None) <= gross / 4 + 1e-9
    assert (result.trades["scale"] < 1).any() or result.exclusions["code"].eq("no_room").any()


def test_a_stake_by_volatility_is_that_of_plain_pandas():
    prices, events = made_prices(), made_events(12)
    sizing = ms.Sizing("inverse_volatility", 0.001, window=40, max_gross=float("inf"))
    result = quiet(events, prices, ms.rules.HoldAfter(days=3), sizing=sizing)
    returns = prices.close.pct_change(fill_method=None)
    equity = pd.Series(result.equity).reindex(prices.dates).ffill().fillna(1e6)
    for name, row in result.trades.iterrows():
        day = prices.dates.get_loc(row["date"])  # the last close known
        sd = np.sqrt((returns[row["ticker"]].iloc[day - 39 : day + 1] ** 2).mean())
        assert row["stake"] == pytest.approx(0.001 * equity.iloc[day] / sd, rel=1e-9), name


def test_turnover_and_exposure_are_those_of_the_orders():
    result = quiet(made_events(30), made_prices(), RULES["hedged"], costs=COSTLY)
    daily = result.daily
    traded = (
        result.orders.groupby("session")["amount"].apply(lambda v: v.abs().sum()).reindex(daily.index, fill_value=0.0)
    )
    before = daily["equity"].shift(fill_value=1e6)
    assert np.allclose(daily["turnover"], traded / before, rtol=1e-12)
    longs, shorts = (result.positions.clip(lower=0).sum(axis=1), result.positions.clip(upper=0).sum(axis=1))
    assert (
        daily["gross_exposure"] * daily["equity"] + 1e-6 >= longs - shorts
    ).all()  # legs of several events are not netted
    assert np.allclose(daily["net_exposure"] * daily["equity"], longs + shorts, atol=1e-5)
    assert result.performance.loc[("account", "turnover"), "value"] == pytest.approx(daily["turnover"].sum())


def test_doubling_capital_doubles_money_and_no_return():
    prices, events = made_prices(), made_events()
    costs = replace(COSTLY, per_order=0.0)
    one, two = (quiet(events, prices, RULES["hedged"], costs=costs, capital=c) for c in (1e6, 2e6))
    assert np.allclose(2 * one.equity, two.equity, rtol=1e-12)
    assert np.allclose(one.trades["return"], two.trades["return"], rtol=1e-12)


def test_inputs_are_left_alone():
    prices, events = made_prices(missing=0.02), made_events()
    before, listed = prices.close.copy(), events.copy()
    quiet(events, prices, RULES["hedged"], costs=COSTLY)
    pd.testing.assert_frame_equal(prices.close, before)
    pd.testing.assert_frame_equal(events, listed)


# --------------------------------------------------------------------------------------------- ways in and out


def little(close, opens=None, high=None, low=None, **options) -> ms.Prices:
    """Return prices of one security, AAA, or several as columns, on the first days of 2021."""
    frames = {}
    for name, values in {"close": close, "open": opens, "high": high, "low": low}.items():
        if values is not None:
            frames[name] = pd.DataFrame(values, index=DAYS[: len(values)], columns=options.get("names", ["AAA"]))
    closes = frames.pop("close").astype(float)
    return ms.Prices(closes, closes, frames, options.get("about", {}))


def one(prices, rule, row=0, **options) -> pd.Series:
    events = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[row]], "timing": ["during"]})
    return quiet(events, prices, rule, **options).legs.iloc[0]


def test_days_count_closes_after_the_fill():
    prices = little(np.arange(10.0, 20), np.arange(9.5, 19.5))
    cases = {
        ("next_open", "close"): (1, 10.5, 3, 13.0),
        ("next_open", "open"): (1, 10.5, 4, 13.5),
        ("next_close", "close"): (1, 11.0, 4, 14.0),
        ("close", "close"): (0, 10.0, 3, 13.0),
    }
    for (entry, way_out), (into, price, out, exit_price) in cases.items():
        trade = one(prices, ms.rules.HoldAfter(days=3, entry=entry, exit=way_out))
        assert (trade["entry_session"], trade["exit_session"]) == (DAYS[into], DAYS[out]), (entry, way_out)
        assert (trade["entry_price"], trade["exit_price"]) == (price, exit_price)


def test_no_way_in_without_a_price():
    close = [10.0, np.nan, 12, 13, 14]
    events = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[0]]})
    result = quiet(events, little(close), ms.rules.HoldAfter(days=2, entry="next_close"))
    assert result.legs.empty
    assert result.exclusions["code"].tolist() == ["no_price"]
    assert "AAA has no price at the close of 2021-01-05" in result.exclusions["reason"].iloc[0]
    assert np.isnan(result.per_trade.mean)
    assert "0 of 1 event traded" in repr(result)


def test_a_way_out_waits_for_a_price():
    trade = one(little([10.0, 11, np.nan, np.nan, 14, 15]), ms.rules.HoldAfter(days=1, entry="next_close"))
    assert (trade["exit_session"], trade["exit_price"], trade["exit_reason"]) == (
        DAYS[4],
        14.0,
        "days held, next price",
    )


@pytest.mark.parametrize(("given_return", "price"), [(0.0, 12.0), (-0.3, 8.4), ({"AAA": -1.0}, 0.0)])
def test_a_security_that_stops_trading(given_return, price):
    close = np.column_stack([[10.0, 11, 12, *[np.nan] * 7], np.full(10, 5.0)])
    prices = little(close, names=["AAA", "BBB"])
    rule = ms.rules.HoldAfter(days=3, entry="next_close")
    trade = one(prices, rule, delisting_return=given_return, costs=ms.Costs(bps=10, slippage_bps=10, per_order=1))
    assert (trade["exit_session"], trade["exit_reason"]) == (DAYS[3], "delisted")
    assert trade["exit_fill"] == pytest.approx(price)
    assert trade["commission"] == pytest.approx(1 + 0.001 * trade["shares"] * trade["entry_fill"])


def test_still_open_at_the_end():
    result = quiet(
        pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[0]]}),
        little([10.0, 11, 12]),
        ms.rules.HoldAfter(days=9, entry="next_close"),
        costs=ms.Costs(per_order=1.0),
    )
    assert result.legs["exit_reason"].tolist() == ["still open"]
    assert result.n_open == 1
    assert result.daily["long"].iloc[-1] > 0
    assert len(result.orders) == 1
    assert any("still open" in note for note in result.notes)


OPENS, HIGHS, LOWS, CLOSES = (
    [100.0, 100, 101, 95, 99],
    [101.0, 102, 103, 97, 120],
    [99.0, 99, 98, 90, 98],
    [100.0, 101, 100, 96, 110],
)


@pytest.mark.parametrize(
    ("side", "stop", "target", "day", "price", "why"),
    [
        ("long", 0.015, None, 2, 98.5, "stop"),  # touched within the day
        ("long", 0.04, None, 3, 95.0, "stop"),  # opens beyond it: filled at the open
        ("long", None, 0.025, 2, 102.5, "target"),
        ("long", 0.015, 0.025, 2, 98.5, "stop"),  # both in one session: the stop first
        ("short", 0.025, None, 2, 102.5, "stop"),
        ("short", None, 0.04, 3, 95.0, "target"),  # opens beyond it: better than the level
        ("long", None, 0.15, 4, 115.0, "target"),
        ("long", 0.3, 0.3, 4, 110.0, "days held"),
    ],
)
def test_stops_and_targets_rest_in_the_market(side, stop, target, day, price, why):
    prices = little(CLOSES, OPENS, HIGHS, LOWS)
    trade = one(prices, ms.rules.HoldAfter(days=4, side=side, stop=stop, target=target))
    assert (trade["exit_session"], trade["exit_reason"]) == (DAYS[day], why)
    assert trade["exit_price"] == pytest.approx(price)


def test_after_a_fill_at_the_close_nothing_of_that_day_is_left():
    prices = little(CLOSES, OPENS, HIGHS, LOWS)
    trade = one(prices, ms.rules.HoldAfter(days=3, entry="next_close", stop=0.015))  # day 1's low of 99 is over
    assert trade["exit_session"] == DAYS[2]


def test_without_highs_and_lows_a_stop_is_seen_at_one_close_and_filled_at_the_next():
    trade = one(little([100.0, 100, 94, 93, 99]), ms.rules.HoldAfter(days=3, entry="next_close", stop=0.05))
    assert (trade["exit_session"], trade["exit_price"], trade["exit_reason"]) == (DAYS[3], 93.0, "stop")


def test_a_bar_within_the_day():
    prices = little(np.column_stack([[10.0, 11, 12, 13], [5.0, 5, 5, 5]]), names=["AAA", "BBB"])
    times = pd.date_range("2021-01-05 14:30", periods=12, freq="5min", tz="UTC", name="time")
    bars = pd.DataFrame(
        np.arange(24.0).reshape(12, 2) + 10, times, pd.MultiIndex.from_product([["open"], ["AAA", "BBB"]])
    )
    bars.loc[times[3], ("open", "AAA")] = np.nan
    events = pd.DataFrame({"ticker": ["AAA"], "date": [pd.Timestamp("2021-01-05 09:40:00", tz="America/New_York")]})
    rule = ms.rules.HoldAfter(days=1, entry="intraday")
    made = ms.backtest(events, prices, rule, intraday=bars, calendar="NYSE").legs.iloc[0]
    # news at 14:40 UTC: the bar of 14:40 had begun, that of 14:45 has no price, that of 14:50 is filled
    assert (made["entry_at"], made["entry_price"], made["exit_price"]) == ("intraday", 18.0, 11.0)
    later = ms.backtest(events, prices, replace(rule, delay=15), intraday=bars, calendar="NYSE").legs.iloc[0]
    assert later["entry_price"] == 22.0  # strictly after 14:55
    with pytest.raises(InputError, match="missing for entry='intraday'"):
        ms.backtest(events, prices, rule, calendar="NYSE")
    with pytest.raises(InputError, match="no time of day"):
        ms.backtest(pd.DataFrame({"ticker": ["AAA"], "date": ["2021-01-05"]}), prices, rule, intraday=bars)
    evening = pd.DataFrame({"ticker": ["AAA"], "date": [pd.Timestamp("2021-01-05 20:00:00", tz="America/New_York")]})
    lost = ms.backtest(evening, prices, rule, intraday=bars, calendar="NYSE")
    assert lost.exclusions["reason"].tolist() == ["AAA has no bar after the news"]


# -------------------------------------------------------------------------------------------------------- rules


def test_the_hedge_is_the_regression(prices, catalog):
    rule = ms.rules.Hedged(rule=ms.rules.HoldAfter(days=5, entry="next_close"), by="^GSPC")
    result = ms.backtest(catalog["deepseek-selloff"], prices, rule, tickers=["NVDA"])
    study = ms.event_study(
        catalog["deepseek-selloff"], tickers=["NVDA"], prices=prices, model=ms.MarketModel("^GSPC"), window=(0, 6)
    )
    beta = float(study.params["^GSPC"].iloc[0])
    weights = result.legs.set_index("ticker")["weight"]
    assert weights["NVDA"] == 1.0
    assert weights["^GSPC"] == pytest.approx(-beta, rel=1e-12)


def test_a_hedge_of_the_hedge_is_nothing():
    events = pd.DataFrame({"ticker": ["MKT"], "date": [DAYS[200]]})
    result = quiet(events, made_prices(), RULES["hedged"])
    assert result.legs.empty
    assert result.exclusions["reason"].tolist() == ["the hedge offsets all of the position"]


def test_an_event_without_a_hedge_is_not_traded():
    events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[50], DAYS[200]]})
    result = quiet(events, made_prices(), RULES["hedged"])
    assert result.exclusions["code"].tolist() == ["no_hedge"]
    assert "returns in the estimation window" in result.exclusions["reason"].iloc[0]


def test_market_rules_take_one_position_a_session(prices, catalog):
    rule = ms.rules.Pair(long="SPY", short="QQQ", days=3)
    with pytest.warns(OverlapWarning):
        result = ms.backtest(list(catalog.values()), prices, rule)
    per_day = result.trades.groupby("date").size()
    assert (per_day == 1).all()
    assert len(result.legs) == 2 * len(result.trades)
    assert set(result.exclusions["code"]) <= {"same_session", "outside_prices"}


def test_low_volatility_is_the_sort_of_the_study(prices):
    among = [t for t in prices.tickers if "^" not in t]
    day = pd.Timestamp("2025-01-27")
    result = ms.backtest(
        pd.DataFrame({"date": [day], "ticker": ["NVDA"]}), prices, ms.rules.LowVolatility(days=5, lookback=126)
    )
    firms = [t for t in among if t != "GOOG"]
    returns = prices.adj_close[firms].pct_change(fill_method=None).loc[:day].iloc[-126:]
    order = returns.std().sort_values().index.tolist()
    size = -(-len(firms) // 3) if len(firms) % 3 else len(firms) // 3
    trades = result.legs
    assert sorted(trades.loc[trades["side"] == "long", "ticker"]) == sorted(order[:size])
    assert sorted(trades.loc[trades["side"] == "short", "ticker"]) == sorted(order[-(len(firms) // 3) :])
    assert trades.loc[trades["side"] == "long", "weight"].sum() == pytest.approx(1.0)
    assert trades.loc[trades["side"] == "short", "weight"].sum() == pytest.approx(-1.0)


def test_a_fall_is_that_of_fragility(prices):
    measured = ms.fragility(prices, log=False)
    row, column = np.nonzero(measured.z.to_numpy() <= -3.0)
    fell = {(measured.z.index[r], measured.tickers[c]) for r, c in zip(row, column, strict=True)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = ms.backtest(None, prices, ms.rules.AfterDrop(days=5, entry="next_close"))
    found = {(d, t) for d, t in zip(result.alignment["session"], result.alignment["ticker"], strict=True)}
    assert found == {(day, ticker) for day, ticker in fell if "^" not in ticker}
    given_events = pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-01-27"]})
    kept = ms.backtest(given_events, prices, ms.rules.AfterDrop(days=5))
    assert kept.trades["ticker"].tolist() == ["NVDA"]
    assert kept.exclusions["code"].tolist() == ["no_signal"]


def test_a_rule_class_of_ones_own():
    class BuyTwice(Timed):
        def legs(self, info: InformationSet) -> Legs:
            n = len(info)
            return Legs(np.arange(n), info.column, np.full(n, 2.0))

    result = quiet(made_events(5), made_prices(), BuyTwice(days=3))
    assert result.legs["weight"].tolist() == [2.0] * 5
    assert result.legs["shares"].mul(result.legs["entry_price"]).iloc[0] == pytest.approx(200_000)

    class Wrong(Timed):
        def legs(self, info: InformationSet) -> Legs:
            return Legs(np.arange(len(info)), info.column + 99, np.ones(len(info)))

    with pytest.raises(InputError, match="column that is out of range"):
        quiet(made_events(5), made_prices(), Wrong(days=3))


# ------------------------------------------------------------------------------------------- dividends and splits


def test_dividends_implied_by_adjusted_closes(prices):
    """NVDA paid 0.01 on 2024-12-05 and AAPL 0.25 on 2024-11-08 and 2025-02-10, by their own announcements."""
    from marketshock.backtests.market import market_of

    market = market_of(prices, "auto", None)
    days = pd.DatetimeIndex(market.days)
    for ticker, day, amount in (
        ("NVDA", "2024-12-05", 0.01),
        ("AAPL", "2024-11-08", 0.25),
        ("AAPL", "2025-02-10", 0.25),
    ):
        column, row = market.names.index(ticker), days.get_loc(day)
        assert market.dividend[row, column] == pytest.approx(amount, rel=0.02)
    tesla = market.dividend[:, market.names.index("TSLA")]
    assert not tesla.any()
    counted = {t: int((market.dividend[:, market.names.index(t)] > 0).sum()) for t in ("AAPL", "MSFT", "NVDA")}
    assert counted == {"AAPL": 9, "MSFT": 9, "NVDA": 9}


def test_rounded_prices_imply_no_dividends():
    rng = np.random.default_rng(3)
    close = np.round(10 * np.exp(np.cumsum(0.02 * rng.standard_normal((300, 3)), axis=0)), 2)
    adjusted = np.round(close * 0.9, 4)
    from marketshock.backtests.market import implied_dividends

    dividend, odd = implied_dividends(close, adjusted)
    assert not dividend.any()
    assert odd == 0


def test_a_split_changes_the_count_and_no_money():
    splits = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[3]], "ratio": [4.0]})
    close = pd.DataFrame({"AAA": [10.0, 11, 12, 13, 14, 15]}, index=DAYS[:6])
    with_split = ms.Prices(close, close, {}, {}, splits)
    rule = ms.rules.HoldAfter(days=3, entry="next_close")
    a, b = one(with_split, rule), one(ms.Prices(close, close), rule)
    assert a["pnl"] == pytest.approx(b["pnl"])
    assert a["exit_shares"] == pytest.approx(4 * a["shares"])
    assert a["entry_price"] == 44.0


# ------------------------------------------------------------------------------------------------ named dangers


def test_the_dangers_are_named():
    prices = made_prices()
    undated = made_events(4).drop(columns="timing")
    with pytest.warns(LookAheadWarning, match="4 of 4 events have no time of day"):
        ms.backtest(undated, prices, ms.rules.HoldAfter(days=2, entry="close"), calendar="index")
    crowded = pd.DataFrame({"ticker": "AAA", "date": DAYS[200:210], "timing": "during"})
    with pytest.warns(OverlapWarning, match="9 of 10 positions"):
        ms.backtest(crowded, prices, ms.rules.HoldAfter(days=5), calendar="index")
    long_ago = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[5], DAYS[300]]})
    with pytest.warns(SurvivorshipWarning, match="each of the 2 securities"):
        ms.backtest(long_ago, prices, ms.rules.HoldAfter(days=5), calendar="index")
    for word in ("Look-ahead", "Survivorship", "Overlap"):
        assert word in ms.backtest.__doc__
    single_day = quiet(pd.DataFrame({"ticker": ["AAA", "BBB"], "date": DAYS[200]}), prices, RULES["hold"])
    assert "one draw" in repr(single_day)


def test_currencies_are_not_mixed():
    about = {"currency": {"AAA": "USD", "BBB": "EUR"}}
    prices = little(np.full((6, 2), 10.0), names=["AAA", "BBB"], about=about)
    with pytest.raises(InputError, match="AAA is quoted in USD, BBB in EUR"):
        one(prices, ms.rules.HoldAfter(days=1, entry="next_close"))


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: ms.rules.HoldAfter(days=0), InputError, "days"),
        (lambda: ms.rules.HoldAfter(days=2.5), InputError, "days"),
        (lambda: ms.rules.HoldAfter(days=2, entry="open"), ChoiceError, "next_open"),
        (lambda: ms.rules.HoldAfter(days=2, side="buy"), ChoiceError, "'long', 'short'"),
        (lambda: ms.rules.HoldAfter(days=2, stop=1.5), InputError, "stop"),
        (lambda: ms.rules.HoldAfter(days=2, delay=5), InputError, "belongs to entry='intraday'"),
        (lambda: ms.rules.Fade(days=2, threshold=-1), InputError, "threshold"),
        (lambda: ms.rules.AfterDrop(days=2, sigma=0), InputError, "sigma"),
        (lambda: ms.rules.Pair(long="A", short="A", days=2), InputError, "in long too"),
        (lambda: ms.rules.Pair(long=(), short="A", days=2), InputError, "long"),
        (lambda: ms.rules.LowVolatility(days=2, groups=1), InputError, "groups"),
        (lambda: ms.rules.Own(days=2, function="x"), InputError, "function"),
        (lambda: ms.Costs(bps=-1), InputError, "bps"),
        (lambda: ms.Costs(borrow={"A": -0.1}), InputError, r"borrow\['A'\]"),
        (lambda: ms.Costs(days_in_year=100), InputError, "days_in_year"),
        (lambda: ms.Costs(slippage_bps=10_000), InputError, "all of the price"),
        (lambda: ms.Sizing(by="kelly"), ChoiceError, "'equal'"),
        (lambda: ms.Sizing(amount=0), InputError, "amount"),
        (lambda: ms.Sizing(amount=10_000), InputError, "for an amount of money give by='fixed'"),
        (lambda: ms.Sizing(max_gross=float("nan")), InputError, "max_gross"),
    ],
)
def test_options_that_cannot_be(make, kind, text):
    with pytest.raises(kind, match=text):
        make()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"rule": "hold"}, "rule"),
        ({"rule": ms.rules.HoldAfter}, "rule"),
        ({"costs": 5}, "marketshock.Costs"),
        ({"capital": 0}, "capital"),
        ({"risk_free": 5}, "risk_free"),
        ({"benchmark": "SPX"}, "benchmark"),
        ({"delisting_return": -2}, "delisting_return"),
        ({"delisting_return": {"XYZ": 0.0}}, "XYZ"),
        ({"costs": ms.Costs(borrow={"XYZ": 0.1})}, "XYZ"),
        ({"events": None}, "does not find its own"),
        ({"rule": ms.rules.Pair(long="XYZ", short="AAA", days=2)}, "XYZ"),
        ({"rule": ms.rules.Own(days=2, function=lambda e: "x")}, "returned 'x'"),
        ({"rule": ms.rules.Own(days=2, function=lambda e: {"XYZ": 1.0})}, "XYZ"),
        ({"rule": ms.rules.Own(days=2, function=lambda e: float("nan"))}, "returned nan"),
    ],
)
def test_arguments_that_cannot_be(options, text):
    arguments = {"events": made_events(4), "prices": made_prices(), "rule": RULES["hold"], **options}
    with pytest.raises(InputError, match=text):
        quiet(arguments.pop("events"), arguments.pop("prices"), arguments.pop("rule"), **arguments)


def test_closes_alone_have_no_opens():
    with pytest.raises(InputError, match="'next_close', or opens"):
        one(little([10.0, 11, 12]), ms.rules.HoldAfter(days=1))
    with pytest.raises(InputError, match="exit"):
        one(little([10.0, 11, 12]), ms.rules.HoldAfter(days=1, entry="next_close", exit="open"))


def test_an_account_that_is_lost_trades_no_more():
    close = np.column_stack([[10.0, 10, 40, 40, 40, 40, 40, 40]])
    events = pd.DataFrame({"ticker": "AAA", "date": [DAYS[0], DAYS[4]]})
    rule = ms.rules.HoldAfter(days=1, entry="next_close", side="short")
    result = quiet(events, little(close), rule, sizing=ms.Sizing(amount=1.0, max_gross=2.0))
    assert result.equity.iloc[-1] < 0
    assert result.exclusions["reason"].tolist() == ["the account has no equity left"]


def test_unknown_names_are_excluded_and_said():
    events = pd.DataFrame({"ticker": ["AAA", "AAB"], "date": DAYS[200]})
    result = quiet(events, made_prices(), RULES["hold"])
    assert result.exclusions["code"].tolist() == ["unknown_ticker"]
