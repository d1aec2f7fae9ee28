"""The mean CAR and its standard error against regressions run apart, the tests of the house, and simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.inference.mean import mean_car

from .pictures import own_dates, seven, two_dates, with_gaps

RTOL = 1e-9  # the same sums in another order


def test_one_date_is_the_portfolio_regressed_by_itself(returns):
    """The equal-weighted portfolio is one security: its market model has the firms' covariance in it."""
    study = seven()
    known = returns.dropna(how="all")
    day = known.index.get_loc(pd.Timestamp("2025-01-27"))
    portfolio, market = known[list(ms.MAGNIFICENT_SEVEN)].mean(axis=1), known["^GSPC"]
    past = slice(day - 260, day - 10)
    fit = sm.OLS(portfolio.iloc[past], sm.add_constant(market.iloc[past])).fit()
    for last in (0, 1, 5):
        window = slice(day, day + last + 1)
        x = sm.add_constant(market.iloc[window], has_constant="add").to_numpy()
        car = float((portfolio.iloc[window] - x @ fit.params.to_numpy()).sum())
        total = x.sum(axis=0)
        se = np.sqrt(fit.scale * (last + 1) + total @ fit.cov_params().to_numpy() @ total)
        found = mean_car(study.sample(0, last))
        assert found.how == "portfolio"
        assert (found.n, found.df) == (7, fit.df_resid)
        np.testing.assert_allclose([found.mean, found.se], [car, se], rtol=1e-7)


def test_one_date_is_the_test_of_the_house():
    found = mean_car(seven().sample(0, 3))
    row = seven().tests(0, 3, which="portfolio").loc["portfolio"]
    assert found.mean / found.se == pytest.approx(row["statistic"], rel=RTOL)
    low, high = found.interval(0.9)
    reach = stats.t.ppf(0.95, row["df"]) * found.se
    np.testing.assert_allclose([low, high], [found.mean - reach, found.mean + reach], rtol=RTOL)


def test_dates_of_their_own_are_cross_sectional():
    study = own_dates()
    found = mean_car(study.sample(0, 5))
    car = study.car(0, 5)["car"]
    assert (found.how, found.n, found.df) == ("cross-sectional", 10, 9)
    np.testing.assert_allclose([found.mean, found.se], [car.mean(), stats.sem(car)], rtol=RTOL)
    row = study.tests(0, 5, which="t_cross_sectional").loc["t_cross_sectional"]
    assert found.mean / found.se == pytest.approx(row["statistic"], rel=RTOL)


def test_several_firms_on_several_dates_are_a_portfolio_a_date():
    study = two_dates()
    found = mean_car(study.sample(0, 1))
    parts = study.tests(0, 1, which="portfolio", by="date")
    means = study.car(0, 1).groupby("date")["car"].mean()
    variance = (0.5 * means.to_numpy() / parts["statistic"].to_numpy()) ** 2
    dof = parts["df"].to_numpy(dtype=float)
    assert (found.how, found.n, found.note) == ("portfolios", 14, "")
    np.testing.assert_allclose(found.se, np.sqrt(variance.sum()), rtol=RTOL)
    np.testing.assert_allclose(found.df, variance.sum() ** 2 / (variance**2 / dof).sum(), rtol=RTOL)
    assert mean_car(study.sample(-1, 5)).note == "windows overlap"


def test_a_single_event_has_its_own_prediction():
    found = mean_car(seven().sample(0, 2).take(np.array([3])))
    row = seven().car(0, 2).iloc[3]
    np.testing.assert_allclose([found.mean, found.se, found.df], [row["car"], row["se"], row["df"]], rtol=RTOL)


def test_where_there_is_no_honest_error_there_is_none():
    gaps = mean_car(with_gaps().sample(0, 2))
    assert (gaps.how, gaps.n, gaps.note) == ("none", 7, "returns are missing in the window")
    assert np.isnan([gaps.se, *gaps.interval(0.95)]).all()
    np.testing.assert_allclose(gaps.mean, with_gaps().car(0, 2)["car"].mean(), rtol=RTOL)
    only = mean_car(with_gaps().sample(1, 2).take(np.array([4])))  # NVDA: both returns are missing
    assert (only.how, only.n) == ("none", 0)
    assert np.isnan(only.mean)


@pytest.mark.parametrize(("n_dates", "n_firms"), [(1, 12), (6, 4), (24, 1)])
def test_intervals_cover_the_truth_as_often_as_they_say(n_dates, n_firms):
    """Firms correlated at 0.5 on each date: taken as independent, an interval of twelve would cover half the time."""
    rng = np.random.default_rng(7)
    covered, n_samples = 0, 500
    index = pd.bdate_range("2000-01-03", periods=130 + 30 * n_dates, name="date")
    names = [f"F{k}" for k in range(n_firms)]
    at = 120 + 30 * np.arange(n_dates)
    events = pd.DataFrame({"ticker": names * n_dates, "date": np.repeat(index[at], n_firms)})
    for _ in range(n_samples):
        market = rng.normal(0, 0.01, len(index))
        own = np.sqrt(0.5) * rng.normal(size=(len(index), 1)) + np.sqrt(0.5) * rng.normal(size=(len(index), n_firms))
        frame = pd.DataFrame(market[:, None] + 0.02 * own, index=index, columns=names).assign(M=market)
        study = ms.event_study(
            events, returns=frame, model=ms.MarketModel("M"), window=(0, 1), estimation=(-110, -11), min_obs=90,
            calendar="index",
        )  # fmt: skip
        low, high = mean_car(study.sample(0, 1)).interval(0.95)
        covered += low <= 0 <= high
    assert abs(covered / n_samples - 0.95) < 3.3 * np.sqrt(0.05 * 0.95 / n_samples)
