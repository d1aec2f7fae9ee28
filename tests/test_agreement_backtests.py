"""Two ways to one figure of a backtest agree: orders, positions and days; tables, paths, plots, pages and files."""

from __future__ import annotations

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

import marketshock as ms
from marketshock.backtests.printed import printed_trades
from marketshock.report.backtest import BacktestReport, to_dict, write

from .test_backtest import COSTLY, DAYS, NAMES, RULES, made_events, made_prices, quiet

CAPITAL = 1e6
CENT = 1e-9 * CAPITAL


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def prices() -> ms.Prices:
    return made_prices()


@pytest.fixture(scope="module")
def several(prices) -> dict[str, ms.Backtest]:
    """Rules with several events per date, so that the clustered error is not the plain one."""
    listed = made_events(60)
    listed["date"] = DAYS[100 + 3 * (np.arange(60) // 2)]
    listed["ticker"] = [NAMES[k % 4] for k in range(60)]
    options = {"costs": COSTLY, "benchmark": "MKT", "sizing": ms.Sizing(amount=0.05)}
    return {str(n): quiet(listed, prices, ms.rules.HoldAfter(days=n), **options) for n in (2, 6)}


# -------------------------------------------------------------------------------------------------- the account


def raw(prices: ms.Prices) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return closes and dividends per share as traded each day: before later splits."""
    factor = pd.DataFrame(1.0, DAYS, list(NAMES))
    for ticker, date, ratio in prices.splits[["ticker", "date", "ratio"]].itertuples(index=False):
        factor.loc[date > DAYS, ticker] *= ratio
    return prices.close * factor, prices.extra["dividend"] * factor


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(RULES)),
    seed=st.integers(0, 10_000),
    by=st.sampled_from([ms.Sizing(amount=0.05, max_gross=3.0), ms.Sizing("fixed", 40_000.0, whole_shares=True)]),
)
def test_equity_of_the_orders_alone(name, seed, by):
    """Shares as traded are counted from `orders`, split, valued at raw closes, and paid dividends and fees."""
    prices = made_prices(seed)
    result = quiet(made_events(30, seed), prices, RULES[name], costs=COSTLY, sizing=by)
    daily, orders = result.daily, result.orders
    if daily.empty:
        return
    close, dividend = raw(prices)
    traded = orders.pivot_table(index="session", columns="ticker", values="shares", aggfunc="sum")
    traded = traded.reindex(index=DAYS, columns=list(NAMES)).fillna(0.0)
    shares, cash, equity = pd.Series(0.0, list(NAMES)), CAPITAL, []
    flows = orders.groupby("session")["cash_change"].sum()
    for day in daily.index:
        for ticker, date, ratio in prices.splits[["ticker", "date", "ratio"]].itertuples(index=False):
            if date == day:
                shares[ticker] *= ratio
        cash += float(shares @ dividend.loc[day]) - daily.loc[day, "borrow"] + daily.loc[day, "interest"]
        cash += flows.get(day, 0.0)
        shares = shares + traded.loc[day]
        equity.append(cash + float(shares @ close.loc[day]))
    np.testing.assert_allclose(daily["equity"], equity, rtol=1e-9)


@settings(max_examples=25, deadline=None)
@given(name=st.sampled_from(sorted(RULES)), seed=st.integers(0, 10_000), missing=st.sampled_from([0.0, 0.05]))
def test_daily_positions_legs_and_trades_agree(name, seed, missing):
    options = {"costs": COSTLY, "benchmark": "MKT", "on_closed": "drop"}  # a day without its price is no session
    result = quiet(made_events(25, seed), made_prices(seed, missing), RULES[name], **options)
    daily, legs, trades, orders = result.daily, result.legs, result.trades, result.orders
    if daily.empty:
        return
    assert (daily["cash"] + result.positions.sum(axis=1) - daily["equity"]).abs().max() < CENT
    profit = daily["equity"].iloc[-1] - CAPITAL - daily["interest"].sum()
    assert legs["pnl"].sum() == pytest.approx(profit, abs=CENT)
    for column in ("gross", "dividends", "slippage", "commission", "borrow", "pnl"):
        by_event = legs.groupby("event_id")[column].sum().reindex(trades.index)
        np.testing.assert_allclose(trades[column], by_event, atol=CENT)
    np.testing.assert_allclose(orders["cash_change"], -orders["amount"] - orders["commission"], atol=CENT)
    assert orders["commission"].sum() == pytest.approx(daily["commission"].sum(), abs=CENT)
    assert orders["amount"].abs().sum() == pytest.approx(daily["traded"].sum(), abs=CENT)
    slippage = ((orders["fill"] - orders["price"]) * orders["shares"]).sum()
    assert legs["slippage"].sum() == pytest.approx(slippage, abs=CENT)
    counted = legs.groupby("event_id").size().reindex(trades.index)
    assert trades["n_legs"].tolist() == counted.tolist()
    spans = legs.groupby("event_id").agg(entry=("entry_session", "min"), exit=("exit_session", "max"))
    pd.testing.assert_frame_equal(
        trades[["entry_session", "exit_session"]].set_axis(["entry", "exit"], axis=1), spans.reindex(trades.index)
    )
    assert len(trades) + len(result.exclusions) == len(result.alignment)
    assert not set(trades.index) & set(result.exclusions.index)
    np.testing.assert_allclose(trades["return"] * trades["stake"], trades["pnl"], atol=CENT)
    np.testing.assert_allclose(trades["return_without"] * CAPITAL, trades["pnl"].sum() - trades["pnl"], atol=CENT)
    np.testing.assert_allclose(trades["pnl_share"] * trades["pnl"].sum(), trades["pnl"], atol=CENT)
    growth = (1 + daily["return"]).cumprod()
    np.testing.assert_allclose(CAPITAL * growth, daily["equity"], rtol=1e-9)
    peak = np.maximum(daily["equity"].cummax(), CAPITAL)
    np.testing.assert_allclose(daily["drawdown"], daily["equity"] / peak - 1, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(name=st.sampled_from(sorted(RULES)), seed=st.integers(0, 10_000))
def test_paths_end_at_the_returns_of_the_trades(name, seed):
    result = quiet(made_events(20, seed), made_prices(seed, 0.02), RULES[name], costs=COSTLY)
    if len(result.trades):
        np.testing.assert_allclose(result.paths.iloc[:, -1], result.trades["return"], atol=1e-9)
        assert result.paths.index.tolist() == result.trades.index.tolist()


# ------------------------------------------------------------------------------- one mean and one standard error


def test_mean_and_standard_error_of_trades_are_one(several):
    """`per_trade`, `path`, `performance`, the comparison, walking forward, placebo and the plot."""
    compared = ms.compare_rules(several, draws=19)
    for name, result in several.items():
        trades, last = result.per_trade, result.path().iloc[-1]
        assert trades.n_dates == 30
        assert (trades.n_trades, trades.mean) == (60, pytest.approx(result.trades["return"].mean(), rel=1e-12))
        assert (last["mean"], last["se"]) == (pytest.approx(trades.mean, rel=1e-9), pytest.approx(trades.se, rel=1e-9))
        assert last["n_trades"] == trades.n_trades
        half = (last["ci_high"] - last["ci_low"]) / 2
        assert half == pytest.approx(stats.t.ppf(0.975, 29) * trades.se, rel=1e-9)
        row = compared.table.loc[name]
        assert (row["mean"], row["se"]) == (trades.mean, trades.se)
        assert result.performance.loc[("trades", "mean")].tolist() == [trades.mean, trades.se]
        assert result.performance.loc[("trades", "t"), "value"] == pytest.approx(trades.mean / trades.se, rel=1e-12)
        line = next(a for a in ms.plots.trades(result).lines if str(a.get_label()).startswith("mean"))
        assert line.get_ydata()[0] == pytest.approx(100 * trades.mean, rel=1e-12)
        path = next(a for a in ms.plots.trade_path(result).lines if a.get_label() == "mean trade")
        assert path.get_ydata()[-1] == pytest.approx(100 * trades.mean, rel=1e-9)
    walk = ms.walk_forward({"2": several["2"]}, "2021-01-05", every="year", min_trades=2)
    assert walk.table["n_trades"].sum() == 0  # nothing ended before the only period


def test_split_and_walk_are_the_statistics_of_their_trades(several):
    result = several["6"]
    whole = result.split("2030-01-01").loc["before"]
    assert (whole["mean"], whole["se"], whole["t"]) == (
        result.per_trade.mean,
        result.per_trade.se,
        result.per_trade.t,
    )
    walk = ms.walk_forward({"6": result}, result.trades["date"].iloc[20], every="month", min_trades=2)
    periods = walk.table
    assert periods["n_trades"].sum() == len(walk.trades) == walk.out_of_sample.n_trades
    assert walk.out_of_sample == walk.in_sample
    weighted = (periods["mean"] * periods["n_trades"]).sum() / len(walk.trades)
    assert walk.out_of_sample.mean == pytest.approx(weighted, rel=1e-12)


def test_statistics_of_the_account_are_those_of_its_frame(several):
    for result in several.values():
        curve, daily, shown = result.curve, result.daily, result.performance["value"]
        assert curve.total_return == pytest.approx(daily["equity"].iloc[-1] / CAPITAL - 1, rel=1e-12)
        assert curve.max_drawdown == pytest.approx(daily["drawdown"].min(), rel=1e-12)
        assert shown["account", "exposure"] == pytest.approx(daily["gross_exposure"].mean())
        assert shown["account", "turnover"] == pytest.approx(daily["turnover"].sum())
        assert shown["benchmark", "beta"] == result.benchmark_regression.beta
        errors = result.performance["se"]
        assert errors["benchmark", "alpha"] == result.benchmark_regression.alpha_se
        assert errors["account", "sharpe"] == curve.sharpe_se
        assert errors.count() == 4


# ---------------------------------------------------------------------------------------------- placebo and compare


def test_placebo_figures_band_plot_and_comparison_agree(several):
    result = several["2"]
    placebo = ms.placebo_trades(result, 99, seed=5)
    row, last = placebo.to_frame().iloc[0], placebo.band().iloc[-1]
    assert row["placebo_mean"] == pytest.approx(placebo.distribution.mean(), rel=1e-12)
    for name in ("placebo_mean", "placebo_low", "placebo_high"):
        assert last[name] == pytest.approx(row[name], rel=1e-9), name
    as_large = (placebo.distribution >= placebo.observed).sum()
    assert placebo.pvalue == pytest.approx((1 + as_large) / 100)
    ax = ms.plots.placebo_trades(placebo)
    assert sum(bar.get_height() for bar in ax.patches) == 99
    compared = ms.compare_rules(several, draws=99, seed=5)
    assert compared.table.loc["2", ["placebo_mean", "pvalue"]].tolist() == [placebo.mean, placebo.pvalue]


@pytest.mark.parametrize("adjust", ["holm", "bh"])
def test_adjusted_p_values_are_those_of_statsmodels(several, adjust):
    made = ms.compare_rules(several, draws=19, adjust=adjust, tried=3)
    p = [*made.table["pvalue"], 1.0]
    wanted = multipletests(p, method={"holm": "holm", "bh": "fdr_bh"}[adjust])[1][:2]
    assert made.table["pvalue_adjusted"].tolist() == pytest.approx(wanted.tolist())
    assert made.adjust == adjust
    assert {"holm": "method of Holm", "bh": "Hochberg"}[adjust] in repr(made).replace("\n  ", " ")
    with pytest.raises(ms.errors.ChoiceError):
        ms.compare_rules(several, draws=19, adjust="bonferroni")


# ------------------------------------------------------------------------------------------------- tables and files


def test_printed_trades_are_the_frame(several):
    result = several["6"]
    _, rows, _ = printed_trades(result.trades)
    frame = result.trades.sort_values("entry_session", kind="stable")
    assert [row[0] for row in rows] == frame.index.tolist()
    assert [row[-1] for row in rows] == [f"{100 * r:+.2f} %" for r in frame["return"]]
    assert [row[-2] for row in rows] == [f"{p + 0.0:,.0f}" for p in frame["pnl"]]
    measures = {row[0]: row for row in result.printout().tables[0].rows}
    assert measures["mean return of a trade"][1] == f"{100 * result.per_trade.mean:+.2f} %"
    assert measures["mean return of a trade"][2] == f"+-{100 * result.per_trade.se:.2f} %"
    assert measures["Sharpe ratio, annual"][1] == f"{result.curve.sharpe:,.2f}"


def test_plots_are_the_frames(several):
    result = several["6"]
    upper, lower = ms.plots.equity(result)
    np.testing.assert_allclose(upper.lines[0].get_ydata()[1:], 100 * (result.daily["equity"] / CAPITAL - 1))
    np.testing.assert_allclose(lower.lines[0].get_ydata()[1:], 100 * result.daily["drawdown"])
    path = result.path(0.9)
    line = next(a for a in ms.plots.trade_path(result, confidence=0.9).lines if a.get_label() == "mean trade")
    np.testing.assert_allclose(line.get_ydata(), 100 * path["mean"])


def test_files_and_json_are_the_frames(several, tmp_path):
    report = BacktestReport(several, {}, ms.compare_rules(several, draws=19), {})
    record = json.loads(json.dumps(to_dict(report), default=str))
    write(report, tmp_path)
    for k, (name, result) in enumerate(several.items(), start=1):
        told = record["rules"][name]
        assert told["per_trade"]["mean"] == result.per_trade.mean
        assert told["account"]["sharpe"] == result.curve.sharpe
        assert told["benchmark"]["alpha"] == result.benchmark_regression.alpha
        assert len(told["trades"]) == len(result.trades)
        legs = pd.read_csv(tmp_path / f"{k}_{name}_legs.csv")
        np.testing.assert_allclose(legs["pnl"], result.legs["pnl"], rtol=1e-12)
        assert list(legs.columns) == list(result.legs.columns)
        daily = pd.read_csv(tmp_path / f"{k}_{name}_daily.csv", index_col="session")
        np.testing.assert_allclose(daily["equity"], result.equity, rtol=1e-12)
        assert (tmp_path / f"{k}_{name}_exclusions.csv").exists()


def test_exclusions_are_named_as_those_of_a_study(prices):
    """The same columns, and the date as it was given, though the session is another."""
    sunday = DAYS[200] + pd.Timedelta(days=6 - DAYS[200].day_of_week)
    listed = pd.DataFrame({"ticker": ["AAA", "ZZZ", "AAA"], "date": [sunday, DAYS[200], DAYS[210]]})
    flat = ms.rules.Own(3, function=lambda e: 0.0)
    result = quiet(listed, prices, flat, on_closed="next")
    with pytest.warns(ms.errors.ExclusionWarning):
        study = ms.event_study(
            listed, prices=prices, model=ms.MarketModel("MKT"), window=(0, 1), calendar="index", on_closed="next"
        )
    assert list(result.exclusions.columns) == list(study.exclusions.columns)
    assert result.exclusions.index.name == study.exclusions.index.name == "event_id"
    same = result.exclusions.loc[["ZZZ@" + str(DAYS[200].date())]]
    pd.testing.assert_frame_equal(same, study.exclusions, check_dtype=False)
    assert result.exclusions["date"].tolist() == [DAYS[200], sunday, DAYS[210]]
    assert list(result.alignment.columns) == list(study.alignment.columns)
