"""Statistics of a backtest against statsmodels, published figures, plain twins and theory."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.backtests.stats import (
    benchmark_regression,
    bootstrap_by_date,
    clustered_mean,
    curve_stats,
    deflated_sharpe,
    sharpe_ratio,
    trade_stats,
)

from .test_backtest import RULES, made_events, made_prices, quiet


@pytest.fixture
def returns() -> np.ndarray:
    return 0.01 * np.random.default_rng(5).standard_t(6, 500) + 0.0005


def test_the_curve_is_what_anyone_computes(returns):
    made = curve_stats(returns, risk_free=0.02)
    excess = pd.Series(returns - 0.02 / 252)
    growth = (1 + pd.Series(returns)).cumprod()
    peak = np.maximum(growth.cummax(), 1.0)
    assert made.total_return == pytest.approx(growth.iloc[-1] - 1, rel=1e-12)
    assert made.annual_return == pytest.approx(growth.iloc[-1] ** (252 / 500) - 1, rel=1e-12)
    assert made.volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(252), rel=1e-12)
    assert made.sharpe == pytest.approx(excess.mean() / excess.std() * math.sqrt(252), rel=1e-12)
    shortfall = math.sqrt((np.minimum(excess, 0) ** 2).mean())
    assert made.sortino == pytest.approx(excess.mean() / shortfall * math.sqrt(252), rel=1e-12)
    assert made.max_drawdown == pytest.approx((growth / peak - 1).min(), rel=1e-12)
    assert made.skewness == pytest.approx(stats.skew(excess), rel=1e-10)
    assert made.kurtosis == pytest.approx(stats.kurtosis(excess, fisher=False), rel=1e-10)


def test_a_drawdown_counts_from_what_was_put_in():
    made = curve_stats(np.array([-0.5, 0.5, 0.5, 0.0, -0.1]))
    assert made.max_drawdown == pytest.approx(-0.5)
    assert made.drawdown_sessions == 2
    assert math.isnan(made.sharpe)  # five sessions are no year


def test_the_standard_error_of_the_sharpe_ratio_is_its_spread():
    """5,000 samples of 400 skewed returns: the mean standard error is the standard deviation of the ratios (MC 1 %)."""
    rng = np.random.default_rng(7)
    samples = 0.02 - 0.1 * (rng.gamma(2.0, 1.0, (5000, 400)) - 2.0)
    made = np.array([sharpe_ratio(row)[:2] for row in samples])
    assert made[:, 1].mean() == pytest.approx(made[:, 0].std(), rel=0.05)


def test_deflated_sharpe_of_the_paper():
    """Bailey and Lopez de Prado (2014), the numerical example: threshold 0.1132 a day, probability 0.9004, 0.9505."""
    daily = 2.5 / math.sqrt(250)
    sd = math.sqrt(0.5 / 250)
    probability, threshold = deflated_sharpe(daily, 1250, -3.0, 10.0, 100, sd)
    assert threshold == pytest.approx(0.1132, abs=5e-5)
    assert probability == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(daily, 1250, -3.0, 10.0, 46, sd)[0] == pytest.approx(0.9505, abs=5e-5)
    assert deflated_sharpe(daily, 1250, -3.0, 10.0, 1, sd)[1] == 0.0


def test_the_threshold_is_the_best_of_worthless_rules():
    rng = np.random.default_rng(11)
    best = rng.standard_normal((20_000, 30)).max(axis=1).mean()
    assert deflated_sharpe(0.0, 100, 0.0, 3.0, 30, 1.0)[1] == pytest.approx(best, rel=0.02)


def test_alpha_and_beta_are_statsmodels(returns):
    benchmark = 0.6 * returns + 0.008 * np.random.default_rng(6).standard_normal(500)
    benchmark[[3, 77]] = np.nan
    made = benchmark_regression(returns, benchmark, risk_free=0.03)
    keep = np.isfinite(benchmark)
    daily = 0.03 / 252
    fit = sm.OLS(returns[keep] - daily, sm.add_constant(benchmark[keep] - daily)).fit(
        cov_type="HAC", cov_kwds={"maxlags": made.lags}, use_t=True
    )
    assert (made.alpha, made.beta) == pytest.approx((252 * fit.params[0], fit.params[1]), rel=1e-10)
    assert (made.alpha_se, made.beta_se) == pytest.approx((252 * fit.bse[0], fit.bse[1]), rel=1e-10)
    assert (made.alpha_t, made.alpha_pvalue) == pytest.approx((fit.tvalues[0], fit.pvalues[0]), rel=1e-10)
    assert made.r_squared == pytest.approx(fit.rsquared, rel=1e-10)
    assert made.lags == int(4 * (498 / 100) ** (2 / 9))
    assert benchmark_regression(returns[:9], benchmark[:9]) is None
    assert benchmark_regression(returns, np.zeros(500)) is None


def test_errors_clustered_by_date_are_statsmodels():
    rng = np.random.default_rng(8)
    date = rng.integers(0, 12, 60)
    values = rng.standard_normal(60) + 0.5 * rng.standard_normal(12)[date]
    fit = sm.OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": date, "use_correction": False})
    g = len(set(date.tolist()))
    _, se, n_dates = clustered_mean(values, date)
    assert n_dates == g
    assert se == pytest.approx(float(fit.bse[0]) * math.sqrt(g / (g - 1)), rel=1e-10)
    alone = clustered_mean(values, np.arange(60))[1]
    assert alone == pytest.approx(values.std(ddof=1) / math.sqrt(60), rel=1e-12)
    assert math.isnan(clustered_mean(values, np.zeros(60, np.int64))[1])


def test_trades_by_hand():
    made = trade_stats(np.array([0.04, -0.02, 0.01, -0.01, 0.0]), np.array([1, 1, 2, 3, 4]))
    assert (made.n_trades, made.n_dates, made.hit_rate) == (5, 4, 0.4)
    assert made.mean == pytest.approx(0.004)
    assert (made.mean_win, made.mean_loss) == (pytest.approx(0.025), pytest.approx(-0.015))
    assert made.profit_factor == pytest.approx(0.05 / 0.03)
    assert trade_stats(np.array([0.01]), np.array([1])).profit_factor == math.inf
    assert math.isnan(trade_stats(np.empty(0), np.empty(0, np.int64)).mean)


def test_the_bootstrap_draws_dates():
    rng = np.random.default_rng(9)
    shock = rng.standard_normal(40)
    date = np.repeat(np.arange(40), 5)
    values = shock[date] * 0.02 + 0.001 * rng.standard_normal(200)
    low, high = bootstrap_by_date(values, date, 4000, 0.95, np.random.default_rng(0))
    _, se, _ = clustered_mean(values, date)
    assert (high - low) / 2 == pytest.approx(1.96 * se, rel=0.06)
    assert bootstrap_by_date(values, date, 4000, 0.95, np.random.default_rng(0)) == (low, high)
    assert all(math.isnan(v) for v in bootstrap_by_date(values, 0 * date, 99, 0.95, np.random.default_rng(0)))


def test_measures_of_a_backtest_come_from_its_frames():
    result = quiet(made_events(40), made_prices(), RULES["hedged"], costs=ms.Costs(bps=5), benchmark="MKT")
    daily = result.daily["return"]
    assert result.curve.total_return == pytest.approx(result.equity.iloc[-1] / 1e6 - 1, rel=1e-12)
    assert result.performance.loc[("account", "volatility"), "value"] == pytest.approx(
        daily.std() * math.sqrt(365.25 * 5 / 7)
    )
    assert result.per_trade.mean == pytest.approx(result.trades["return"].mean())
    assert result.benchmark_regression is not None
    assert result.benchmark_regression.n_obs == len(daily)
    path = result.path()
    assert path["mean"].iloc[-1] == pytest.approx(result.per_trade.mean, rel=1e-9)
    assert path["se"].iloc[-1] == pytest.approx(result.per_trade.se, rel=1e-9)
    assert result.paths.iloc[:, -1].tolist() == pytest.approx(result.trades["return"].tolist(), rel=1e-9)
    assert result.trades["pnl_share"].sum() == pytest.approx(1.0)
    low, high = result.bootstrap(999)
    assert low < result.per_trade.mean < high
    assert result.bootstrap(999) == (low, high)


def test_a_path_is_the_account_of_one_event():
    """The path of one trade is the account's equity over the stake, day by day, with dividends and borrow fees."""
    for side in ("long", "short"):
        rule = ms.rules.HoldAfter(days=12, entry="next_close", side=side)
        costs = ms.Costs(bps=5, half_spread_bps=3, per_order=2.0, borrow=0.05)
        events = pd.DataFrame({"ticker": ["AAA"], "date": [made_events()["date"].iloc[0]]})
        result = quiet(events, made_prices(), rule, costs=costs)
        stake = result.trades["stake"].iloc[0]
        account = (result.equity.to_numpy() - 1e6) / stake
        path = result.paths.iloc[0].to_numpy()
        assert path[1:] == pytest.approx(account[1:], abs=1e-12)  # at the fill the account is valued after the spread


def test_a_split_purges_what_is_held_across():
    result = quiet(made_events(40), made_prices(), RULES["hold"])
    day = result.trades["date"].sort_values().iloc[20]
    parts = result.split(day)
    assert parts["n_trades"].sum() == 40
    across = (result.trades["date"] < day) & (result.trades["exit_session"] >= day)
    assert parts.loc["across", "n_trades"] == across.sum()
    before = result.trades.loc[(result.trades["date"] < day) & ~across, "return"]
    assert parts.loc["before", "mean"] == pytest.approx(before.mean())


# -------------------------------------------------------------------------------------------------------- placebo


def one_series(seed: int, n: int = 400, edge: float = 0.0, events: int = 25) -> tuple[pd.DataFrame, ms.Prices]:
    """Return random event dates and a security whose return the session after each is higher by `edge`."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2020-01-06", periods=n, name="date")
    rows = np.sort(rng.choice(np.arange(2, n - 4), events, replace=False))
    moves = 0.01 * rng.standard_normal(n)
    moves[rows + 1] += edge
    closes = pd.DataFrame({"A": 100 * np.cumprod(1 + moves)}, index=days)
    return pd.DataFrame({"ticker": "A", "date": days[rows], "timing": "during"}), ms.Prices(closes, closes)


def placebo_p(seed: int, edge: float, days: int, *hows: str) -> list[float]:
    """Return the p-value of each kind of placebo for one backtest of a position held for `days` closes."""
    events, prices = one_series(seed, edge=edge)
    rule = ms.rules.HoldAfter(days=days, entry="close")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = ms.backtest(events, prices, rule, costs=ms.Costs(bps=1), calendar="index")
    return [ms.placebo_trades(result, 199, seed=seed, how=how).pvalue for how in hows]


def test_without_an_edge_p_is_uniform():
    """500 runs, a rule held one or two closes: Kolmogorov and Smirnov's test against the uniform of 1/200 to 1."""
    runs = np.array([placebo_p(seed, 0.0, 1 + seed % 2, "dates", "shift") for seed in range(500)])
    for how, found in zip(("dates", "shift"), runs.T, strict=True):
        spread = found - np.random.default_rng(0).uniform(0, 1 / 200, 500)  # p comes in steps of 1/200
        assert stats.kstest(spread, "uniform").pvalue > 0.05, how
        assert (found <= 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / 500))


def test_a_planted_edge_is_found_as_often_as_theory_says():
    """Power of a one-sided test of a mean of 25 returns of sd 1 %, at 5 %: Phi(5 edge / sd - 1.645), and the placebo's.

    Random dates hold one in sixteen of the planted ones, and are drawn without replacement from 394 sessions; both
    enter the theory.
    """
    n_dates, k, sd, runs = 394, 25, 0.01, 300
    for edge in (0.003, 0.006):
        share = k / n_dates
        apart = edge * (1 - share)  # of the events' mean from that of random dates
        mixed = math.sqrt(sd**2 + share * (1 - share) * edge**2)
        placebo_sd = mixed * math.sqrt((1 - share) / k)
        own_sd = sd * math.sqrt((1 - share) / k)
        power = stats.norm.cdf((apart - stats.norm.ppf(0.95) * placebo_sd) / own_sd)
        found = np.mean([placebo_p(1000 + seed, edge, 1, "dates")[0] <= 0.05 for seed in range(runs)])
        assert found == pytest.approx(power, abs=3 * math.sqrt(power * (1 - power) / runs)), edge


@pytest.fixture(scope="module")
def traded() -> ms.Backtest:
    return quiet(made_events(30), made_prices(), ms.rules.HoldAfter(days=3), costs=ms.Costs(bps=5))


def test_draws_match_what_they_say(traded):
    days = traded.information.market.days
    actual = traded.information.row
    weekday = ms.placebo_trades(traded, 50, match=("ticker", "weekday"))
    draw, row, column = weekday._drawn
    wanted = sorted(zip(traded.information.column, pd.DatetimeIndex(days[actual]).day_of_week, strict=True))
    for k in range(50):
        own = draw == k
        assert sorted(zip(column[own], pd.DatetimeIndex(days[row[own]]).day_of_week, strict=True)) == wanted
        pairs = set(zip(row[own], column[own], strict=True))
        assert len(pairs) == 30  # without replacement
    volatile = ms.placebo_trades(traded, 50, match=("ticker", "volatility"))
    draw, row, column = volatile._drawn
    sd = traded.information.market.volatility(63, 63)
    spread = np.nanstd([np.log(sd[row[draw == k], column[draw == k]]).mean() for k in range(50)])
    plain = ms.placebo_trades(traded, 50)._drawn
    loose = np.nanstd([np.nanmean(np.log(sd[plain[1][plain[0] == k], plain[2][plain[0] == k]])) for k in range(50)])
    assert spread < loose
    anyone = ms.placebo_trades(traded, 50, match=())
    assert len(np.unique(anyone._drawn[2])) == 5  # MKT has no ^ and may be drawn
    assert (np.bincount(anyone._drawn[0]) == 30).all()


def test_placebo_is_deterministic_and_counts_the_events_mean(traded):
    a, b = (ms.placebo_trades(traded, 99, seed=4) for _ in range(2))
    assert a.distribution.tobytes() == b.distribution.tobytes()
    assert a.observed == pytest.approx(traded.per_trade.mean, rel=1e-9)
    less = ms.placebo_trades(traded, 99, seed=4, alternative="less")
    assert a.pvalue + less.pvalue >= 1.0
    assert ms.placebo_trades(traded, 99, seed=4, alternative="two-sided").pvalue == pytest.approx(
        min(1.0, 2 * min(a.pvalue, less.pvalue))
    )
    band = a.band()
    assert band["placebo_mean"].iloc[-1] == pytest.approx(a.distribution.mean(), rel=1e-9)
    assert (band["placebo_low"] <= band["placebo_high"]).all()
    assert "999" not in repr(a)
    assert "99 draws" in repr(a)
    assert a.to_frame()["n_trades"].iloc[0] == 30


def test_events_of_one_date_move_together():
    prices = made_prices()
    events = pd.DataFrame({"ticker": ["AAA", "BBB", "CCC", "DDD"], "date": prices.dates[250], "timing": "during"})
    result = quiet(events, prices, ms.rules.HoldAfter(days=3))
    drawn = ms.placebo_trades(result, 99)._drawn
    for k in range(99):
        assert len(set(drawn[1][drawn[0] == k])) == 1


def test_a_condition_is_compared_with_the_position_without_it():
    result = quiet(None, made_prices(), ms.rules.AfterDrop(days=5, sigma=1.5), tickers=["AAA", "BBB"])
    made = ms.placebo_trades(result, 99)
    assert made.n_traded.min() == made.n_trades
    assert made.band()["placebo_mean"].iloc[-1] == pytest.approx(made.distribution.mean(), rel=1e-9)


@pytest.mark.parametrize("name", ["pair", "sorted", "hedged", "fade", "stops", "own"])
def test_every_rule_has_placebos(name):
    result = quiet(made_events(12), made_prices(), RULES[name], costs=ms.Costs(bps=5, borrow=0.02))
    made = ms.placebo_trades(result, 49)
    assert np.isfinite(made.distribution).all()
    assert made.observed == pytest.approx(result.per_trade.mean, rel=1e-9)
    assert 0 < made.pvalue <= 1


def test_a_shift_keeps_the_spacing(traded):
    made = ms.placebo_trades(traded, 99, how="shift")
    draw, row, _ = made._drawn
    rows = traded.information.row[np.argsort(traded.information.row)]
    n = 0
    for k in range(99):
        gaps = np.diff(row[draw == k])
        n += np.array_equal(gaps, np.diff(rows))  # those that do not go round the end
        assert (gaps == np.diff(rows)).sum() >= len(rows) - 2
    assert n > 10


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"match": ("sector",)}, "'ticker', 'weekday', 'volatility'"),
        ({"how": "random"}, "'dates', 'shift'"),
        ({"alternative": "more"}, "greater"),
        ({"draws": 3}, "whole number"),
        ({"how": "shift", "match": ("ticker", "weekday")}, "a shift keeps the tickers"),
        ({"how": "shift", "match": ()}, "a shift keeps the tickers"),
    ],
)
def test_options_that_cannot_be(traded, options, text):
    with pytest.raises(ms.errors.InputError, match=text):
        ms.placebo_trades(traded, **options)


def test_nothing_to_compare():
    empty = quiet(pd.DataFrame({"ticker": ["XYZ"], "date": ["2021-06-01"]}), made_prices(), RULES["hold"])
    with pytest.raises(ms.errors.InputError, match="no event was traded"):
        ms.placebo_trades(empty)
    events, prices = one_series(1, n=60, events=2)
    few = quiet(events, prices, ms.rules.HoldAfter(days=1, entry="close"))
    with pytest.raises(ms.errors.InputError, match="has no volatility of 63 sessions"):
        ms.placebo_trades(few, match=("ticker", "volatility"))
