"""Agreement of the functions that report the mean of events, its standard error, and regressions of CARs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from scipy import stats

import marketshock as ms
from marketshock.inference.mean import mean_car

from .made_markets import FIRMS, WINDOW, Market, excluding, markets, study

CLOSE = {"rtol": 1e-8, "atol": 1e-13}
SPANS = ((0, 0), (-1, 1), WINDOW)


def portfolio_market(market: Market, whole: ms.StudyResult, weights: np.ndarray) -> Market:
    """Return a market with one event: of the portfolio that holds the events' securities by weight."""
    held = sum(w * market.returns[t] for w, t in zip(weights, whole.panel.ticker, strict=True))
    events = pd.DataFrame({"event_id": ["p"], "ticker": ["P"], "date": whole.events["date"].iloc[:1].to_numpy()})
    return Market(market.returns.assign(P=held), events, market.options)


@given(market=markets(patterns=("one date",), gaps=("scattered", "none"), exclusions=False))
@settings(max_examples=8)
def test_the_portfolio_test_equals_a_study_of_the_portfolio(market):
    whole = study(market)
    alone = study(portfolio_market(market, whole, np.full(len(whole), 1 / len(whole))))
    for days in SPANS:
        if not whole.sample(*days).mask.all():
            continue
        test, row = whole.tests(*days, which="portfolio").loc["portfolio"], alone.car(*days).loc["p"]
        np.testing.assert_allclose([test["statistic"], test["pvalue"]], [row["t"], row["pvalue"]], **CLOSE)
        assert test["df"] == row["df"]


@given(market=markets(patterns=("two dates",), gaps=("none",), exclusions=False))
@settings(max_examples=6)
def test_the_mean_over_several_dates_equals_studies_of_a_portfolio_per_date(market):
    """Dates are independent: variances add up, degrees of freedom are Satterthwaite's."""
    whole = study(market)
    for days in SPANS:
        mean, cars, variances, dof = mean_car(whole.sample(*days)), [], [], []
        for date in pd.unique(whole.events["date"]):
            on = study(market.only(whole.events.index[whole.events["date"] == date]))
            row = study(portfolio_market(market, on, np.full(len(on), 1 / len(whole)))).car(*days).iloc[0]
            cars, variances, dof = [*cars, row["car"]], [*variances, row["se"] ** 2], [*dof, row["df"]]
        df = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dof, strict=True))
        np.testing.assert_allclose([mean.mean, mean.se, mean.df], [sum(cars), np.sqrt(sum(variances)), df], **CLOSE)


@given(market=markets(patterns=("one date",), gaps=("none", "scattered"), exclusions=False))
@settings(max_examples=8)
def test_a_difference_on_one_date_equals_a_study_of_the_long_short_portfolio(market):
    whole = study(market)
    group = whole.events["group"]
    for days in SPANS:
        if not whole.sample(*days).mask.all():
            continue
        table = ms.group_differences(whole, *days)
        for (a, b), row in table.iterrows():
            weights = (group == a) / (group == a).sum() - (group == b) / (group == b).sum()
            alone = study(portfolio_market(market, whole, weights.to_numpy())).car(*days).loc["p"]
            names = {"se": "se", "df": "df"}
            if whole.evidence.mask.all():  # otherwise each mean is of its own days
                names |= {"difference": "car", "t": "t", "pvalue": "pvalue"}
            shown = row[list(names)].astype(float)
            np.testing.assert_allclose(shown, alone[list(names.values())].astype(float), **CLOSE)


@given(market=markets(patterns=("own dates",), gaps=("none",), exclusions=False))
@settings(max_examples=8)
def test_a_difference_between_events_on_their_own_dates_equals_scipy(market):
    whole = study(market)
    car = whole.car(*WINDOW)["car"].groupby(whole.events["group"])
    for (a, b), row in ms.group_differences(whole, *WINDOW).iterrows():
        x, y = car.get_group(a), car.get_group(b)
        assert (row["n_1"], row["n_2"]) == (len(x), len(y))
        np.testing.assert_allclose([row["mean_1"], row["mean_2"]], [x.mean(), y.mean()], **CLOSE)
        if min(len(x), len(y)) > 1:
            welch = stats.ttest_ind(x, y, equal_var=False)
            shown = row[["t", "df", "pvalue"]].astype(float)
            np.testing.assert_allclose(shown, [welch.statistic, welch.df, welch.pvalue], **CLOSE)


@pytest.mark.parametrize("cov", ["HC3", "HC1", "HC0", "classic"])
@given(market=markets(patterns=("own dates", "mixed")))
@settings(max_examples=4)
def test_regressions_of_cars_equal_statsmodels(cov, market):
    whole = study(market)
    rng = np.random.default_rng(0)
    by_event = pd.DataFrame({"size": rng.normal(size=len(whole))}, index=whole.panel.event_id)
    by_ticker = pd.DataFrame({"size": rng.normal(size=4)}, index=list(FIRMS))
    for traits, keys in ((by_event, whole.panel.event_id), (by_ticker, whole.panel.ticker)):
        car = whole.car(-1, 2)["car"]
        y, x = car.to_numpy(), sm.add_constant(traits.loc[keys, "size"].to_numpy(), has_constant="add")
        there = np.isfinite(y)
        fit = sm.OLS(y[there], x[there]).fit(cov_type="nonrobust" if cov == "classic" else cov, use_t=True)
        made = ms.regress_car(whole, traits, -1, 2, cov=cov)
        columns = ["coefficient", "se", "t", "pvalue"]
        np.testing.assert_allclose(made.table[columns].T, [fit.params, fit.bse, fit.tvalues, fit.pvalues], **CLOSE)
        np.testing.assert_allclose(made.table[["ci_low", "ci_high"]], fit.conf_int(), **CLOSE)
        assert made.n_events == there.sum()
        assert made.r_squared == pytest.approx(fit.rsquared)
        assert list(made.exclusions.index) == list(car.index[~there])


@given(market=markets())
@settings(max_examples=12)
def test_the_mean_is_one_number(market):
    whole = study(market)
    compared = ms.compare({"s": whole}, *WINDOW) if len(whole) > 1 else None
    for days in SPANS:
        car = whole.car(*days)["car"]
        if days[0] <= 0 <= days[1] and len(whole) > 1:
            car = car[whole.ar[0].notna()]  # without a return on day 0 the sum is not the reaction: in no mean
        mean = mean_car(whole.sample(*days))
        np.testing.assert_allclose(mean.mean, car.mean(), **CLOSE)
        assert mean.n == car.count()
        np.testing.assert_allclose(whole.sample(*days).car_moments.mean, mean.mean, **CLOSE)
        if days == WINDOW and compared is not None:
            np.testing.assert_allclose(compared.loc[("s", "(mean)"), "car"], mean.mean, **CLOSE)
        if whole.evidence.complete:
            np.testing.assert_allclose(whole.ar.mean().loc[days[0] : days[1]].sum(), mean.mean, **CLOSE)


@given(market=markets())
@settings(max_examples=12)
def test_the_error_of_the_mean_is_that_of_the_test_it_names(market):
    """A standard error that is said to come from a test gives that test's statistic."""
    whole = study(market)
    for days in SPANS:
        sample = whole.sample(*days)
        mean = mean_car(sample)
        name = {"portfolio": "portfolio", "cross-sectional": "t_cross_sectional"}.get(mean.how)
        same_days = bool((sample.evidence.mask == sample.evidence.mask[:1]).all())
        if name is None or len(whole) == 1 or (name == "portfolio" and not (same_days and sample.mask.all())):
            continue
        test = whole.tests(*days, which=name).loc[name]
        np.testing.assert_allclose([mean.mean / mean.se, mean.df], [test["statistic"], test["df"]], rtol=1e-8)


@given(market=markets())
@settings(max_examples=8)
def test_what_a_study_could_find_reads_the_errors_of_its_cars(market):
    whole = study(market)
    for days in SPANS:
        table, car = whole.power(*days, effect=0.02), whole.car(*days)
        firms = table.loc[car.index]
        np.testing.assert_allclose(firms["se"], car["se"], **CLOSE)
        there = car["se"].notna()
        reach = stats.t.ppf(0.975, car.loc[there, "df"])
        shift = 0.02 / car.loc[there, "se"]
        power = stats.nct.sf(reach, car.loc[there, "df"], shift) + stats.nct.cdf(-reach, car.loc[there, "df"], shift)
        np.testing.assert_allclose(firms.loc[there, "power"], power, rtol=1e-6, atol=1e-9)


@given(market=markets(patterns=("one date", "two dates"), gaps=("none",), exclusions=False))
@settings(max_examples=4)
def test_placebo_days_rank_the_numbers_of_the_study(market):
    """The events' own rows are car(); the row of a date's mean is the mean CAR with the portfolio's t."""
    whole = study(market)
    table = ms.placebo(whole, first=-1, last=1).table
    car = whole.car(-1, 1)
    np.testing.assert_allclose(table.loc[car.index, ["car", "t"]], car[["car", "t"]], **CLOSE)
    for date, part in whole.events.groupby("date"):
        row = table.loc[f"(mean, {date.date()})"]
        of_date = whole.sample(-1, 1).take(np.flatnonzero(whole.events["date"] == date))
        mean = mean_car(of_date)
        assert len(part) == mean.n
        np.testing.assert_allclose([row["car"], row["t"]], [mean.mean, mean.mean / mean.se], **CLOSE)


@given(market=markets(exclusions=False))
@settings(max_examples=5)
def test_specifications_equal_studies_compared(market):
    models = [ms.MarketModel("m"), ms.ConstantMean()]
    options = {k: v for k, v in market.arguments().items() if k not in ("model", "window", "estimation")}
    estimations = [market.options["estimation"]]
    with excluding():
        curve = ms.specification_curve(
            market.events, models=models, windows=[WINDOW], estimations=estimations, **options
        )
    for row, model in zip(curve.table.to_dict("records"), models, strict=True):
        studies = {model.name: study(market, model=model)}
        mean = ms.compare(studies, *WINDOW).loc[(model.name, "(mean)")]
        for name in ("car", "se", "t", "df", "pvalue", "ci_low", "ci_high"):
            np.testing.assert_allclose(float(row[name]), float(mean[name]), **CLOSE)
        assert (row["n_events"], row["test"], row["note"]) == (mean["n_events"], mean["test"], mean["note"])
