"""The mean CAR and its standard error against regressions run apart, the tests of the house, and simulated truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.inference.mean import mean_car, mean_difference
from marketshock.inference.registry import TESTS
from marketshock.plots.mean import mean_path

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
    n_samples = 500  # firms of one market, studied in one call; samples share nothing but the market
    index = pd.bdate_range("2000-01-03", periods=130 + 30 * n_dates, name="date")
    market = rng.normal(0, 0.01, (len(index), 1))
    common = np.repeat(rng.normal(size=(len(index), n_samples)), n_firms, axis=1)
    own = np.sqrt(0.5) * (common + rng.normal(size=common.shape))
    names = [f"F{k}" for k in range(n_samples * n_firms)]
    frame = pd.DataFrame(np.hstack([market, market + 0.02 * own]), index=index, columns=["M", *names])
    at = 120 + 30 * np.arange(n_dates)
    events = pd.DataFrame({"ticker": np.repeat(names, n_dates), "date": np.tile(index[at], len(names))})
    study = ms.event_study(
        events, returns=frame, model=ms.MarketModel("M"), window=(0, 1), estimation=(-110, -11), min_obs=90,
        calendar="index",
    )  # fmt: skip
    whole, covered = study.sample(0, 1), 0
    assert len(study) == len(events)
    for rows in np.arange(len(events)).reshape(n_samples, -1):
        low, high = mean_car(whole.take(rows)).interval(0.95)
        covered += low <= 0 <= high
    assert abs(covered / n_samples - 0.95) < 3.3 * np.sqrt(0.05 * 0.95 / n_samples)


class TestOneHome:
    """Every table and picture that gives a standard error of the mean gives that of `mean_car`."""

    @pytest.mark.parametrize("make", [seven, two_dates, own_dates, with_gaps])
    @pytest.mark.parametrize("window", [(0, 0), (0, 3)])
    def test_all_readers_agree(self, make, window):
        study, mean = make(), mean_car(make().sample(*window))
        power, compared = study.power(*window).loc["(mean)"], ms.compare([study], *window).xs("(mean)", level=1).iloc[0]
        assert power["method"] == mean.how
        for row in (power, compared):
            np.testing.assert_allclose([row["se"], row["df"]], [mean.se, mean.df], rtol=RTOL)
        np.testing.assert_allclose([compared["ci_low"], compared["ci_high"]], mean.interval(0.95), rtol=RTOL)
        if window == (0, 0):
            day = study.aar().loc[0]
            np.testing.assert_allclose([day["aar"], day["se"]], [mean.mean, mean.se], rtol=RTOL)
            assert (day["method"], day["note"], day["n_events"]) == (mean.how, mean.note, mean.n)
        path = mean_path(study, "all", np.arange(len(study)), 0.95)
        last = mean_car(study.sample(study.spec.window.first, study.spec.window.last))
        np.testing.assert_allclose([path.low[-1], path.high[-1]], last.interval(0.95), rtol=RTOL)

    def test_power_is_that_of_the_standard_error_shown(self):
        row = two_dates().power(0, 0, effect=0.01).loc["(mean)"]
        critical = stats.t.ppf(0.975, row["df"])
        power = stats.nct.sf(critical, row["df"], 0.01 / row["se"]) + stats.nct.cdf(
            -critical, row["df"], 0.01 / row["se"]
        )
        assert row["power"] == pytest.approx(power, rel=1e-8)
        without = with_gaps().power(0, 2).loc["(mean)"]
        assert without[["se", "df", "mde", "power"]].isna().all()
        assert (without["method"], without["note"]) == ("none", "returns are missing in the window")

    def test_a_day_without_a_firm_has_the_portfolio_of_the_others(self):
        """NVDA and AAPL lack a price each: two days without each of them, on which the other six are a portfolio."""
        frame = with_gaps().aar()
        assert (frame["method"] == "portfolio").all()
        assert frame["n_events"].min() < frame["n_events"].max() == 7
        day = int(frame["n_events"].idxmin())
        there = with_gaps().ar[day].notna().to_numpy()
        part = with_gaps().sample(day, day).take(np.flatnonzero(there))
        row = TESTS["portfolio"].run(part, "two-sided")
        assert frame.loc[day, "aar"] / frame.loc[day, "se"] == pytest.approx(row.statistic, rel=RTOL)


class TestDifference:
    """Differences of means against regressions of portfolios that are long one group and short the other."""

    def test_of_groups_on_shared_dates(self, returns):
        """On each date the contrast is the t of the portfolio long three and short two; dates are independent."""
        long, short = ["NVDA", "AAPL", "MSFT"], ["META", "TSLA"]
        dates = ["2025-01-27", "2025-02-03"]
        rows = [(t, d, "long" if t in long else "short") for d in dates for t in (*long, *short)]
        events = pd.DataFrame(rows, columns=["ticker", "date", "group"])
        study = ms.event_study(events, returns=returns, model=ms.MarketModel("^GSPC"))
        both = returns[long].mean(axis=1) - returns[short].mean(axis=1)
        traded = pd.DataFrame({"ticker": "LS", "date": dates})
        one = ms.event_study(traded, returns=returns.assign(LS=both), model=ms.MarketModel("^GSPC")).car(0, 2)
        row = ms.group_differences(study, 0, 2).loc[("long", "short")]
        variance = one["se"].to_numpy() ** 2 / 4
        assert row["difference"] == pytest.approx(one["car"].mean(), rel=1e-9)
        assert row["se"] == pytest.approx(np.sqrt(variance.sum()), rel=1e-9)
        assert row["df"] == pytest.approx(variance.sum() ** 2 / (variance**2 / one["df"]).sum(), rel=1e-9)
        assert row["method"] == "contrast by date"
        welch = stats.ttest_ind(
            *(study.car(0, 2)["car"][study.events["group"] == g] for g in ("long", "short")), equal_var=False
        )
        assert abs(row["t"] / welch.statistic - 1) > 0.2  # five firms of one date are not five observations

    def test_of_groups_that_share_events(self):
        """`all` less `tech` is the share of the others times (others less tech): the same t."""
        sample = own_dates().sample(0, 2)
        tech = (own_dates().events["group"] == "tech").to_numpy()
        everybody = np.ones(len(tech), dtype=bool)
        found = mean_difference(sample, everybody, tech)
        car = own_dates().car(0, 2)["car"].to_numpy()
        apart = stats.ttest_ind(car[~tech], car[tech], equal_var=False)
        assert found.mean == pytest.approx(car.mean() - car[tech].mean(), rel=1e-12)
        assert found.mean / found.se == pytest.approx(apart.statistic, rel=1e-12)
        assert found.df == pytest.approx(apart.df, rel=1e-12)
        assert found.how == "cross-sectional"

    def test_of_groups_that_share_events_on_one_date(self, returns):
        sample = seven().sample(0, 1)
        first, second = np.arange(7) < 5, np.arange(7) > 2
        weights = first / 5 - second / 4
        mixed = (returns[list(seven().events["ticker"])] * weights).sum(axis=1, min_count=7)
        event = pd.DataFrame({"ticker": ["W"], "date": ["2025-01-27"]})
        one = ms.event_study(event, returns=returns.assign(W=mixed), model=ms.MarketModel("^GSPC")).car(0, 1).iloc[0]
        found = mean_difference(sample, first, second)
        np.testing.assert_allclose([found.mean, found.se, found.df], one[["car", "se", "df"]].astype(float), rtol=1e-9)

    def test_where_there_is_none(self):
        sample, everybody = own_dates().sample(0, 0), np.ones(10, dtype=bool)
        same = mean_difference(sample, everybody, everybody)
        assert (same.mean, same.how, same.note) == (0.0, "none", "the groups have the same events")
        single = mean_difference(sample, np.arange(10) == 0, np.arange(10) > 0)
        assert (single.how, single.note) == ("none", "a group has fewer than two events of its own")
        assert np.isfinite(single.mean)
        nobody = mean_difference(sample, ~everybody, everybody)
        assert np.isnan(nobody.mean)
        assert nobody.note == "no event of the first group has a return"
