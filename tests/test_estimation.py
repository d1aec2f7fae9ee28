"""Running sums give what the windows themselves give, in hard cases too, and say where they do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms
from marketshock.errors import ExclusionWarning, NoUsableEventsError
from marketshock.inference import sample as evidence
from marketshock.models import _moments
from marketshock.panel import estimation
from marketshock.panel.estimation import estimate

DAYS = pd.bdate_range("2012-01-02", periods=900)
NAMES = [f"S{i}" for i in range(6)]
FACTORS = ["F1", "F2", "F3", "F4", "F5"]


def market(seed=0, n_factors=5):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(0.008 * rng.standard_t(5, (900, n_factors)) + 0.0003, index=DAYS, columns=FACTORS[:n_factors])


def firms(factors, seed=1, missing=0.0, n=6):
    rng = np.random.default_rng(seed)
    values = factors.to_numpy() @ rng.uniform(-0.5, 1.5, (factors.shape[1], n)) + 0.02 * rng.normal(size=(900, n))
    values[rng.random(values.shape) < missing] = np.nan
    return pd.DataFrame(values, index=DAYS, columns=[f"S{i}" for i in range(n)])


def events(n=240, seed=2, names=6, first=270):
    rng = np.random.default_rng(seed)
    at = rng.choice(names * (900 - first), n, replace=False)
    return pd.DataFrame({"ticker": [f"S{i}" for i in at % names], "date": DAYS[first + at // names]})


def study(returns, factors, model, table=None, of=ms.event_study, **options):
    defaults = {"window": (-5, 5), "estimation": (-260, -11), "min_obs": 60, "calendar": "index"}
    table = events() if table is None else table
    return of(table, returns=returns, factors=factors, model=model, **{**defaults, **options})


def directly(made):
    """The same events, each window by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimation, "_running_sums_pay", lambda *_: False)
        return estimate(made.panel, made.spec.model)


def assert_same(made, rtol=1e-10):
    direct = directly(made)
    scale = np.abs(np.nanmax(direct.abnormal.ar))
    np.testing.assert_allclose(made.abnormal.ar, direct.abnormal.ar, rtol=rtol, atol=rtol * scale)
    there = ~np.isnan(direct.abnormal.ar)
    np.testing.assert_allclose(made.abnormal.variance[there], direct.abnormal.variance[there], rtol=rtol)
    for name in ("params", "cov_params", "sigma2", "sigma2_days", "residual_mean"):
        of_fit = getattr(direct.fit, name)
        np.testing.assert_allclose(
            getattr(made.fit, name), of_fit, rtol=rtol, atol=1e-10 * np.abs(of_fit).max(initial=0.0)
        )
    np.testing.assert_array_equal(made.fit.dof, direct.fit.dof)
    np.testing.assert_array_equal(made.fit.n_obs, direct.fit.n_obs)
    return direct


def models():
    yield "constant mean", ms.ConstantMean()
    yield "market-adjusted", ms.MarketAdjusted("F1")
    yield "market", ms.MarketModel("F1")
    yield "CAPM", ms.CAPM("F1", "F2")
    for k in (2, 3, 5):
        yield f"{k} factors", ms.FactorModel(FACTORS[:k])
    yield "excess", ms.FactorModel(FACTORS[:2], risk_free="F3")
    yield "leave one out", ms.MarketModel(ms.LeaveOneOut("F1", {"S0": 0.3, "S3": 0.1}))
    yield "equal-weighted", ms.MarketModel(ms.EqualWeighted(NAMES))
    yield "adjusted by the others", ms.MarketAdjusted(ms.EqualWeighted(NAMES))
    yield "two benchmarks", ms.FactorModel([ms.EqualWeighted(NAMES), "F2"])


@pytest.mark.parametrize("missing", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("model", [m for _, m in models()], ids=[n for n, _ in models()])
def test_running_sums_are_the_windows(model, missing):
    factors = market()
    made = study(firms(factors, missing=missing), factors, model)
    assert estimation._running_sums_pay(made.panel, model)
    assert_same(made)


def test_a_factor_that_is_missing_with_the_return_drops_the_day():
    factors = market()
    returns = firms(factors)
    returns.iloc[400:410], factors.iloc[405:408, 1] = np.nan, np.nan
    made = study(returns, factors, ms.FactorModel(FACTORS[:3]))
    assert (made.fit.n_obs < 250).any()
    assert_same(made)


def test_windows_that_begin_before_the_data_or_end_after_it():
    factors = market()
    table = pd.concat([events(first=100), pd.DataFrame({"ticker": "S1", "date": DAYS[-4:]})]).drop_duplicates()
    made = study(firms(factors), factors, ms.FactorModel(FACTORS[:2]), table, min_obs=60)
    assert made.fit.n_obs.min() < 250
    assert np.isnan(made.abnormal.ar).any()
    assert_same(made)


def test_many_events_are_what_statsmodels_says():
    """Each event by itself with statsmodels; the tests of the sample from these with scipy."""
    factors = market()
    returns = firms(factors, missing=0.05)
    table = events()
    table = table[table["date"] <= DAYS[-6]]  # whole windows
    made = study(returns, factors, ms.FactorModel(FACTORS[:2]), table)
    assert estimation._running_sums_pay(made.panel, made.spec.model)
    car, scar, dof = [], [], []
    for e, (row, column) in enumerate(zip(made.panel.row, made.panel.column, strict=True)):
        est, evt = slice(row - 260, row - 10), slice(row - 5, row + 6)
        x = sm.add_constant(factors[FACTORS[:2]])
        fit = sm.OLS(returns.iloc[est, column], x.iloc[est], missing="drop").fit()
        new = x.iloc[evt]
        np.testing.assert_allclose(made.fit.params[e], fit.params, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(made.fit.sigma2[e], fit.mse_resid, rtol=1e-10)
        np.testing.assert_allclose(made.abnormal.variance[e], fit.get_prediction(new).se_obs ** 2, rtol=1e-10)
        ar = returns.iloc[evt, column] - fit.predict(new)
        np.testing.assert_allclose(made.abnormal.ar[e], ar, rtol=1e-9, atol=1e-14)
        there = ar.notna()
        if not there.iloc[5]:
            continue  # no return covers day 0: in no mean of a window that holds it
        total = new[there].sum()
        car.append(ar.sum())
        scar.append(car[-1] / np.sqrt(fit.mse_resid * there.sum() + total @ fit.cov_params() @ total))
        dof.append(fit.df_resid)
    dof = np.array(dof)
    kept = study(returns, factors, ms.FactorModel(FACTORS[:2]), table, of=ms.summarize_events)
    for tests in (made.tests(-5, 5), kept.tests(-5, 5)):
        assert tests.loc["t_cross_sectional", "statistic"] == pytest.approx(
            stats.ttest_1samp(car, 0).statistic, rel=1e-9
        )
        assert tests.loc["bmp", "statistic"] == pytest.approx(stats.ttest_1samp(scar, 0).statistic, rel=1e-9)
        assert tests.loc["bmp", "pvalue"] == pytest.approx(stats.ttest_1samp(scar, 0).pvalue, rel=1e-9)
        z = np.sum(scar) / np.sqrt((dof / (dof - 2)).sum())
        assert tests.loc["patell", "statistic"] == pytest.approx(z, rel=1e-9)
        assert tests.loc["sign", "pvalue"] == pytest.approx(
            2 * stats.norm.sf(abs(2 * np.sum(np.array(car) > 0) - len(car)) / np.sqrt(len(car))), rel=1e-9
        )
    np.testing.assert_allclose(kept.aar()["aar"], made.ar.mean(), rtol=1e-9)
    np.testing.assert_allclose(kept.aar()["se"], made.ar.sem(), rtol=1e-9)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_tests_in_blocks_are_the_tests_at_once(monkeypatch, missing):
    factors = market()
    returns = firms(factors, missing=missing)
    options = {"which": "all", "resampling": ms.Resampling(draws=200)}
    once = study(returns, factors, ms.MarketModel("F1")).tests(-1, 2, **options)
    monkeypatch.setattr(evidence, "BLOCK", 23)
    blocks = study(returns, factors, ms.MarketModel("F1")).tests(-1, 2, **options)
    assert (once["pvalue"].notna()).sum() > 18
    for column in ("statistic", "pvalue"):
        np.testing.assert_allclose(blocks[column], once.loc[blocks.index, column], rtol=1e-9)
    assert list(blocks["n_events"]) == list(once["n_events"])


def test_a_correlation_that_is_much_work_is_not_in_a_note(monkeypatch):
    factors = market()
    made = study(firms(factors), factors, ms.MarketModel("F1"))
    assert "mean correlation" in made.tests(0, 1).loc["bmp", "note"]
    monkeypatch.setattr(evidence, "_FEW", 100)
    note = study(firms(factors), factors, ms.MarketModel("F1")).tests(0, 1).loc["bmp", "note"]
    assert "correlation" not in note
    assert "240 events on" in note or "overlap" in note


class TestStress:
    """Where differences of running sums lose digits: such events are computed again from their windows."""

    @pytest.mark.parametrize("tick", [1.0, 1e2, 1e4, 1e6])
    def test_one_bad_tick_before_the_windows(self, tick):
        factors = market()
        returns = firms(factors)
        returns.iloc[5] = tick
        assert_same(study(returns, factors, ms.MarketModel("F1")))

    @pytest.mark.parametrize("tick", [1e2, 1e4])
    def test_one_bad_tick_of_the_market(self, tick):
        factors = market()
        returns = firms(factors)
        factors.iloc[5, 0] = tick
        assert_same(study(returns, factors, ms.FactorModel(FACTORS[:2])))

    def test_returns_of_mean_one(self):
        factors = market()
        made = study(firms(factors) + 0.15, factors, ms.MarketModel("F1"))
        assert_same(made)

    def test_tiny_returns(self):
        factors = market()
        assert_same(study(firms(factors) * 1e-6, factors, ms.MarketModel("F1")))

    def test_a_stale_series(self):
        factors = market()
        returns = firms(factors)
        returns.iloc[200:520] = 0.0
        with pytest.warns(ExclusionWarning):
            made = study(returns, factors, ms.MarketModel("F1"))
        assert set(made.exclusions["code"]) == {"not_estimable"}
        assert_same(made)

    @pytest.mark.parametrize("sigma", [1e-6, 1e-9])
    def test_a_near_perfect_fit(self, sigma):
        factors = market()
        noise = sigma * np.random.default_rng(3).normal(size=(900, 6))
        returns = pd.DataFrame(
            1.3 * factors[["F1"]].to_numpy() + noise, index=DAYS, columns=[f"S{i}" for i in range(6)]
        )
        direct = assert_same(study(returns, factors, ms.MarketModel("F1")), rtol=1e-9)
        assert np.sqrt(direct.fit.sigma2).max() < 2 * sigma

    def test_nearly_collinear_factors(self):
        factors = market()
        factors["F2"] = factors["F1"] + 1e-5 * factors["F2"]
        made = study(firms(factors), factors, ms.FactorModel(FACTORS[:3]))
        direct = directly(made)
        np.testing.assert_allclose(made.abnormal.ar, direct.abnormal.ar, rtol=1e-9, atol=1e-12)

    def test_collinear_factors_are_an_exclusion(self):
        factors = market()
        factors["F2"] = 2 * factors["F1"]
        with pytest.raises(NoUsableEventsError, match="collinear"):
            study(firms(factors), factors, ms.FactorModel(FACTORS[:3]))


def test_a_security_is_estimated_alike_whoever_stands_beside_it():
    factors = market()
    returns, table = firms(factors, missing=0.05), events(1500)
    returns.iloc[[0, -1]] = 0.01  # the returns of each reach from the first row to the last
    whole = study(returns, factors, ms.FactorModel(FACTORS[:3]), table)
    for name in ("S0", "S4"):
        mine = table[table["ticker"] == name]
        alone = study(returns[[name]], factors, ms.FactorModel(FACTORS[:3]), mine)
        rows = (table["ticker"] == name).to_numpy()
        assert alone.abnormal.ar.tobytes() == whole.abnormal.ar[rows].tobytes()
        assert alone.fit.sigma2.tobytes() == whole.fit.sigma2[rows].tobytes()


def test_few_events_are_read_window_by_window():
    factors = market()
    made = study(firms(factors), factors, ms.MarketModel("F1"), events(12))
    assert not estimation._running_sums_pay(made.panel, made.spec.model)


def test_a_security_of_very_many_events_comes_in_parts():
    factors = market()
    table = pd.concat([events(600, names=1)] * 20)
    made = study(firms(factors), factors, ms.MarketModel("F1"), table, duplicates="keep")
    parts = list(estimation.estimated_blocks(made.panel, made.spec.model))
    assert len(parts) == 2
    assert sorted(np.concatenate([part.events for part in parts])) == list(range(12_000))
    assert_same(made)


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("model", [m for _, m in models()], ids=[n for n, _ in models()])
def test_compiled_loops_give_the_same_bits(monkeypatch, model, missing):
    pytest.importorskip("numba", reason="numba is not installed")
    factors = market()
    returns, table = firms(factors, missing=missing), pd.concat([events(), events(first=100, seed=9)]).drop_duplicates()
    plain = study(returns, factors, model, table)
    monkeypatch.setattr(_moments, "_LOADED", 0)
    monkeypatch.setattr(_moments, "_UNLOADED", 0)
    assert _moments.compiled(1) is not None
    fast = study(returns, factors, model, table)
    assert plain.abnormal.ar.tobytes() == fast.abnormal.ar.tobytes()
    for name in ("params", "cov_params", "sigma2"):
        assert getattr(plain.fit, name).tobytes() == getattr(fast.fit, name).tobytes()


def test_without_numba_nothing_is_compiled(monkeypatch):
    monkeypatch.setattr(_moments.importlib.util, "find_spec", lambda name: None)
    assert _moments.compiled(10**9) is None
