"""Annual figures: the sessions of a year against exchange_calendars, the calendar of days, and pandas."""

from __future__ import annotations

import math
import warnings

import exchange_calendars as xc
import numpy as np
import pandas as pd
import pytest
from scipy import special

import marketshock as ms
from marketshock.backtests.stats import benchmark_regression, curve_stats
from marketshock.errors import CalendarWarning, OverlapWarning, SurvivorshipWarning
from marketshock.sessions import index_sessions, nyse, session_year


def year_of(dates) -> float:
    return session_year(index_sessions(pd.DatetimeIndex(dates).to_numpy().astype("datetime64[D]"))).n


def open_days(exchange: str, first: str, last: str) -> pd.DatetimeIndex:
    """Return the sessions of an exchange by exchange_calendars."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xc.get_calendar(exchange, start=first, end=last).sessions


def test_new_york_has_252_sessions_a_year():
    days = open_days("XNYS", "1985-01-01", "2024-12-31")
    assert len(days) / 40 == pytest.approx(252, abs=0.05)
    assert session_year(nyse()).n == 252
    assert year_of(days[-300:]) == 252  # the same dates under another name
    assert year_of(days[-40:]) == 252


@pytest.mark.parametrize("exchange", ["XLON", "XETR", "XTKS", "XSHG", "XBOM", "XHKG"])
def test_the_sessions_of_other_exchanges_are_counted(exchange):
    days = open_days(exchange, "2015-01-01", "2024-12-31")
    assert year_of(days) == pytest.approx(len(days) / 10, rel=2e-3)
    for year in range(2015, 2025):  # one year, and two thirds of it
        own = days[days.year == year]
        assert year_of(own) == pytest.approx(len(own), rel=0.02)
        for part in (own[own.month <= 8], own[own.month > 4]):
            assert year_of(part) == pytest.approx(len(own), rel=0.05), year  # holidays come in clusters


def holidays_moved(dates: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return weekly dates, the session before where New York was closed."""
    days = dates.to_numpy().astype("datetime64[D]")
    return pd.DatetimeIndex(nyse().days[np.searchsorted(nyse().days, days, side="right") - 1])


@pytest.mark.parametrize(
    ("dates", "sessions"),
    [
        (pd.date_range("2024-01-01", periods=400), 365),
        (pd.date_range("2024-01-01", periods=30), 365),
        (pd.date_range("2024-01-01", periods=400).delete([70, 200]), 365),
        (pd.date_range("2023-01-01", periods=70, freq="W-FRI"), 52),
        (holidays_moved(pd.date_range("2020-01-01", periods=200, freq="W-FRI")), 52),
        (holidays_moved(pd.date_range("2023-01-01", periods=40, freq="W-MON")), 52),
        (pd.date_range("2023-01-01", periods=60, freq="W-SUN").delete(30), 52),
        (pd.date_range("2015-01-01", periods=60, freq="ME"), 12),
        (pd.date_range("2015-01-01", periods=24, freq="BME"), 12),
        (pd.date_range("2015-01-01", periods=24, freq="MS"), 12),
        (pd.date_range("2000-01-01", periods=40, freq="QE"), 4),
        (pd.date_range("1950-01-01", periods=40, freq="YE"), 1),
        (pd.date_range("2015-01-01", periods=60, freq="2W"), 365.25 / 14),
        (pd.bdate_range("2021-01-04", periods=320), 365.25 * 5 / 7),
    ],
)
def test_the_period_of_the_dates_is_seen(dates, sessions):
    assert year_of(dates) == pytest.approx(sessions, rel=1e-3)


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        (pd.date_range("2024-01-01", periods=5), "5 dates are too few"),
        (pd.bdate_range("2024-01-01", periods=60), "60 dates, 2024-01-01 to 2024-03-22, are too few"),
        (pd.bdate_range("2024-01-01", periods=150).append(pd.date_range("2024-09-01", periods=80, freq="W")), "uneven"),
        (pd.bdate_range("2022-01-03", periods=150).append(pd.bdate_range("2023-01-03", periods=150)), "uneven"),
        (pd.date_range("2024-01-01", periods=100).append(pd.date_range("2024-07-01", periods=40)), "uneven"),
    ],
)
def test_what_dates_do_not_tell_is_not_a_number(dates, words):
    year = session_year(index_sessions(dates.to_numpy().astype("datetime64[D]")))
    assert math.isnan(year.n)
    assert not year.known
    assert words in str(year)


# ------------------------------------------------------------------------------------------------------- backtests


def account(dates: pd.DatetimeIndex, **options) -> ms.Backtest:
    """Hold one security over nearly all of the dates."""
    rng = np.random.default_rng(4)
    steps = rng.normal(0.004, 0.03, (len(dates), 2))
    prices = pd.DataFrame(50 * np.cumprod(1 + steps, axis=0), dates, ["AAA", "MKT"])
    event = pd.DataFrame({"ticker": ["AAA"], "date": [dates[3]]})
    rule = ms.rules.HoldAfter(days=len(dates) - 8, entry="next_close")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalendarWarning)
        return ms.backtest(event, prices, rule, sizing=ms.Sizing(by="equal", amount=1.0), benchmark="MKT", **options)


@pytest.mark.parametrize(
    ("dates", "sessions"),
    [
        (holidays_moved(pd.date_range("2022-01-01", periods=110, freq="W-FRI")), 52),
        (pd.date_range("2022-01-01", periods=110, freq="W-SAT"), 52),
        (pd.date_range("2024-01-01", periods=410), 365),
        (pd.date_range("2015-01-01", periods=60, freq="BME"), 12),
        (open_days("XTKS", "2022-01-01", "2023-12-31"), 245.5),
        (pd.DatetimeIndex(nyse().days[-800:-400]), 252),
    ],
)
def test_annual_figures_of_an_account_fit_its_dates(dates, sessions):
    made = account(dates, risk_free=0.03)
    equity, curve = made.equity, made.curve
    years = (equity.index[-1] - equity.index[0]).days / 365.25
    right = (equity.iloc[-1] / equity.iloc[0]) ** (1 / years) - 1
    assert curve.annual_return == pytest.approx(right, rel=0.03)
    returns = equity.pct_change().fillna(0.0)  # the first is that of the fill
    excess = returns - 0.03 / curve.sessions_per_year
    root = math.sqrt(curve.sessions_per_year)
    assert curve.sessions_per_year == pytest.approx(sessions, rel=5e-3)
    assert curve.volatility == pytest.approx(returns.std() * root, rel=2e-3)
    assert curve.sharpe == pytest.approx(excess.mean() / excess.std() * root, rel=2e-3)
    assert made.performance.loc[("account", "sessions_per_year"), "value"] == curve.sessions_per_year
    assert f"of {curve.sessions_per_year:.4g} sessions" in repr(made)
    assert any("Annual figures are of" in note for note in made.notes) == (sessions != 252)


def test_dates_that_do_not_tell_give_no_annual_figures():
    dates = pd.bdate_range("2022-01-03", periods=150).append(pd.bdate_range("2023-01-03", periods=150))
    made = account(dates, risk_free=0.03)
    curve, line = made.curve, made.benchmark_regression
    for name in ("sessions_per_year", "annual_return", "volatility", "sharpe", "sharpe_se", "sortino"):
        assert math.isnan(getattr(curve, name)), name
    assert math.isfinite(curve.total_return)
    assert math.isfinite(curve.kurtosis)
    assert any("too uneven to tell): annual figures and ratios are not defined" in n for n in made.notes)
    assert (math.isnan(line.alpha), math.isnan(line.alpha_se), math.isnan(line.alpha_t)) == (True, True, True)
    assert math.isfinite(line.beta)
    assert "nan" not in repr(made)
    assert ms.compare_rules([made], draws=19).table["deflated_sharpe"].isna().all()


def test_what_is_not_annual_does_not_depend_on_the_year():
    rng = np.random.default_rng(1)
    returns, benchmark = rng.normal(0.001, 0.01, (2, 80))
    known, unknown = (curve_stats(returns, 0.02, year) for year in (252.0, math.nan))
    assert (known.skewness, known.kurtosis) == pytest.approx((unknown.skewness, unknown.kurtosis), rel=1e-12)
    lines = [benchmark_regression(returns, benchmark, 0.0, year) for year in (252.0, 52.0, math.nan)]
    assert lines[0].alpha * 52 == pytest.approx(lines[1].alpha * 252, rel=1e-12)
    assert len({(line.alpha_t, line.alpha_pvalue, line.beta, line.r_squared) for line in lines}) == 1
    free = [benchmark_regression(returns, benchmark, 0.02, year) for year in (252.0, math.nan)]
    assert free[0].beta == pytest.approx(free[1].beta, rel=1e-12)
    assert free[0].beta_se == pytest.approx(free[1].beta_se, rel=1e-12)


def test_the_deflated_ratio_is_of_a_session_whatever_the_dates():
    rows = [pd.date_range("2022-01-01", periods=110, freq=every) for every in ("W-FRI", "D")]
    weekly, daily = (ms.compare_rules([account(dates)], draws=19).table["deflated_sharpe"].iloc[0] for dates in rows)
    assert weekly == pytest.approx(daily, rel=1e-12)


def test_weekly_events_of_more_than_a_year_ask_for_the_dead():
    dates = pd.date_range("2022-01-01", periods=110, freq="W-FRI")
    prices = pd.DataFrame(50.0 + np.arange(220).reshape(110, 2), dates, ["AAA", "BBB"])
    events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [dates[5], dates[80]]})
    rule = ms.rules.HoldAfter(days=5, entry="next_close")
    with pytest.warns(SurvivorshipWarning, match="more than a year"):
        ms.backtest(events, prices, rule, calendar="index")
    soon = events.assign(date=[dates[5], dates[50]])
    with warnings.catch_warnings():
        warnings.simplefilter("error", SurvivorshipWarning)
        warnings.simplefilter("ignore", OverlapWarning)
        ms.backtest(soon, prices, rule, calendar="index")


# ------------------------------------------------------------------------------------------------------- fragility


@pytest.mark.parametrize(("every", "sessions"), [("W-FRI", 52), ("D", 365)])
def test_a_stock_year_has_the_sessions_of_its_dates(every, sessions):
    rng = np.random.default_rng(2)
    dates = pd.date_range("2015-01-01", periods=300, freq=every)
    frame = pd.DataFrame(rng.standard_t(4, (300, 4)) * 0.02, dates, list("ABCD"))
    table = ms.fragility(returns=frame, log=True, calendar="index").by_year(by="listing")
    wanted = sessions * table["n_events"] / table["n_stock_days"]
    np.testing.assert_allclose(table["per_stock_year"], wanted, rtol=1e-12)
    expected = 2 * sessions * special.stdtr(21, -3)
    np.testing.assert_allclose(table["expected_per_stock_year"], expected, rtol=1e-12)
    assert f"events in a year of {sessions} sessions (one every" in repr(table)
