"""Regression tests: faults that a review once found."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.backtests.market import implied_dividends
from marketshock.errors import InputError, PriceError

from .test_backtest import DAYS, RULES, corrupted, made_events, made_prices, quiet

N = 30


def market(names: str = "ABX", n: int = N, **changes) -> ms.Prices:
    """Return flat prices of 100, changed by field: close=[(row, name, value), ...]."""
    frames = {f: pd.DataFrame(100.0, DAYS[:n], list(names)) for f in ("close", "open", "high", "low")}
    for field, cells in changes.items():
        for row, name, value in cells:
            frames[field].loc[DAYS[row] if isinstance(row, int) else DAYS[row.start : row.stop], name] = value
    close = frames.pop("close")
    return ms.Prices(close, close, frames)


def events(*rows: tuple[int, str], **columns) -> pd.DataFrame:
    frame = pd.DataFrame({"ticker": [t for _, t in rows], "date": [DAYS[r] for r, _ in rows], "timing": "during"})
    return frame.assign(**columns)


# --------------------------------------------------------------------------------------------- stops and targets


def test_a_stop_rests_whatever_legs_other_events_have():
    prices = market(low=[(3, "A", 90.0)])
    rule = ms.rules.Own(5, stop=0.05, function=lambda e: {"A": 1.0} if e.ticker == "A" else {"B": 1.0, "X": -1.0})
    legs = quiet(events((0, "A"), (2, "B")), prices, rule).legs.set_index("ticker")
    assert legs.loc["A", ["exit_session", "exit_price", "exit_reason"]].tolist() == [DAYS[3], 95.0, "stop"]


def test_an_open_beyond_the_target_comes_before_a_stop_touched_later():
    prices = market(open=[(3, "A", 120.0)], high=[(3, "A", 121.0)], low=[(3, "A", 90.0)])
    leg = quiet(events((0, "A")), prices, ms.rules.HoldAfter(8, stop=0.05, target=0.1)).legs.iloc[0]
    assert leg[["exit_at", "exit_price", "exit_reason"]].tolist() == ["open", 120.0, "target"]


def test_a_stop_beyond_which_a_session_opens_makes_room_at_that_open():
    prices = market(open=[(3, "A", 80.0)], low=[(3, "A", 80.0)], close=[(3, "A", 80.0)])
    rule, sizing = ms.rules.HoldAfter(8, stop=0.05), ms.Sizing(amount=1.0)
    result = quiet(events((0, "A"), (2, "B")), prices, rule, sizing=sizing)
    assert result.trades.index.size == 2
    out = result.orders[(result.orders["ticker"] == "A") & (result.orders["shares"] < 0)].iloc[0]
    assert (out["at"], out["price"], out["session"]) == ("open", 80.0, DAYS[3])


def test_a_stop_of_several_legs_sees_a_leg_that_is_delisted():
    gone = [(slice(4, N), "A", np.nan)]
    prices = market(close=gone, open=gone, high=gone, low=gone)
    rule = ms.rules.Own(20, stop=0.3, function=lambda _: {"A": 1.0, "B": 0.5})
    legs = quiet(events((0, "A")), prices, rule, delisting_return=-1.0).legs.set_index("ticker")
    assert legs.loc["A", "exit_reason"] == "delisted"
    assert legs.loc["B", ["exit_reason", "exit_session"]].tolist() == ["stop", DAYS[5]]


# ------------------------------------------------------------------------------------------------------ ways out


def test_a_way_out_takes_the_next_price_open_or_close():
    prices = market(open=[(slice(0, N), "A", np.nan)])
    rule = ms.rules.HoldAfter(3, entry="next_close", exit="open")
    leg = quiet(events((0, "A")), prices, rule).legs.iloc[0]
    assert leg[["exit_at", "exit_session", "exit_reason"]].tolist() == ["close", DAYS[5], "days held, next price"]
    gone = [(slice(6, N), "A", np.nan)]
    last_open = [(slice(5, N), "A", np.nan)]
    prices = market(close=gone, open=last_open)
    rule = ms.rules.HoldAfter(4, exit="open")
    leg = quiet(events((0, "A")), prices, rule, delisting_return=-1.0).legs.iloc[0]
    assert leg[["exit_at", "exit_session"]].tolist() == ["close", DAYS[5]]
    later = ms.rules.HoldAfter(9, exit="open")
    assert quiet(events((0, "A")), prices, later, delisting_return=-1.0).legs["exit_reason"].tolist() == ["delisted"]


@pytest.mark.parametrize(("last", "why"), [(N - 2, "still open"), (N - 6, "still open"), (N - 7, "delisted")])
def test_a_few_missing_bars_at_the_end_are_no_delisting(last, why):
    gone = [(slice(last + 1, N), "A", np.nan)]
    prices = market(close=gone, open=gone)
    result = quiet(events((20, "A")), prices, ms.rules.HoldAfter(15), delisting_return=-0.5)
    assert result.legs["exit_reason"].tolist() == [why]
    assert (result.legs["pnl"].iloc[0] < -40_000) == (why == "delisted")


# -------------------------------------------------------------------------------------------------------- limits


def test_no_security_goes_beyond_max_position_though_one_of_two_orders_is_blocked():
    prices = market("XYZ")

    def legs(event):
        return {"x": {"X": 1.0}, "y": {"Y": 1.0}, "b": {"X": 1.0}, "c": {"X": -1.0, "Y": 1.0}}[event.group]

    listed = events((0, "X"), (0, "Y"), (3, "X"), (3, "Y"), group=["x", "y", "b", "c"])
    sizing = ms.Sizing(amount=0.5, max_gross=9.0, max_position=0.5)
    result = quiet(listed, prices, ms.rules.Own(10, function=legs), sizing=sizing)
    share = result.positions.abs().div(result.daily["equity"], axis=0)
    assert share.max(axis=None) <= 0.5 + 1e-12


def test_what_max_position_throws_out_takes_no_room():
    sizing = ms.Sizing(amount=0.5, max_position=0.5)
    result = quiet(events((0, "A"), (3, "A"), (3, "B")), market(), ms.rules.HoldAfter(10), sizing=sizing)
    assert result.trades["scale"].tolist() == [1.0, 1.0]
    assert result.exclusions.index.tolist() == ["A@2021-01-07"]


def test_net_is_judged_after_positions_were_cut():
    rng = np.random.default_rng(4)
    close = pd.DataFrame(100 * np.exp(np.cumsum([0.01, 0.03, 0.002] * rng.standard_normal((N, 3)), axis=0)), DAYS[:N])
    close.columns = ["A", "B", "C"]
    prices = ms.Prices(close, close)
    rule = ms.rules.Own(5, entry="next_close", function=lambda e: 1.0 if e.ticker == "A" else -1.0)
    sizing = ms.Sizing("inverse_volatility", 0.002, window=10, max_gross=9.0, max_net=0.1, max_position=0.3)
    result = quiet(events((20, "A"), (20, "B"), (20, "C")), prices, rule, sizing=sizing)
    first = result.orders[result.orders["session"] == DAYS[21]]
    before = first["shares"] * close.iloc[20][first["ticker"]].to_numpy()
    scale = 1e6 * 1.05  # sizes are of the close before, fills of the next
    assert abs(before.sum()) <= 0.1 * scale


# ----------------------------------------------------------------------------------------------------- dividends


def test_a_dividend_over_a_gap_is_that_of_the_next_price():
    close = np.full((20, 1), 100.0)
    adjusted = np.where(np.arange(20)[:, None] < 10, 95.0, 100.0)
    close[10:] = 95.0
    adjusted = np.where(np.arange(20)[:, None] < 10, 95.0, 95.0)
    close[10] = adjusted[10] = np.nan
    dividend, odd = implied_dividends(close, adjusted)
    assert dividend[11, 0] == pytest.approx(5.0)
    assert (np.count_nonzero(dividend), odd) == (1, 0)


def test_later_decimals_change_no_dividend_before():
    close = np.full((40, 1), 3.0)
    close[20:] = 2.98
    adjusted = np.full((40, 1), 2.98)
    later, later_adjusted = close.copy(), adjusted.copy()
    later[30:], later_adjusted[30:] = 2.98123, 2.98123
    one, other = implied_dividends(close, adjusted)[0], implied_dividends(later, later_adjusted)[0]
    assert np.array_equal(one[:30], other[:30])


def test_single_precision_prices_are_no_negative_dividends():
    rng = np.random.default_rng(1)
    close = 50 * np.exp(np.cumsum(0.02 * rng.standard_normal((300, 3)), axis=0))
    single = close.astype(np.float32).astype(float)
    dividend, odd = implied_dividends(single, (close * 0.97).astype(np.float32).astype(float))
    assert not dividend.any()
    assert odd == 0


def test_dividends_in_adjusted_closes_are_not_paid_again():
    close = pd.DataFrame({"A": np.full(10, 50.0)}, index=DAYS[:10])
    paid = pd.DataFrame({"A": np.where(np.arange(10) == 4, 2.0, 0.0)}, index=DAYS[:10])
    prices = ms.Prices(close, close, {"dividend": paid}, {"close_is": "dividend-adjusted"})
    result = quiet(events((0, "A")), prices, ms.rules.HoldAfter(6, entry="next_close"))
    assert result.legs["dividends"].tolist() == [0.0]
    assert any("no dividend is paid" in note for note in result.notes)


def test_prices_that_are_not_adjusted_for_a_known_split_are_refused():
    close = pd.DataFrame({"A": [100.0, 102, 51, 50, 52]}, index=DAYS[:5])
    splits = pd.DataFrame({"ticker": ["A"], "date": [DAYS[2]], "ratio": [2.0]})
    with pytest.raises(PriceError, match=r"A moves -50 % on 2021-01-06, the day of its split of 2"):
        quiet(events((0, "A")), ms.Prices(close, close, splits=splits), ms.rules.HoldAfter(2, entry="next_close"))
    fine = close.copy()
    fine.iloc[:2] /= 2
    quiet(events((0, "A")), ms.Prices(fine, fine, splits=splits), ms.rules.HoldAfter(2, entry="next_close"))
    unsaid = quiet(events((0, "A")), ms.Prices(close, close), ms.rules.HoldAfter(2, entry="next_close"))
    assert any("A moved -50.0 % on 2021-01-06 while held" in note for note in unsaid.notes)


def test_a_low_above_the_high_is_refused():
    with pytest.raises(InputError, match="the low is above the high: A on 2021-01-07"):
        quiet(events((0, "A")), market(high=[(3, "A", 99.0)]), RULES["hold"])
    odd = quiet(
        events((0, "A")), market(high=[(3, "A", 100.0)], low=[(3, "A", 99.0)], open=[(3, "A", 98.0)]), RULES["hold"]
    )
    assert any("lies outside of low and high, the first A on 2021-01-07" in note for note in odd.notes)


# ------------------------------------------------------------------------------------------------ bars of the day


def test_bars_outside_the_session_are_not_used():
    close = pd.DataFrame({"A": [100.0, 110, 120]}, index=pd.to_datetime(["2021-01-07", "2021-01-08", "2021-01-11"]))
    times = pd.to_datetime(["2021-01-07 16:30", "2021-01-07 17:00", "2021-01-08 09:30"]).tz_localize("America/New_York")
    bars = pd.DataFrame({("open", "A"): [90.0, 91.0, 105.0]}, index=times)
    news = pd.DataFrame({"ticker": ["A"], "date": [pd.Timestamp("2021-01-07 16:05", tz="America/New_York")]})
    result = ms.backtest(news, ms.Prices(close, close), ms.rules.HoldAfter(1, entry="intraday"), intraday=bars)
    leg = result.legs.iloc[0]
    assert leg[["entry_price", "exit_price"]].tolist() == [105.0, 110.0]
    assert any("2 bars outside of the sessions" in note for note in result.notes)


# ------------------------------------------------------------------------------------------------ money and returns


def test_whole_shares_are_judged_by_what_was_put_in():
    close = pd.DataFrame({"A": np.where(np.arange(10) < 4, 60_000.0, 66_000.0)}, index=DAYS[:10])
    prices = ms.Prices(close, close)
    result = quiet(
        events((0, "A")), prices, ms.rules.HoldAfter(5, entry="next_close"), sizing=ms.Sizing(whole_shares=True)
    )
    assert result.trades["stake"].tolist() == [60_000.0]
    assert result.trades["return"].tolist() == pytest.approx([0.1])
    assert result.legs["return"].tolist() == pytest.approx([0.1])


def test_commissions_an_order_are_spread_over_the_stake_there_was():
    costs, sizing = ms.Costs(per_order=20.0), ms.Sizing("inverse_volatility", 0.0002)
    result = quiet(made_events(20), made_prices(), RULES["hold"], costs=costs, sizing=sizing)
    assert result.path()["mean"].iloc[-1] == pytest.approx(result.per_trade.mean, rel=1e-9)


def test_legs_of_one_event_in_one_security_are_netted():
    hedged = ms.rules.Hedged(ms.rules.Pair(5, long="MKT", short="AAA"), "MKT", estimation=(-120, -5), min_obs=100)
    result = quiet(made_events(3), made_prices(), hedged)
    assert result.legs.groupby("event_id")["ticker"].nunique().eq(2).all()
    assert len(result.legs) == 6


def test_a_hedge_without_a_price_is_no_trade_and_a_stock_of_many_is_left_out():
    prices = made_prices()
    prices.extra["open"].loc[DAYS[201], "MKT"] = np.nan
    one = events((200, "AAA"))
    group = ms.rules.LowVolatility(5, lookback=60, groups=2, among=("AAA", "BBB", "CCC", "DDD"))
    hedged = ms.rules.Hedged(group, "MKT", estimation=(-120, -5), min_obs=100)
    assert quiet(one, prices, hedged).exclusions["code"].tolist() == ["no_price"]
    prices = made_prices()
    prices.extra["open"].loc[DAYS[201], "BBB"] = np.nan
    result = quiet(one, prices, group)
    assert len(result.legs) == 3
    assert any("1 portfolio leg was left out for lack of a price" in note for note in result.notes)


def test_a_lost_account_has_no_ratios():
    close = np.array([10.0, 10, 30, 10, *np.full(30, 10.0)])
    prices = ms.Prices(*(pd.DataFrame({"A": close}, index=DAYS[: len(close)]) for _ in (0, 1)))
    rule = ms.rules.HoldAfter(30, entry="next_close", side="short")
    result = quiet(events((0, "A")), prices, rule, sizing=ms.Sizing(amount=1.0))
    assert math.isnan(result.curve.sharpe)
    assert math.isnan(result.curve.volatility)
    assert result.curve.max_drawdown == pytest.approx(-2.0)
    assert any("The account was lost on 2021-01-06" in note for note in result.notes)


# ----------------------------------------------------------------------------------------------- placebo and many


def test_trades_cut_off_by_the_end_are_on_neither_side():
    result = quiet(made_events(30, last=318), made_prices(), ms.rules.HoldAfter(20))
    assert result.n_open > 0
    made = ms.placebo_trades(result, 49)
    ended = result.legs[result.legs["exit_reason"] != "still open"]["event_id"]
    assert made.n_trades == len(ended)
    assert made.observed == pytest.approx(result.trades.loc[ended, "return"].mean())


def test_random_dates_bear_the_groups_of_the_events():
    listed = made_events(30).assign(group=["up", "down"] * 15)
    rule = ms.rules.Own(3, function=lambda e: 1.0 if e.group == "up" else -1.0)
    result = quiet(listed, made_prices(), rule)
    made = ms.placebo_trades(result, 99)
    assert np.isfinite(made.distribution).all()
    kinds = set(zip(made._kinds.group.tolist(), made._kinds.column.tolist(), strict=True))
    assert kinds == set(zip(listed["group"], result.information.column.tolist(), strict=True))
    with pytest.raises(InputError, match="may read the groups"):
        ms.placebo_trades(result, 99, match=())


def test_no_draw_holds_a_security_twice_on_a_date():
    dates = [150, 150, 160, 170, 170, 180, 190, 200, 210, 220]
    listed = events(*zip(dates, ["AAA", "BBB", "AAA", "AAA", "CCC", "BBB", "AAA", "BBB", "AAA", "BBB"], strict=True))
    result = quiet(listed, made_prices(), ms.rules.HoldAfter(1))
    for match in (("ticker",), ("ticker", "weekday"), ()):
        draw, row, kind = ms.placebo_trades(result, 199, match=match)._drawn
        assert len({*zip(draw.tolist(), row.tolist(), kind.tolist(), strict=True)}) == len(draw)


def test_volatility_is_matched_for_the_tickers_kept():
    result = quiet(made_events(10), made_prices(), RULES["hold"])
    with pytest.raises(InputError, match="add 'ticker'"):
        ms.placebo_trades(result, 49, match=("volatility",))


def test_the_deflated_ratio_falls_with_what_was_tried_even_of_one_rule():
    result = quiet(made_events(40), made_prices(), RULES["hold"])
    found = [ms.compare_rules({"a": result}, tried=n, draws=19).table["deflated_sharpe"].iloc[0] for n in (1, 10, 1000)]
    assert found[0] > found[1] > found[2]


def test_rules_that_did_not_trade_were_tried():
    result = quiet(made_events(20), made_prices(), RULES["hold"])
    nothing = quiet(events((200, "ZZZ")), made_prices(), RULES["hold"])
    made = ms.compare_rules({"a": result, "b": nothing, "c": nothing}, draws=19).table
    assert made["pvalue_adjusted"].iloc[0] == pytest.approx(min(1.0, 3 * made["pvalue"].iloc[0]))
    assert made["pvalue_adjusted"].isna().tolist() == [False, True, True]


def test_hindsight_is_over_the_periods_in_which_a_rule_was_chosen():
    backtests = {str(n): quiet(made_events(60), made_prices(), ms.rules.HoldAfter(n)) for n in (1, 4)}
    made = ms.walk_forward(backtests, "2021-05-01", every="month", min_trades=20)
    assert (made.table["rule"] == "").any()
    assert made.in_sample.n_trades == made.out_of_sample.n_trades


# ------------------------------------------------------------------------------------------------------- reasons


def test_reasons_say_what_is():
    prices = made_prices()
    prices.close.loc[DAYS[200], "AAA"] = np.nan
    one = events((200, "AAA"))
    assert "no return" in quiet(one, prices, RULES["fade"]).exclusions["reason"].iloc[0]
    assert "no return" in quiet(one, prices, RULES["drop"]).exclusions["reason"].iloc[0]
    flat = quiet(events((20, "A")), market(), RULES["hold"], sizing=ms.Sizing("inverse_volatility"))
    assert "too few returns in the 63 sessions before, or all of them 0" in flat.exclusions["reason"].iloc[0]
    with pytest.raises(InputError, match="unknown: 'ZZZ'"):
        quiet(None, made_prices(), RULES["drop"], tickers=["AAA", "ZZZ"])


def test_events_that_a_rule_class_forgets_are_skipped_by_name():
    class Half(ms.rules.HoldAfter):
        def legs(self, info):
            made = super().legs(info)
            return type(made)(made.event[::2], made.column[::2], made.weight[::2])

    result = quiet(made_events(4), made_prices(), Half(3))
    assert (len(result.trades), len(result.exclusions)) == (2, 2)
    assert set(result.exclusions["reason"]) == {"the rule takes no position"}


def test_what_a_function_raises_names_the_event():
    with pytest.raises(KeyError) as caught:
        quiet(made_events(2), made_prices(), ms.rules.Own(3, function=lambda e: {}["nothing"]))
    assert "at event" in caught.value.__notes__[0]


def test_a_function_may_answer_yes_no_or_a_series():
    yes = quiet(made_events(6), made_prices(), ms.rules.Own(3, function=lambda e: e.move < 0))
    moves = [yes.information.move()[i] for i in range(6)]
    assert len(yes.trades) == sum(m < 0 for m in moves)
    both = ms.rules.Own(3, function=lambda _: pd.Series({"AAA": 0.5, "BBB": -0.5}))
    assert len(quiet(made_events(2), made_prices(), both).legs) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ms.rules.Hedged(5, "MKT"),
        lambda: ms.rules.Hedged(ms.rules.HoldAfter, "MKT"),
        lambda: ms.rules.Hedged(ms.rules.HoldAfter(5), 5),
        lambda: ms.rules.Pair(5, long=5, short="A"),
        lambda: ms.rules.LowVolatility(5, among=5),
        lambda: ms.rules.LowVolatility(5, members="x"),
        lambda: ms.Costs(bps=20_000),
        lambda: ms.Sizing("fixed"),
        lambda: ms.placebo_trades(5),
        lambda: ms.compare_rules(5),
        lambda: ms.walk_forward([5], "2021-01-01"),
        lambda: quiet(made_events(3), made_prices(), RULES["hold"], delisting_return="x"),
        lambda: quiet(made_events(3), made_prices(), RULES["hold"], delisting_return={"AAA": "x"}),
        lambda: quiet(made_events(3), made_prices(), RULES["hold"], benchmark=["MKT"]),
        lambda: quiet(made_events(3), made_prices(), RULES["hold"]).bootstrap(99, seed="x"),
        lambda: ms.placebo_trades(quiet(made_events(3), made_prices(), RULES["hold"]), 19, seed="x"),
        lambda: ms.placebo_trades(quiet(made_events(3), made_prices(), RULES["hold"]), 19, match=5),
    ],
)
def test_what_cannot_be_is_our_error(wrong):
    with pytest.raises(InputError):
        wrong()


def test_events_of_mixed_legs_know_nothing_of_the_future():
    """One event takes two legs or one by what B did before: other prices after a day change nothing up to it."""

    def function(event):
        return {"AAA": 1.0, "BBB": -1.0} if event.returns["BBB"].iloc[-10:].sum() > 0 else {"AAA": 1.0}

    rule = ms.rules.Own(10, stop=0.03, function=function)
    prices, listed = made_prices(), made_events()
    true = quiet(listed, prices, rule)
    for day in (210, 240):
        other = quiet(listed, corrupted(prices, day), rule)
        until = DAYS[day]
        pd.testing.assert_series_equal(true.equity.loc[:until], other.equity.loc[:until], check_exact=True)


def test_trades_that_touch_at_a_session_are_held_together():
    result = quiet(events((0, "A"), (3, "B")), market(), ms.rules.HoldAfter(3))
    assert not any("together with a leg of another event date" in note for note in result.notes)
    result = quiet(events((0, "A"), (2, "B")), market(), ms.rules.HoldAfter(3))
    assert any("2 of 2 legs were held together with a leg of another event date" in note for note in result.notes)
