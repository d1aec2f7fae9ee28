"""Tests of the statistics against slow twins written from the papers: statsmodels regressions, loops, no matrices.

The samples are small and their estimation windows short, so that every correction for estimation error, overlap and
missing days is large enough to change the number compared.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.inference import parametric
from marketshock.inference.correlation import mean_correlation
from marketshock.inference.outcome import Inapplicable, TestResult
from marketshock.inference.ranks import run_sums
from marketshock.inference.registry import failures
from marketshock.inference.sample import Sample

RTOL = 1e-8  # a regression by statsmodels and one by this project, then hundreds of sums
FIRST, ESTIMATION, WINDOW = 80, 45, 8
INDEX = pd.bdate_range("2020-01-01", periods=400)
MODEL = ms.FactorModel(["m", "n"])


@cache
def returns(missing: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(11)
    common = rng.normal(0, 0.01, (400, 1))
    frame = pd.DataFrame(
        np.hstack([common + rng.standard_t(4, (400, 12)) * 0.02, rng.normal(0, 0.02, (400, 2))]),
        index=INDEX,
        columns=[*(f"F{k:02}" for k in range(12)), "m", "n"],
    )
    gaps = rng.random((400, 12)) < missing
    gaps[FIRST::2] = False  # half of the event days are complete
    frame.iloc[:, :12] = frame.iloc[:, :12].where(~gaps)
    return frame


@cache
def study(rows: tuple[int, ...], missing: float = 0.0, window: int = WINDOW) -> ms.StudyResult:
    """Study firm k on session ``rows[k]``."""
    names = returns().columns[: len(rows)]
    events = pd.DataFrame({"ticker": names, "date": INDEX[list(rows)]})
    return ms.event_study(
        events, returns=returns(missing), model=MODEL, window=(0, window - 1), estimation=(-ESTIMATION, -1),
        min_obs=20, calendar="index",
    )  # fmt: skip


ONE_DATE = (FIRST,) * 12
DAILY = tuple(FIRST + k for k in range(12))  # windows that overlap by all but a day
TWICE = tuple(FIRST + 3 * (k // 2) for k in range(12))  # two firms per date, three days apart
APART = tuple(FIRST + 20 * k for k in range(12))


def regress(ticker: str, row: int, missing: float = 0.0, drop: int | None = None):
    """Return the regression by statsmodels on the estimation days there are, and the place of each of them."""
    frame = returns(missing).iloc[row - ESTIMATION : row]
    y = frame[ticker].to_numpy()
    use = np.isfinite(y)
    if drop is not None:
        use[drop] = False
    x = sm.add_constant(frame[["m", "n"]].to_numpy(), has_constant="add")
    return sm.OLS(y[use], x[use]).fit(), use


def abnormal(fit, ticker: str, row: int, days: int, missing: float = 0.0):
    """Return abnormal returns and regressors of the event days."""
    frame = returns(missing).iloc[row : row + days]
    x = sm.add_constant(frame[["m", "n"]].to_numpy(), has_constant="add")
    return frame[ticker].to_numpy() - x @ fit.params, x


def p_of_rank(value: float, others, alternative: str = "two-sided") -> float:
    lower = (1 + sum(o <= value for o in others)) / (len(others) + 1)
    upper = (1 + sum(o >= value for o in others)) / (len(others) + 1)
    return {"less": lower, "greater": upper, "two-sided": min(1.0, 2 * min(lower, upper))}[alternative]


@pytest.mark.parametrize("days", [2, 3, 5])
def test_sq_over_several_days(days):
    """Each run of residuals over its own standard error, sigma sqrt(L - s'(X'X)^-1 s): twelve firms, three lengths."""
    sample = study(ONE_DATE).sample(0, days - 1)
    for k, ticker in enumerate(returns().columns[:12]):
        fit, _ = regress(ticker, FIRST)
        runs = []
        for start in range(ESTIMATION - days + 1):
            s = fit.model.exog[start : start + days].sum(axis=0)
            variance = fit.mse_resid * (days - s @ fit.normalized_cov_params @ s)
            runs.append(fit.resid[start : start + days].sum() / np.sqrt(variance))
        ar, x = abnormal(fit, ticker, FIRST, days)
        s = x.sum(axis=0)
        z = ar.sum() / np.sqrt(fit.mse_resid * (days + s @ fit.normalized_cov_params @ s))
        found = ms.TESTS["sq"].run(sample.take(np.array([k])), "less")
        assert found.pvalue == pytest.approx(p_of_rank(z, runs, "less"), rel=RTOL)
        assert found.statistic == pytest.approx(np.mean(np.array(runs) <= z), rel=RTOL)


def test_runs_as_long_as_the_series():
    assert run_sums(np.arange(3.0), np.ones(3, dtype=bool), 3).tolist() == [3.0]
    assert run_sums(np.arange(2.0), np.ones(2, dtype=bool), 3).tolist() == []


@pytest.mark.parametrize("row", range(FIRST, FIRST + 6))
def test_joint_rank(row):
    """Each estimation day is left out, the system estimated on the others, and its F computed as of an event day."""
    tickers = list(returns().columns[:4])
    sample = study((row,) * 4).sample(0, 0)

    def f_of(fits, y, x) -> float:
        residuals = np.column_stack([f.resid for f in fits])
        dof = fits[0].df_resid
        ar = y - np.array([x @ f.params for f in fits])
        c = 1 + x @ fits[0].normalized_cov_params @ x
        return ar @ np.linalg.inv(residuals.T @ residuals / dof) @ ar / c * (dof - 3) / (dof * 4)

    frame = returns().iloc[row - ESTIMATION : row + 1]
    x = sm.add_constant(frame[["m", "n"]].to_numpy())
    y = frame[tickers].to_numpy()
    past = [f_of([regress(t, row, drop=d)[0] for t in tickers], y[d], x[d]) for d in range(ESTIMATION)]
    today = f_of([regress(t, row)[0] for t in tickers], y[-1], x[-1])
    found = ms.TESTS["joint_rank"].run(sample, "two-sided")
    assert found.statistic == pytest.approx(today, rel=RTOL)
    assert found.pvalue == pytest.approx((1 + sum(p >= today for p in past)) / (ESTIMATION + 1), rel=RTOL)


def correlation_by_pairs(rows: tuple[int, ...], days: int, missing: float) -> float:
    """Mean over all pairs of the correlation on shared calendar days, each weighted by the overlap of its windows.

    Pairs of two dates whose windows overlap share one ratio: the products of all their pairs over the days of all.
    """
    series = []
    for ticker, row in zip(returns().columns, rows, strict=False):
        fit, use = regress(ticker, row, missing)
        e = (fit.resid - fit.resid.mean()) / np.sqrt(((fit.resid - fit.resid.mean()) ** 2).mean())
        series.append(dict(zip(np.arange(row - ESTIMATION, row)[use], e, strict=True)))
    products: dict[tuple[int, int], list[float]] = {}
    for (i, a), (j, b) in combinations(enumerate(series), 2):
        shared = sorted(a.keys() & b.keys())
        products.setdefault(tuple(sorted((rows[i], rows[j]))), []).extend(a[d] * b[d] for d in shared)
    pairs = list(combinations(rows, 2))
    overlap = [max(0, days - abs(a - b)) / days for a, b in pairs]
    r = [np.mean(products[tuple(sorted(p))]) if w else 0.0 for p, w in zip(pairs, overlap, strict=True)]
    return float(np.mean(np.multiply(overlap, r)))


@pytest.mark.parametrize("rows", [ONE_DATE, DAILY, TWICE, APART], ids=["one date", "daily", "twice", "apart"])
@pytest.mark.parametrize("days", [1, 2, 5, 8])
@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_correlation_by_date(rows, days, missing):
    found = study(rows, missing).sample(0, days - 1).correlation_by_date
    assert found == pytest.approx(correlation_by_pairs(rows, days, missing), rel=RTOL, abs=1e-12)


def test_correlation_of_one_event_and_of_places():
    sample = study(APART).sample(0, 0)
    assert mean_correlation(sample.take(np.array([0])).evidence, 1, "date") == 0.0
    residuals = np.array([regress(t, r)[0].resid for t, r in zip(returns().columns, APART, strict=False)])
    expected = np.corrcoef(residuals)[np.triu_indices(12, 1)].mean()
    assert mean_correlation(sample.evidence, 1, "pairwise") == pytest.approx(expected, rel=RTOL)


@pytest.mark.parametrize("rows", [APART, DAILY, TWICE], ids=["apart", "daily", "twice"])
@pytest.mark.parametrize("days", [1, 3])
def test_calendar_time(rows, days):
    """Day by day: the events whose window covers it, the standard deviation of the mean of their residuals."""
    fits = [regress(t, r) for t, r in zip(returns().columns, rows, strict=False)]
    z = []
    for day in sorted({r + d for r in rows for d in range(days)}):
        held = [k for k, r in enumerate(rows) if 0 <= day - r < days]
        ar = [abnormal(fits[k][0], returns().columns[k], rows[k], days)[0][day - rows[k]] for k in held]
        past: dict[int, list[float]] = {}
        for k in held:
            for date, e in zip(range(rows[k] - ESTIMATION, rows[k]), fits[k][0].resid, strict=True):
                past.setdefault(date, []).append(e)
        means = [np.mean(v) for v in past.values() if len(v) >= len(held) / 2]
        z.append(np.mean(ar) / np.std(means, ddof=1))
    found = ms.TESTS["calendar_time"].run(study(rows).sample(0, days - 1), "two-sided")
    assert found.statistic == pytest.approx(np.sum(z) / np.sqrt(len(z)), rel=RTOL)
    assert found.note == f"{len(z)} calendar days"


def daily_ranks(missing: float, standardized: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return U = rank / (1 + days ranked) - 1/2 of each firm on estimation and event days, NaN where missing."""
    rows, sars = [], []
    for ticker in returns().columns[:12]:
        fit, use = regress(ticker, FIRST, missing)
        ar, x = abnormal(fit, ticker, FIRST, WINDOW, missing)
        h = np.einsum("ij,jk,ik->i", fit.model.exog, fit.normalized_cov_params, fit.model.exog)
        c = 1 + np.einsum("ij,jk,ik->i", x, fit.normalized_cov_params, x)
        e = np.full(ESTIMATION, np.nan)
        sigma = np.sqrt(fit.mse_resid)
        e[use] = fit.resid / (sigma * np.sqrt(1 - h)) if standardized else fit.resid
        rows.append(e)
        sars.append(ar / (sigma * np.sqrt(c)) if standardized else ar)
    event = np.array(sars)
    if standardized:
        event = event / np.nanstd(event, axis=0, ddof=1)
    values = np.hstack([np.array(rows), event])
    return np.array([stats.rankdata(v, nan_policy="omit") / (1 + np.isfinite(v).sum()) - 0.5 for v in values])


@pytest.mark.parametrize(
    ("name", "power", "standardized"),
    [("corrado", 1.0, False), ("corrado_zivney", 0.5, False), ("corrado_zivney_standardised", 0.5, True)],
)
@pytest.mark.parametrize("window", [(0, 0), (1, 1), (0, 3)])
def test_rank_statistics_with_missing_days(name, power, standardized, window):
    u = daily_ranks(0.2, standardized)
    count = np.isfinite(u).sum(axis=0)
    assert len(set(count)) > 3  # the scale of each day matters
    daily = np.nansum(u, axis=0) / count**power
    days = daily[ESTIMATION:][window[0] : window[1] + 1]
    expected = days.sum() / (np.sqrt(len(days)) * np.sqrt((daily**2).mean()))
    found = ms.TESTS[name].run(study(ONE_DATE, 0.2).sample(*window), "two-sided")
    assert found.statistic == pytest.approx(expected, rel=RTOL)
    sample = study(ONE_DATE, 0.2).sample(*window, conventions=ms.Conventions(rank_moment="sample"))
    expected = days.sum() / (np.sqrt(len(days)) * daily.std(ddof=1))
    assert ms.TESTS[name].run(sample, "two-sided").statistic == pytest.approx(expected, rel=RTOL)


class TestFew:
    """Samples at the edge of what a test needs."""

    def test_one_event(self):
        one = study(ONE_DATE).sample(0, 1).take(np.array([2]))
        row = study(ONE_DATE).car(0, 1).iloc[2]
        z = parametric.mackinlay(one, "two-sided")
        assert isinstance(z, TestResult)
        assert (z.statistic, z.n_events) == (pytest.approx(row["t"], rel=1e-12), 1)
        t = parametric.t_firm(one, "two-sided")
        assert (t.statistic, t.pvalue, t.n_events) == (pytest.approx(row["t"]), pytest.approx(row["pvalue"]), 1)

    def test_no_return(self):
        frame = returns().copy()
        frame.iloc[FIRST : FIRST + 2, 0] = np.nan
        events = pd.DataFrame({"ticker": ["F00"], "date": INDEX[[FIRST]]})
        made = ms.event_study(
            events, returns=frame, model=MODEL, window=(0, 7), estimation=(-45, -1), min_obs=20, calendar="index"
        )
        sample = made.sample(0, 1)
        for name, n in (("t_firm", 1), ("mackinlay", 0), ("patell", 0), ("t_cross_sectional", 0), ("calendar_time", 0)):
            found = ms.TESTS[name].run(sample, "two-sided")
            assert isinstance(found, Inapplicable), name
            assert found.n_events == n

    @pytest.mark.parametrize("name", ["patell_adjusted", "kolari_pynnonen"])
    @pytest.mark.parametrize(("r", "applies"), [(-0.6, False), (-0.5, False), (-0.49, True), (0.3, True)])
    def test_correlations_that_leave_no_variance(self, monkeypatch, name, r, applies):
        """Pairwise correlations of different days need not form a correlation matrix: three firms at -0.6 do not."""
        monkeypatch.setattr(parametric, "_correlation", lambda sample: r)
        sample = study(ONE_DATE).sample(0, 0).take(np.arange(3))
        found = ms.TESTS[name].run(sample, "two-sided")
        assert isinstance(found, TestResult) is applies
        plain = ms.TESTS["patell" if name == "patell_adjusted" else "bmp"].run(sample, "two-sided")
        if applies:
            scale = np.sqrt((1 if name == "patell_adjusted" else 1 - r) / (1 + 2 * r))
            assert found.statistic == pytest.approx(plain.statistic * scale, rel=1e-12)


class TestEdges:
    """Rules at their boundaries, by formula and count."""

    def test_one_event_is_not_called_dependent(self):
        one = study(ONE_DATE).sample(0, 0).take(np.array([0]))
        assert failures(ms.TESTS["mackinlay"], one) == []
        two = study(ONE_DATE).sample(0, 0).take(np.arange(2))
        assert failures(ms.TESTS["mackinlay"], two)[0].startswith("misleads here: the events share one date")

    def test_an_abnormal_return_of_zero_has_no_sign(self):
        frame = returns().copy()
        frame["F00"] = frame["m"] + 0.01 * (np.arange(400) % 2) * (INDEX[FIRST] > INDEX)
        events = pd.DataFrame({"ticker": ["F00", "F01"], "date": INDEX[FIRST]})
        made = ms.event_study(
            events, returns=frame, model=ms.MarketAdjusted("m"), window=(0, 7), estimation=(-45, -1), min_obs=20,
            calendar="index",
        )  # fmt: skip
        sample = made.sample(0, 0)
        assert sample.sum.car[0] == 0.0
        assert (sample.n_positive + sample.n_negative, ms.TESTS["sign"].run(sample, "less").n_events) == (1, 1)

    def test_skewness_adjusted_t(self):
        """Johnson's t of the BHARs by scipy's skewness: g has divisor n and the standard deviation's n - 1."""
        sample = study(APART).sample(0, 3)
        bhar = study(APART).bhar(0, 3)["bhar"].to_numpy()
        s, g = bhar.mean() / bhar.std(ddof=1), stats.skew(bhar) * (11 / 12) ** 1.5
        expected = np.sqrt(12) * (s + g * s**2 / 3 + g / 72)
        assert ms.TESTS["skewness_adjusted"].run(sample, "less").statistic == pytest.approx(expected, rel=RTOL)

    @pytest.mark.parametrize(("dof", "applies"), [(2, False), (3, True)])
    def test_patell_needs_three_degrees_of_freedom(self, dof, applies):
        """The variance dof / (dof - 2) of a t is finite from three on."""
        sample = study(ONE_DATE).sample(0, 0)
        fit = replace(sample.evidence.fit, dof=np.full(12, dof))
        few = replace(sample, evidence=replace(sample.evidence, fit=fit))
        found = ms.TESTS["patell"].run(few, "two-sided")
        assert isinstance(found, TestResult) is applies
        if applies:
            assert found.statistic == pytest.approx(sample.sum.scar.sum() / np.sqrt(12 * 3), rel=RTOL)

    def test_two_firms_can_be_equal(self):
        """Equality of two CARs is the t of their difference, squared."""
        pair = study(ONE_DATE).sample(0, 2).take(np.arange(2))
        found = ms.TESTS["joint_equal"].run(pair, "two-sided")
        frame = returns().assign(D=returns()["F00"] - returns()["F01"])
        event = pd.DataFrame({"ticker": ["D"], "date": INDEX[[FIRST]]})
        one = ms.event_study(
            event, returns=frame, model=MODEL, window=(0, 7), estimation=(-45, -1), min_obs=20, calendar="index"
        )
        assert found.statistic == pytest.approx(one.car(0, 2)["t"].iloc[0] ** 2, rel=RTOL)
        assert isinstance(ms.TESTS["joint_equal"].run(pair.take(np.array([0])), "two-sided"), Inapplicable)

    @pytest.mark.parametrize(("n", "applies"), [(19, False), (20, True)])
    def test_the_block_bootstrap_needs_twenty_days(self, n, applies):
        names = ["F00", "F01"]
        events = pd.DataFrame({"ticker": names, "date": INDEX[FIRST]})
        made = ms.event_study(
            events, returns=returns(), model=MODEL, window=(0, 7), estimation=(-n, -1), min_obs=10, calendar="index"
        )
        found = ms.TESTS["block_bootstrap"].run(made.sample(0, 0), "less")
        assert isinstance(found, TestResult) is applies
        if not applies:
            assert found.reason == "fewer than 20 estimation days"

    @pytest.mark.parametrize("name", ["brown_warner", "block_bootstrap"])
    def test_a_day_without_any_return(self, name):
        frame = returns().copy()
        frame.iloc[FIRST + 1, :12] = np.nan
        events = pd.DataFrame({"ticker": ["F00", "F01"], "date": INDEX[FIRST]})
        made = ms.event_study(
            events, returns=frame, model=MODEL, window=(0, 7), estimation=(-20, -1), min_obs=10, calendar="index"
        )
        found = ms.TESTS[name].run(made.sample(0, 2), "less")
        assert isinstance(found, Inapplicable)
        assert found.reason == "no return on a day of the window"
        alone = replace(made.sample(0, 0)).take(np.array([0]))
        assert isinstance(ms.TESTS[name].run(alone, "less"), TestResult)


def drifting(event: float) -> Sample:
    """Three firms that gain 1 % a day more than the market, and `event` on the event day: their residuals drift."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(0.01 + rng.normal(0, 0.01, (400, 3)), index=INDEX, columns=list("abc")).assign(m=0.0)
    frame.iloc[FIRST] = [event, event, event, 0.0]
    events = pd.DataFrame({"ticker": list("abc"), "date": INDEX[FIRST]})
    made = ms.event_study(
        events, returns=frame, model=ms.MarketAdjusted("m"), window=(0, 7), estimation=(-60, -1), min_obs=20,
        calendar="index",
    )  # fmt: skip
    return made.sample(0, 0)


class TestBlockBootstrap:
    def test_residuals_are_centered(self):
        """The null is a mean of zero: a return of zero is in the middle of the draws, whatever the residuals' mean."""
        sample = drifting(0.0)
        assert sample.evidence.mean_residual.mean() > 0.005
        assert ms.TESTS["block_bootstrap"].run(sample, "less").pvalue == pytest.approx(0.5, abs=0.1)

    @pytest.mark.parametrize("days", [1, 4])
    def test_draws_are_sums_over_the_window(self, days):
        """With blocks of one day the draws are independent: their standard deviation is sigma sqrt(L)."""
        sample = replace(study(ONE_DATE).sample(0, days - 1), resampling=ms.Resampling(draws=20_000, block=1))
        residuals = np.mean([regress(t, FIRST)[0].resid for t in returns().columns[:12]], axis=0)
        statistic = np.mean([abnormal(regress(t, FIRST)[0], t, FIRST, days)[0].sum() for t in returns().columns[:12]])
        found = ms.TESTS["block_bootstrap"].run(sample, "less")
        assert found.statistic == pytest.approx(statistic, rel=RTOL)
        if days == 1:
            expected = np.mean(residuals <= statistic)
        else:
            rng = np.random.default_rng(99)
            sums = rng.choice(residuals, (200_000, days)).sum(axis=1)
            expected = np.mean(sums <= statistic)
        assert found.pvalue == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 20_000))

    def test_missing_days_are_left_out_of_each_days_mean(self):
        made = study(ONE_DATE, 0.3)
        daily = made.ar.iloc[:, :4].mean().sum()  # of the firms there are, by day
        assert made.ar.iloc[:, :4].isna().any(axis=None)
        for name in ("block_bootstrap", "brown_warner"):
            found = ms.TESTS[name].run(made.sample(0, 3), "two-sided")
            scale = made.evidence.mean_residual.std(ddof=1) * 2 if name == "brown_warner" else 1.0
            assert found.statistic == pytest.approx(daily / scale, rel=RTOL)


class TestRegression:
    @pytest.mark.parametrize("n_traits", [1, 2])
    def test_fewest_events(self, n_traits):
        """Two degrees of freedom are left at least: one trait needs four events, two need five."""
        made = study(APART)
        rng = np.random.default_rng(0)
        traits = pd.DataFrame(rng.normal(size=(12, n_traits)), columns=list("xy")[:n_traits], index=made.events.index)
        enough = traits.iloc[: n_traits + 3]
        result = ms.regress_car(made, enough, 0, 2, cov="classic")
        fit = sm.OLS(made.car(0, 2)["car"].iloc[: n_traits + 3], sm.add_constant(enough)).fit()
        np.testing.assert_allclose(result.table["coefficient"], fit.params, rtol=1e-9)
        assert (result.table["df"] == 2).all()
        with pytest.raises(ms.errors.InputError, match=f"{n_traits + 2} events for {n_traits} traits"):
            ms.regress_car(made, traits.iloc[: n_traits + 2], 0, 2)
