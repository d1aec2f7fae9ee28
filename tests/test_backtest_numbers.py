"""Figures of a backtest against hand arithmetic, statsmodels, scipy, and a plain loop over sessions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import marketshock as ms
from marketshock.backtests.engine import _within, trade_volatility
from marketshock.backtests.exits import Entries, Exits, delisting_returns
from marketshock.backtests.fills import Fills
from marketshock.backtests.market import market_of
from marketshock.backtests.stats import (
    benchmark_regression,
    bootstrap_by_date,
    clustered_mean,
    curve_stats,
    deflated_sharpe,
    sharpe_ratio,
    trade_stats,
)
from marketshock.errors import InputError

from .test_backtest import COSTLY, DAYS, RULES, made_events, made_prices, quiet
from .test_backtest_traps import events, market

RETURNS = np.array([0.04, -0.02, 0.01, -0.03, 0.0, 0.05])
DATES = np.array([7, 7, 8, 9, 9, 11])


# --------------------------------------------------------------------------------------------- statistics of trades


def test_the_t_of_trades_is_that_of_statsmodels():
    """Errors clustered by date: statsmodels without its correction, times G/(G - 1)."""
    made = trade_stats(RETURNS, DATES)
    fit = sm.OLS(RETURNS, np.ones(6)).fit(cov_type="cluster", cov_kwds={"groups": DATES, "use_correction": False})
    se = float(fit.bse[0]) * math.sqrt(4 / 3)
    assert (made.n_trades, made.n_dates) == (6, 4)
    assert made.mean == pytest.approx(0.05 / 6, rel=1e-12)
    assert made.se == pytest.approx(se, rel=1e-12)
    assert made.t == pytest.approx(0.05 / 6 / se, rel=1e-12)
    assert made.pvalue == pytest.approx(2 * stats.t.sf(abs(0.05 / 6 / se), 3), rel=1e-12)


def test_every_figure_of_trades_by_hand():
    made = trade_stats(RETURNS, DATES)
    assert made.median == pytest.approx(0.005)
    assert made.hit_rate == 0.5
    assert made.mean_win == pytest.approx(0.10 / 3)
    assert made.mean_loss == pytest.approx(-0.025)
    assert made.profit_factor == pytest.approx(2.0)
    assert (made.best, made.worst) == (0.05, -0.03)


def test_one_date_no_trade_and_equal_trades():
    one = trade_stats(np.array([0.01, 0.03]), np.array([5, 5]))
    assert one.mean == pytest.approx(0.02)
    assert all(math.isnan(v) for v in (one.se, one.t, one.pvalue, one.mean_loss))
    none = trade_stats(np.empty(0), np.empty(0, np.int64))
    assert (none.n_trades, none.n_dates) == (0, 0)
    assert math.isnan(none.mean)
    same = trade_stats(np.array([0.5, 0.5]), np.array([1, 2]))
    assert same.se == 0.0
    assert math.isnan(same.t)
    zero = trade_stats(np.zeros(2), np.array([1, 2]))
    assert (zero.hit_rate, zero.best) == (0.0, 0.0)
    assert math.isnan(zero.profit_factor)
    assert trade_stats(np.array([-0.01, 0.0]), np.array([1, 2])).profit_factor == 0.0
    mean, se, n = clustered_mean(np.empty(0), np.empty(0, np.int64))
    assert (math.isnan(mean), math.isnan(se), n) == (True, True, 0)


def test_the_bootstrap_draws_every_date():
    """Two dates, one and three trades: a draw is the first date twice, both, or the second twice."""
    values, date = np.array([0.1, 0.2, 0.3, 0.4]), np.array([3, 9, 9, 9])
    low, high = bootstrap_by_date(values, date, 999, 0.95, np.random.default_rng(0))
    assert (low, high) == pytest.approx((0.1, 0.3))
    chosen = np.random.default_rng(4).integers(0, 4, (500, 4))
    groups = [RETURNS[d == DATES] for d in (7, 8, 9, 11)]
    means = [np.concatenate([groups[k] for k in row]).mean() for row in chosen]
    found = bootstrap_by_date(RETURNS, DATES, 500, 0.9, np.random.default_rng(4))
    assert found == pytest.approx(tuple(np.quantile(means, [0.05, 0.95])), rel=1e-12)


# -------------------------------------------------------------------------------------------- statistics of a curve


@pytest.mark.parametrize("n", [20, 21])
def test_annual_figures_need_a_month(n):
    returns = 0.01 * np.sin(np.arange(1.0, n + 1)) + 0.001
    made = curve_stats(returns, 0.01)
    total = np.prod(1 + returns) - 1
    excess = returns - 0.01 / 252
    assert made.n_sessions == n
    assert made.total_return == pytest.approx(total, rel=1e-12)
    wanted = {
        "annual_return": (1 + total) ** (252 / n) - 1,
        "volatility": returns.std(ddof=1) * math.sqrt(252),
        "sharpe": excess.mean() / excess.std(ddof=1) * math.sqrt(252),
        "sortino": excess.mean() / math.sqrt((np.minimum(excess, 0) ** 2).mean()) * math.sqrt(252),
    }
    for name, value in wanted.items():
        assert getattr(made, name) == pytest.approx(value if n == 21 else math.nan, rel=1e-12, nan_ok=True), name
    assert math.isnan(made.sharpe_se) == (n == 20)
    assert made.skewness == pytest.approx(stats.skew(excess), rel=1e-12)


def test_the_standard_error_of_the_sharpe_ratio_is_the_formula():
    """Mertens (2002): sqrt((1 + S^2/2 - skew S + (kurt - 3) S^2/4) / n), S of the sample standard deviation."""
    returns = np.random.default_rng(3).gamma(1.5, 0.01, 60) - 0.005
    ratio = returns.mean() / returns.std(ddof=1)
    skew, kurt = stats.skew(returns), stats.kurtosis(returns, fisher=False)
    wanted = math.sqrt((1 + ratio**2 / 2 - skew * ratio + (kurt - 3) * ratio**2 / 4) / 60)
    assert sharpe_ratio(returns) == pytest.approx((ratio, wanted, skew, kurt), rel=1e-10)
    assert curve_stats(returns).sharpe_se == pytest.approx(wanted * math.sqrt(252), rel=1e-10)
    assert all(math.isnan(v) for v in sharpe_ratio(np.full(5, 0.01)))
    assert all(math.isnan(v) for v in sharpe_ratio(np.array([0.01])))


def test_no_session_no_shortfall_and_a_lost_account():
    nothing = curve_stats(np.empty(0))
    assert (nothing.n_sessions, nothing.drawdown_sessions) == (0, 0)
    assert math.isnan(nothing.total_return)
    rising = curve_stats(np.linspace(0.001, 0.002, 30))
    assert (rising.max_drawdown, rising.drawdown_sessions) == (0.0, 0)
    assert math.isnan(rising.sortino)
    lost = curve_stats(np.array([0.1, -1.2, *np.full(30, 0.01)]))
    assert lost.max_drawdown == pytest.approx(1.1 * -0.2 * 1.01**30 / 1.1 - 1)
    assert lost.drawdown_sessions == 31
    assert all(math.isnan(v) for v in (lost.annual_return, lost.sharpe, lost.skewness))
    zero = curve_stats(np.array([*np.full(30, 0.01), -1.0]))
    assert zero.total_return == -1.0
    assert math.isnan(zero.annual_return)
    waves = curve_stats(np.array([0.1, -0.05, -0.05, 0.3, -0.1, 0.2]))
    assert waves.drawdown_sessions == 2


@pytest.mark.parametrize(("n", "lags"), [(21, 2), (100, 4), (260, 4), (300, 5)])
def test_alpha_has_the_hac_errors_of_statsmodels(n, lags):
    rng = np.random.default_rng(n)
    benchmark = 0.01 * rng.standard_normal(n)
    returns = 0.0005 + 0.8 * benchmark + 0.01 * rng.standard_normal(n)
    made = benchmark_regression(returns, benchmark, 0.02)
    fit = sm.OLS(returns - 0.02 / 252, sm.add_constant(benchmark - 0.02 / 252)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True
    )
    assert (made.lags, made.n_obs) == (lags, n)
    assert (made.alpha, made.beta) == pytest.approx((252 * fit.params[0], fit.params[1]), rel=1e-9)
    assert (made.alpha_se, made.beta_se) == pytest.approx((252 * fit.bse[0], fit.bse[1]), rel=1e-9)
    assert (made.alpha_t, made.alpha_pvalue) == pytest.approx((fit.tvalues[0], fit.pvalues[0]), rel=1e-9)
    assert made.r_squared == pytest.approx(fit.rsquared, rel=1e-9)
    assert benchmark_regression(returns[:20], benchmark[:20]) is None


def test_the_deflated_ratio_by_its_formula():
    z = stats.norm.ppf([1 - 1 / 2, 1 - 1 / (2 * math.e)])
    threshold = 0.05 * ((1 - np.euler_gamma) * z[0] + np.euler_gamma * z[1])
    wanted = stats.norm.cdf((0.1 - threshold) * math.sqrt(249) / math.sqrt(1 + 0.5 * 0.1 + (4 - 1) / 4 * 0.01))
    assert deflated_sharpe(0.1, 250, -0.5, 4.0, 2, 0.05) == pytest.approx((wanted, threshold), rel=1e-12)
    assert math.isnan(deflated_sharpe(1.0, 250, 3.0, 1.0, 1, 0.05)[0])


# ------------------------------------------------------------------------------------------------- costs and sizing


def test_fills_and_commissions_by_hand():
    costs = ms.Costs(bps=10, per_share=0.02, half_spread_bps=5, slippage_bps=15, slippage_per_share=0.1)
    price, split = np.array([50.0, 50.0, 0.04]), np.array([2.0, 0.5, 1.0])
    fill = costs.fill(price, np.array([1.0, -1.0, -1.0]), split)
    assert fill.tolist() == pytest.approx([50 * 1.002 + 0.05, 50 * 0.998 - 0.2, 0.0], rel=1e-12)
    assert costs.commission(np.array([50.0, 50.0]), split[:2]).tolist() == pytest.approx([0.06, 0.09], rel=1e-12)
    assert costs.proportional == pytest.approx(0.001)
    assert ms.Costs(borrow={"B": 0.03}).borrow_by(["A", "B"]).tolist() == [0.0, 0.03]
    assert ms.Costs(borrow=0.02).borrow_by(["A", "B"]).tolist() == [0.02, 0.02]
    assert str(ms.Costs(bps=1, borrow=0.03)) == "commission 1 bp, borrow 3 % per year"
    assert str(ms.Costs(borrow={"A": 0.03})) == "borrow fees of 1 tickers"


@pytest.mark.parametrize(
    ("kind", "options", "allowed"),
    [
        (ms.Costs, {"bps": 9999.0}, True),
        (ms.Costs, {"bps": 10_000.0}, False),
        (ms.Costs, {"half_spread_bps": 4000, "slippage_bps": 5999}, True),
        (ms.Costs, {"half_spread_bps": 4000, "slippage_bps": 6000}, False),
        (ms.Costs, {"financing": math.inf}, False),
        (ms.Costs, {"days_in_year": 365}, True),
        (ms.Sizing, {"amount": 100}, True),
        (ms.Sizing, {"amount": 101}, False),
        (ms.Sizing, {"by": "fixed", "amount": 101}, True),
        (ms.Sizing, {"max_gross": math.inf}, True),
        (ms.Sizing, {"max_net": math.inf}, False),
        (ms.Sizing, {"window": 2}, True),
        (ms.Sizing, {"window": 1}, False),
        (ms.Sizing, {"window": True}, False),
        (ms.rules.HoldAfter, {"days": 1}, True),
        (ms.rules.HoldAfter, {"days": 2520}, True),
        (ms.rules.HoldAfter, {"days": 2521}, False),
        (ms.rules.HoldAfter, {"days": 5, "stop": 0.999}, True),
        (ms.rules.HoldAfter, {"days": 5, "stop": 1.0}, False),
        (ms.rules.HoldAfter, {"days": 5, "stop": 0.0}, False),
        (ms.rules.HoldAfter, {"days": 5, "target": 1.5}, True),
        (ms.rules.HoldAfter, {"days": 5, "entry": "intraday", "delay": 1439}, True),
        (ms.rules.HoldAfter, {"days": 5, "entry": "intraday", "delay": 1440}, False),
        (ms.rules.HoldAfter, {"days": 5, "entry": "intraday", "delay": -1}, False),
    ],
)
def test_options_at_their_bounds(kind, options, allowed):
    if allowed:
        kind(**options)
    else:
        with pytest.raises(InputError):
            kind(**options)


def test_sizing_defaults_and_words():
    assert (ms.Sizing().money, ms.Sizing(by="inverse_volatility").money) == (0.1, 0.002)
    assert ms.Sizing(amount=0.25).reference_stake(1000.0) == 250.0
    assert ms.Sizing("inverse_volatility").reference_stake(1000.0) == 100.0
    assert ms.Sizing("fixed", 77.0).reference_stake(1000.0) == 77.0
    text = str(ms.Sizing(max_gross=2.0, max_net=0.5, max_position=0.1, whole_shares=True))
    assert text == "10 % of equity per event, gross up to 200 %, net up to 50 %, per position up to 10 %, whole shares"
    assert str(ms.Sizing("fixed", 5000.0, max_gross=math.inf)) == "5,000 per event"


def test_delisting_returns_at_their_bounds():
    assert delisting_returns(-1, ("A", "B")).tolist() == [-1.0, -1.0]
    assert delisting_returns({"B": -0.3}, ("A", "B")).tolist() == [0.0, -0.3]
    with pytest.raises(InputError):
        delisting_returns(-1.01, ("A",))


# ---------------------------------------------------------------------------------------------------------- timing


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"days": 1}, "entry at the next open, exit 1 close later"),
        (
            {"days": 2, "entry": "next_close", "exit": "open"},
            "entry at the next close, exit 2 closes later, at the open",
        ),
        ({"days": 3, "entry": "close", "stop": 0.05}, "entry at the close of day 0, exit 3 closes later, stop 5 %"),
        (
            {"days": 1, "entry": "intraday", "delay": 15},
            "entry at the first bar 15 minutes after the news, exit 1 close",
        ),
    ],
)
def test_timing_in_words(options, text):
    assert ms.rules.HoldAfter(**options).when().startswith(text)


def intraday(stamp: str, bars: dict[str, list[float]], names: str = "A", **options) -> ms.Backtest:
    """Trade one event at a time of New York on bars that begin at given times."""
    days = pd.to_datetime(["2021-01-07", "2021-01-08", "2021-01-11", "2021-01-12"])
    close = pd.DataFrame({name: [100.0, 110, 120, 130] for name in names}, index=days)
    times = pd.to_datetime(list(bars)).tz_localize("America/New_York")
    frame = pd.DataFrame(list(bars.values()), times, pd.MultiIndex.from_product([["open"], list(names)]))
    news = pd.DataFrame({"ticker": ["A"], "date": [pd.Timestamp(stamp, tz="America/New_York")]})
    rule = options.pop("rule", ms.rules.HoldAfter(1, entry="intraday"))
    return ms.backtest(news, ms.Prices(close, close), rule, intraday=frame, **options)


def test_a_bar_of_the_first_session_is_filled():
    leg = intraday("2021-01-07 10:00", {"2021-01-07 11:00": [101.0], "2021-01-08 11:00": [102.0]}).legs.iloc[0]
    assert (leg["entry_session"], leg["entry_price"]) == (pd.Timestamp("2021-01-07"), 101.0)
    assert (leg["exit_price"], leg["n_sessions"]) == (100.0, 1)


def test_an_entry_waits_one_session_for_a_bar_and_not_two():
    leg = intraday("2021-01-07 10:00", {"2021-01-08 11:00": [102.0]}).legs.iloc[0]
    assert leg["entry_session"] == pd.Timestamp("2021-01-08")
    late = intraday("2021-01-07 10:00", {"2021-01-11 11:00": [103.0]})
    assert late.exclusions["code"].tolist() == ["no_price"]


def test_intraday_legs_of_an_event_are_filled_in_one_session():
    rule = ms.rules.Own(1, entry="intraday", function=lambda _: {"A": 1.0, "B": -1.0})
    apart = {"2021-01-07 11:00": [101.0, np.nan], "2021-01-08 11:00": [102.0, 103.0]}
    assert intraday("2021-01-07 10:00", apart, "AB", rule=rule).exclusions["code"].tolist() == ["no_price"]
    together = {"2021-01-07 11:00": [101.0, np.nan], "2021-01-07 12:00": [102.0, 103.0]}
    legs = intraday("2021-01-07 10:00", together, "AB", rule=rule).legs
    assert legs["entry_price"].tolist() == [101.0, 103.0]


@pytest.mark.parametrize(("delay", "price"), [(29, 102.0), (30, 103.0)])
def test_a_bar_begins_after_the_delay(delay, price):
    rule = ms.rules.HoldAfter(1, entry="intraday", delay=delay)
    bars = {"2021-01-07 10:15": [101.0], "2021-01-07 10:30": [102.0], "2021-01-07 10:45": [103.0]}
    assert intraday("2021-01-07 10:00", bars, rule=rule).legs["entry_price"].tolist() == [price]


# ----------------------------------------------------------------------------------------------- stops and targets


@pytest.mark.parametrize(
    ("side", "field", "price", "at", "reason"),
    [
        ("long", "low", 95.0, "intraday", "stop"),
        ("long", "low", 95.01, None, None),
        ("long", "high", 112.5, "intraday", "target"),
        ("long", "high", 112.49, None, None),
        ("short", "high", 105.0, "intraday", "stop"),
        ("short", "low", 87.5, "intraday", "target"),
    ],
)
def test_a_level_is_filled_when_it_is_touched(side, field, price, at, reason):
    prices = market(**{field: [(3, "A", price)]})
    leg = quiet(events((0, "A")), prices, ms.rules.HoldAfter(5, side=side, stop=0.05, target=0.125)).legs.iloc[0]
    if at is None:
        assert (leg["exit_reason"], leg["exit_session"]) == ("days held", DAYS[5])
    else:
        assert (leg["exit_at"], leg["exit_price"], leg["exit_reason"]) == (at, price, reason)
        assert leg["exit_session"] == DAYS[3]


@pytest.mark.parametrize(("price", "reason"), [(95.0, "stop"), (112.5, "target")])
def test_an_open_at_the_level_is_filled_at_the_open(price, reason):
    prices = market(open=[(3, "A", price)], low=[(3, "A", 90.0)], high=[(3, "A", 120.0)])
    leg = quiet(events((0, "A")), prices, ms.rules.HoldAfter(5, stop=0.05, target=0.125)).legs.iloc[0]
    assert (leg["exit_at"], leg["exit_price"], leg["exit_reason"]) == ("open", price, reason)


@pytest.mark.parametrize(("way_out", "row", "reason"), [("close", 3, "stop"), ("open", 4, "days held")])
def test_orders_rest_until_the_planned_exit(way_out, row, reason):
    """Held three closes: a low on the last day counts before its close, and not after an exit at its open."""
    prices = market(low=[(row, "A", 50.0)], open=[(3, "A", 100.0)])
    leg = quiet(events((0, "A")), prices, ms.rules.HoldAfter(3, exit=way_out, stop=0.05)).legs.iloc[0]
    assert leg["exit_reason"] == reason


def test_levels_of_several_legs_at_the_closes():
    """A falls by 5 at day 2: the weighted return of A - B/2 is -5 %, exactly the stop; the exit is at day 3's close."""
    prices = market("AB", close=[(slice(2, 30), "A", 95.0)], low=[(slice(2, 30), "A", 95.0)])
    rule = ms.rules.Own(6, entry="next_close", stop=0.05, function=lambda _: {"A": 1.0, "B": -0.5})
    legs = quiet(events((0, "A")), prices, rule).legs
    assert legs["exit_reason"].tolist() == ["stop", "stop"]
    assert legs["exit_session"].tolist() == [DAYS[3], DAYS[3]]
    rule = ms.rules.Own(6, entry="next_close", stop=0.0501, function=lambda _: {"A": 1.0, "B": -0.5})
    assert quiet(events((0, "A")), prices, rule).legs["exit_reason"].tolist() == ["days held", "days held"]
    short = ms.rules.Own(6, entry="next_close", target=0.05, function=lambda _: {"A": -1.0, "B": 0.5})
    assert quiet(events((0, "A")), prices, short).legs["exit_reason"].tolist() == ["target", "target"]
    last = ms.rules.Own(2, entry="next_close", stop=0.05, function=lambda _: {"A": 1.0, "B": -0.5})
    assert quiet(events((0, "A")), prices, last).legs["exit_reason"].tolist() == ["days held", "days held"]


def test_the_next_price_after_a_missing_one():
    """Exit planned at the close of row 3: the open of row 4 comes first, then the close of row 4."""
    missing = {"close": [(3, "A", np.nan)]}
    rule = ms.rules.HoldAfter(3)
    leg = quiet(events((0, "A")), market(open=[(4, "A", 101.0)], **missing), rule).legs.iloc[0]
    assert (leg["exit_at"], leg["exit_session"], leg["exit_price"]) == ("open", DAYS[4], 101.0)
    both = {"close": [(3, "A", np.nan), (4, "A", 102.0)], "open": [(4, "A", np.nan)]}
    leg = quiet(events((0, "A")), market(high=[(4, "A", 103.0)], **both), rule).legs.iloc[0]
    assert (leg["exit_at"], leg["exit_session"], leg["exit_price"]) == ("close", DAYS[4], 102.0)
    at_open = ms.rules.HoldAfter(3, exit="open")
    leg = quiet(events((0, "A")), market(open=[(4, "A", np.nan)], close=[(4, "A", 99.0)]), at_open).legs.iloc[0]
    assert (leg["exit_at"], leg["exit_session"], leg["exit_reason"]) == ("close", DAYS[4], "days held, next price")


# -------------------------------------------------------------------------------------------------------- the account


@pytest.mark.parametrize(
    ("now", "added", "limit", "share"),
    [
        (0.0, 0.0, 1.0, 1.0),
        (0.5, 0.5, 1.0, 1.0),
        (0.5, 1.0, 1.0, 0.5),
        (-0.5, -1.0, 1.0, 0.5),
        (-0.5, 2.0, 1.0, 0.75),
        (0.5, -2.0, 1.0, 0.75),
        (2.0, -0.5, 1.0, 1.0),
        (2.0, -2.0, 1.0, 1.0),
        (2.0, 0.5, 1.0, 0.0),
        (-2.0, 0.5, 1.0, 1.0),
        (2.0, -4.0, 1.0, 0.75),
    ],
)
def test_the_share_of_an_addition_that_a_limit_leaves(now, added, limit, share):
    assert _within(now, added, limit) == pytest.approx(share)


def test_volatility_of_a_trade_needs_half_of_its_window():
    close = pd.DataFrame({"A": 100 * np.cumprod(1 + 0.01 * np.sin(np.arange(20.0)))}, index=DAYS[:20])
    prices = market_of(ms.Prices(close, close), "index", None)
    returns = close["A"].pct_change().to_numpy()

    def volatility(row: int, window: int, weight: float = 1.0) -> float:
        one = np.array([0])
        entry = Entries(np.array([row]), one, one + 1.0)
        fills = Fills(one, one, np.array([weight]), one == 0, entry, Exits(one, one, one + 1.0, one), (), 0)
        return float(trade_volatility(fills, prices, 1, window)[0])

    assert volatility(10, 4) == pytest.approx(math.sqrt((returns[6:10] ** 2).mean()), rel=1e-12)
    assert volatility(10, 4, -2.0) == pytest.approx(2 * math.sqrt((returns[6:10] ** 2).mean()), rel=1e-12)
    assert volatility(3, 4) == pytest.approx(math.sqrt((returns[1:3] ** 2).mean()), rel=1e-12)  # two of four
    assert math.isnan(volatility(2, 4))
    assert math.isnan(volatility(0, 4))


def test_equity_before_the_first_fill_and_in_the_first_session():
    """Bought at the close of the first session: limits use that session's own prices; nothing accrues before."""
    result = quiet(
        events((0, "A")),
        market(close=[(slice(1, 30), "A", 110.0)], high=[(slice(1, 30), "A", 110.0)]),
        ms.rules.HoldAfter(2, entry="close"),
        sizing=ms.Sizing(amount=0.5, max_gross=0.4),
        costs=ms.Costs(cash=0.036),
    )
    assert result.trades["stake"].tolist() == pytest.approx([400_000.0])
    assert result.trades["scale"].tolist() == pytest.approx([0.8])
    daily = result.daily
    assert daily["equity"].iloc[0] == pytest.approx(1_000_000)
    assert daily["interest"].tolist() == pytest.approx([0.0, 60.0, 60.006], abs=1e-9)
    assert daily["gross_exposure"].iloc[0] == pytest.approx(0.4)
    assert daily["drawdown"].tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_exits_make_room_for_entries_at_the_same_open():
    sizing = ms.Sizing(amount=1.0)
    rule = ms.rules.HoldAfter(2, exit="open")
    result = quiet(events((0, "A"), (2, "B")), market(), rule, sizing=sizing)
    assert result.trades["scale"].tolist() == [1.0, 1.0]
    assert result.orders[["session", "ticker", "shares"]].to_numpy().tolist() == [
        [DAYS[1], "A", 10_000.0],
        [DAYS[3], "A", -10_000.0],
        [DAYS[3], "B", 10_000.0],
        [DAYS[5], "B", -10_000.0],
    ]


def test_whole_shares_of_a_stock_that_is_split_later():
    """Quoted 30 before a later 3-for-1 split is 90 as traded: 1,000 buys 11 shares, that is 33 quoted, for 990."""
    close = pd.DataFrame({"A": np.full(10, 30.0)}, index=DAYS[:10])
    splits = pd.DataFrame({"ticker": ["A"], "date": [DAYS[5]], "ratio": [3.0]})
    result = quiet(
        events((0, "A")),
        ms.Prices(close, close, splits=splits),
        ms.rules.HoldAfter(6, entry="next_close"),
        sizing=ms.Sizing("fixed", 1000.0, whole_shares=True),
        costs=ms.Costs(per_share=0.5, slippage_per_share=0.9),
    )
    leg = result.legs.iloc[0]
    assert (leg["shares"], leg["exit_shares"], leg["entry_price"], leg["exit_price"]) == (11.0, 33.0, 90.0, 30.0)
    assert (leg["entry_fill"], leg["exit_fill"]) == pytest.approx((90.9, 29.1))
    assert leg["slippage"] == pytest.approx(11 * 0.9 + 33 * 0.9)
    assert leg["commission"] == pytest.approx(11 * 0.5 + 33 * 0.5)
    assert result.trades["stake"].tolist() == pytest.approx([990.0])
    few = quiet(
        events((0, "A")),
        ms.Prices(close, close, splits=splits),
        ms.rules.HoldAfter(6, entry="next_close"),
        sizing=ms.Sizing("fixed", 89.0, whole_shares=True),
    )
    assert few.exclusions["reason"].tolist() == ["the stake buys no whole share of every leg"]


def plain_account(
    prices: ms.Prices, listed: pd.DataFrame, days: int, side: int, costs: ms.Costs, sizing: ms.Sizing
) -> tuple[pd.Series, dict[str, float]]:
    """Return equity and the profit of each event by a loop over sessions: in at the next open, out at a close."""
    fields = {"close": prices.close, **prices.extra}
    close, opens, dividend = (fields[name].to_numpy() for name in ("close", "open", "dividend"))
    place = {name: k for k, name in enumerate(prices.close.columns)}
    factor = np.ones(close.shape)
    for ticker, date, ratio in prices.splits[["ticker", "date", "ratio"]].to_numpy().tolist():
        factor[date > DAYS, place[ticker]] *= ratio
    cash = equity = 1e6
    book: dict[int, tuple[int, float, float]] = {}
    profit, curve = {}, []
    entries = {
        k: (DAYS.get_loc(d) + 1, place[t])
        for k, (t, d) in enumerate(zip(listed["ticker"], listed["date"], strict=True))
    }
    worse = (costs.half_spread_bps + costs.slippage_bps) / 1e4
    for row in range(len(DAYS)):
        gap = (DAYS[row] - DAYS[row - 1]).days / costs.days_in_year if row else 0.0
        interest = cash * (costs.cash if cash > 0 else costs.financing) * gap if book or profit else 0.0
        for k, (column, shares, _) in book.items():
            flow = side * shares * dividend[row, column]
            flow -= (side < 0) * shares * close[row - 1, column] * costs.borrow * gap
            profit[k] += flow
            cash += flow
        cash += interest
        entering = [k for k, (at, _) in entries.items() if at == row]
        gross = sum(shares * close[row - 1, column] for column, shares, _ in book.values())
        wanted = sizing.money * (1 if sizing.by == "fixed" else equity)
        room = (sizing.max_gross * equity - gross) / (wanted * len(entering)) if entering else 0.0
        for k in entering:
            column = entries[k][1]
            shares = wanted * min(1.0, max(0.0, room)) / opens[row, column]
            if shares <= 0:
                continue
            fill = opens[row, column] * (1 + side * worse)
            paid = shares * fill * costs.bps / 1e4 + shares * costs.per_share / factor[row, column] + costs.per_order
            book[k] = (column, shares, fill)
            cash -= side * shares * fill + paid
            profit[k] = -paid
        for k in [k for k in book if entries[k][0] + days - 1 == row]:
            column, shares, bought = book.pop(k)
            fill = close[row, column] * (1 - side * worse)
            paid = shares * fill * costs.bps / 1e4 + shares * costs.per_share / factor[row, column] + costs.per_order
            cash += side * shares * fill - paid
            profit[k] += side * shares * (fill - bought) - paid
        equity = cash + sum(side * shares * close[row, column] for column, shares, _ in book.values())
        curve.append(equity)
    return pd.Series(curve, DAYS), profit


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000),
    days=st.integers(1, 15),
    side=st.sampled_from([1, -1]),
    sizing=st.sampled_from(
        [ms.Sizing(amount=0.2), ms.Sizing(amount=0.3, max_gross=2.5), ms.Sizing("fixed", 150_000.0, max_gross=0.8)]
    ),
)
def test_the_account_is_a_plain_loop_over_sessions(seed, days, side, sizing):
    prices, listed = made_prices(seed), made_events(25, seed)
    rule = ms.rules.HoldAfter(days=days, side="long" if side > 0 else "short")
    result = quiet(listed, prices, rule, costs=COSTLY, sizing=sizing, duplicates="keep")
    equity, profit = plain_account(prices, listed, days, side, COSTLY, sizing)
    np.testing.assert_allclose(result.equity, equity[result.equity.index], rtol=1e-11)
    positions = dict(zip(result.alignment.index, range(len(listed)), strict=True))
    wanted = [profit[positions[name]] for name in result.trades.index]
    np.testing.assert_allclose(result.trades["pnl"], wanted, atol=1e-6)
    assert len(result.trades) == len(profit)


# ------------------------------------------------------------------------------------------------- returns and paths


def test_a_return_without_an_account_is_that_of_the_account():
    """Placebo returns use the stake at the initial capital: the same as the account's where no order fee is paid."""
    costs = ms.Costs(bps=7, half_spread_bps=2, per_share=0.01, borrow=0.04)
    for name in ("short", "hedged", "pair"):
        result = quiet(made_events(10), made_prices(), RULES[name], costs=costs)
        placebo = ms.placebo_trades(result, 19)
        assert placebo.observed == pytest.approx(result.trades["return"].mean(), rel=1e-10)


def test_paths_step_by_step():
    """Bought at an open of 100 with 1 % of spread, closes 102, 104, 103 and a dividend of 2 on the third session."""
    closes = [100.0, 102, 104, 103, 90, 90]
    frames = {"close": closes, "open": [100.0] * 6, "dividend": [0, 0, 0, 2.0, 0, 0]}
    made = {name: pd.DataFrame({"A": values}, index=DAYS[:6]) for name, values in frames.items()}
    close = made.pop("close")
    result = quiet(
        events((0, "A")), ms.Prices(close, close, made), ms.rules.HoldAfter(3), costs=ms.Costs(half_spread_bps=100)
    )
    exit_value = 103 * 0.99 + 2 - 101
    assert result.paths.iloc[0].tolist() == pytest.approx([-0.01, 0.01, 0.03, exit_value / 100], rel=1e-12)
    assert result.trades["return"].iloc[0] == pytest.approx(exit_value / 100, rel=1e-12)
    assert result.legs["n_sessions"].tolist() == [3]


def test_orders_of_one_moment_are_exits_before_entries_in_the_order_of_events():
    result = quiet(made_events(40), made_prices(), RULES["short"], costs=COSTLY, sizing=ms.Sizing(max_gross=9.0))
    orders = result.orders
    key = list(zip(orders["session"], orders["at"].map({"open": 0, "intraday": 1, "close": 2}), strict=True))
    assert key == sorted(key)
    first = {name: k for k, name in enumerate(result.trades.index)}
    for _, group in itertools.groupby(range(len(orders)), key=lambda i: key[i]):
        rows = orders.iloc[list(group)]
        closing = rows["shares"] > 0  # of a short position
        assert closing.tolist() == sorted(closing.tolist(), reverse=True)
        for part in (rows[closing], rows[~closing]):
            assert part["event_id"].map(first).is_monotonic_increasing
