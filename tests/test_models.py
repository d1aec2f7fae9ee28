"""What every model of the normal return must do, whatever its formula."""

from __future__ import annotations

import dataclasses
import json
import sys

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import ExclusionWarning, InputError, NoUsableEventsError

INDEX = pd.bdate_range("2021-01-01", periods=330)
EVENTS = pd.DataFrame({"ticker": ["A", "B", "C", "A"], "date": INDEX[[270, 280, 320, 300]], "event_id": list("wxyz")})
OPTIONS = {"window": (-2, 3), "estimation": (-220, -11), "min_obs": 30, "calendar": "index"}

MODELS = {
    "constant mean": ms.ConstantMean(),
    "market-adjusted": ms.MarketAdjusted("m"),
    "market": ms.MarketModel("m"),
    "market HC0": ms.MarketModel("m", cov="HC0"),
    "market HC1": ms.MarketModel("m", cov="HC1"),
    "market HC3": ms.MarketModel("m", cov="HC3"),
    "market HAC": ms.MarketModel("m", cov="HAC", lags=5),
    "factors": ms.FactorModel(["m", "f"], risk_free="rf"),
    "factors HAC": ms.FactorModel(["m", "f"], cov="HAC"),
    "CAPM": ms.CAPM("m", "rf"),
    "Fama-French": ms.FamaFrench(3),
    "Carhart": ms.FamaFrench(3, momentum=True),
    "five factors": ms.FamaFrench(5, cov="HC1"),
    "Scholes-Williams": ms.ScholesWilliams("m"),
    "Dimson": ms.Dimson("m", leads=1, lags=2),
    "Huber": ms.HuberModel(["m", "f"], risk_free="rf"),
    "Huber MAD": ms.HuberModel("m", variance="mad"),
    "GARCH": ms.GarchModel("m"),
    "GARCH t": ms.GarchModel(["m", "f"], dist="t", cov="classic", risk_free="rf"),
    "recent": ms.RecentVolatility(ms.MarketModel("m"), days=21),
    "recent adjusted": ms.RecentVolatility(ms.MarketAdjusted("m"), days=10),
    "recent Huber": ms.RecentVolatility(ms.HuberModel("m")),
}
# Likelihoods are maximised until they change by 1e-10, which leaves the sixth digit of a coefficient to the path taken.
LOOSE = {"GARCH", "GARCH t"}
NO_BETA = {"constant mean", "market-adjusted", "recent adjusted"}
AHEAD = np.arange(9, 15)
FRENCH = ("Mkt-RF", "SMB", "HML", "SMB5", "RMW", "CMA", "MOM")


def panel(seed: int = 1, missing: float = 0.0) -> pd.DataFrame:
    """Return generated returns: a market m, a factor f, rf, French factors, and firms A, B, C with volatile spells."""
    rng = np.random.default_rng(seed)
    n = len(INDEX)
    factors = rng.normal(0.0003, 0.01, (n, 2 + len(FRENCH)))
    spells = np.exp(0.5 * np.sin(np.arange(n) / 15))[:, None]
    loadings = rng.normal(0.6, 0.5, (factors.shape[1], 3)) * np.r_[1, 1, [0.1] * len(FRENCH)][:, None]
    firms = factors @ loadings + rng.standard_t(4, (n, 3)) * 0.01 * spells
    firms[rng.random(firms.shape) < missing] = np.nan
    rf = np.full(n, 5e-5) + 1e-5 * rng.random(n)
    columns = ["m", "f", *FRENCH, "RF", "rf", *"ABC"]
    return pd.DataFrame(np.column_stack([factors, rf, rf, firms]), index=INDEX, columns=columns)


class Frame:
    """A frame as a model's terms read it."""

    def __init__(self, frame):
        self.names = self.all_names = list(frame.columns)
        self.column = lambda name: frame[name].to_numpy()


def run(frame, model, events=EVENTS, **changed):
    return ms.event_study(events, returns=frame, factors=frame[[*FRENCH, "RF"]], model=model, **{**OPTIONS, **changed})


@pytest.fixture(params=MODELS)
def named(request):
    return request.param, MODELS[request.param]


def tolerance(name: str, usual: float) -> float:
    return 2e-4 if name in LOOSE else usual


def test_the_fit_has_the_shapes_of_the_contract(named):
    _, model = named
    study = run(panel(missing=0.05), model)
    fit, n, p = study.fit, len(EVENTS), len(model.param_names)
    assert fit.params.shape == (n, p)
    assert fit.cov_params.shape == (n, p, p)
    assert fit.sigma2_days.shape == (n, 6)
    assert fit.sigma2.shape == fit.dof.shape == fit.n_obs.shape == fit.residual_mean.shape == fit.problem.shape == (n,)
    assert (fit.sigma2 > 0).all()
    assert (fit.sigma2_days > 0).all()
    assert (fit.dof > 0).all()
    np.testing.assert_allclose(fit.cov_params, fit.cov_params.transpose(0, 2, 1), rtol=1e-9, atol=1e-18)
    assert (np.linalg.eigvalsh(fit.cov_params) > 0).all()
    assert (study.abnormal.variance[study.panel.event_data.mask] > 0).all()
    assert list(study.params.columns[:p]) == list(model.param_names)


def test_abnormal_return_is_return_less_what_the_coefficients_say(named):
    _, model = named
    frame = panel(missing=0.05)
    study = run(frame, model)
    columns = [term.resolve(Frame(frame)).values for term in model.terms[: len(model.param_names)]]
    x = np.column_stack([np.ones((len(frame), int(model.intercept))), *columns])[:, : len(model.param_names)]
    offset = model.offset.resolve(Frame(frame)).values if model.offset else 0.0
    for i, (event_id, event) in enumerate(EVENTS.set_index("event_id").iterrows()):
        at = INDEX.get_loc(event["date"])
        ar = (frame[event["ticker"]] - offset - x @ study.fit.params[i]).iloc[at - 2 : at + 4]
        np.testing.assert_allclose(study.ar.loc[event_id], ar, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", [n for n in MODELS if n not in NO_BETA])
@pytest.mark.parametrize("c", [-2.5, 0.7])
def test_adding_a_regressor_to_the_stock_leaves_its_abnormal_return(name, c):
    model = MODELS[name]
    frame = panel(missing=0.05)
    added = model.terms[0].resolve(Frame(frame)).values
    shifted = frame.copy()
    shifted[["A", "B", "C"]] += c * added[:, None]
    a, b = run(frame, model), run(shifted, model)
    np.testing.assert_allclose(a.ar, b.ar, rtol=tolerance(name, 1e-8), atol=tolerance(name, 1e-7) * 1e-3)
    np.testing.assert_allclose(a.sar, b.sar, rtol=tolerance(name, 1e-7), atol=tolerance(name, 1e-9))


def test_permuting_events_permutes_rows(named):
    _, model = named
    frame = panel(missing=0.05)
    order = [2, 0, 3, 1]
    a, b = run(frame, model), run(frame, model, EVENTS.iloc[order])
    expected = pd.DataFrame(b.car(0, 3))
    pd.testing.assert_frame_equal(pd.DataFrame(a.car(0, 3)).loc[expected.index], expected, rtol=1e-12)
    pd.testing.assert_frame_equal(a.params.loc[b.params.index], b.params, rtol=1e-12)


def test_one_event_equals_its_row_of_the_batch(named):
    _, model = named
    frame = panel(missing=0.05)
    batch = run(frame, model)
    for i in range(len(EVENTS)):
        alone = run(frame, model, EVENTS.iloc[[i]])
        assert len(alone) == 1
        np.testing.assert_allclose(alone.sar.iloc[0], batch.sar.iloc[i], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("unit", [0.02, 3.0])
def test_standardised_returns_do_not_depend_on_the_unit(named, unit):
    name, model = named
    frame = panel() * 0.2
    a, b = run(frame, model), run(frame * unit, model)
    loose = tolerance(name, 1e-8) * 10
    np.testing.assert_allclose(a.ar * unit, b.ar, rtol=loose, atol=loose * 1e-3 * unit)
    np.testing.assert_allclose(a.sar, b.sar, rtol=loose, atol=loose)


def test_gaps_in_both_windows_are_left_out_and_counted(named):
    _, model = named
    frame = panel()
    at = INDEX.get_loc(EVENTS["date"][0])
    frame.loc[INDEX[[at - 100, at - 50, at - 11, at + 1]], "A"] = np.nan
    study = run(frame, model, EVENTS.iloc[[0]])
    assert study.fit.n_obs[0] == 210 - 3
    assert study.car(0, 3)["n_days"].iloc[0] == 3
    assert np.isnan(study.ar.iloc[0][1])
    assert np.isfinite(study.ar.iloc[0].drop(1)).all()


def test_short_history_is_an_exclusion_or_a_shorter_estimation(named):
    _, model = named
    frame = panel()
    frame.loc[INDEX[:200], "B"] = np.nan
    with pytest.warns(ExclusionWarning):
        study = run(frame, model, min_obs=120)
    assert list(study.exclusions.index) == ["x"]
    assert run(frame, model).fit.n_obs[1] == 70


def test_history_that_starts_inside_the_estimation_window(named):
    """Leads and lags cost days at the ends of the data; they never cost the event."""
    _, model = named
    frame = panel().iloc[100:]
    study = run(frame, model)
    assert len(study) == len(EVENTS)
    lost = max((-t.shift for t in model.terms), default=0)
    assert study.fit.n_obs[0] == 270 - 10 - 100 - max(lost, 0)


@pytest.mark.parametrize("n_obs", [1, 2, 3, 4, 5, 6])
def test_hardly_any_days_are_an_exclusion_with_a_reason(named, n_obs):
    _, model = named
    frame = panel()
    at = INDEX.get_loc(EVENTS["date"][0])
    frame.loc[INDEX[: at - 10 - n_obs], "A"] = np.nan
    data = run(panel(), model, EVENTS.iloc[[0]]).panel.estimation_data
    fit = model.fit(
        data.y, data.x, data.mask & np.isfinite(frame.loc[INDEX[at - 220 : at - 10], "A"].to_numpy()), AHEAD
    )
    if fit.problem[0]:
        assert len(fit.problem[0]) > 20
        with pytest.raises(NoUsableEventsError, match=r"estimation|regressors|GARCH|robust"):
            run(frame, model, EVENTS.iloc[[0]], min_obs=1)
    else:
        assert np.isfinite(run(frame, model, EVENTS.iloc[[0]], min_obs=1).sar.to_numpy()).all()


@pytest.mark.parametrize("value", [0.0, 0.0003])
def test_constant_stock_is_an_exclusion(named, value):
    _, model = named
    frame = panel()
    frame["B"] = value
    if model.offset:
        frame["B"] = frame[model.offset.column] + value  # what is left after the offset is constant
    with pytest.warns(ExclusionWarning):
        study = run(frame, model)
    assert list(study.exclusions.index) == ["x"]
    assert study.exclusions["code"].iloc[0] == "not_estimable"
    assert "no variance" in study.exclusions["reason"].iloc[0]


@pytest.mark.parametrize("value", [0.0, 0.0003])
def test_constant_market_is_an_exclusion(named, value):
    name, model = named
    frame = panel()
    frame[["m", "Mkt-RF"]] = value
    frame[["rf", "RF"]] = 5e-5
    if name in NO_BETA:
        assert len(run(frame, model)) == len(EVENTS)
        return
    with pytest.raises(NoUsableEventsError) as caught:
        run(frame, model)
    assert all("collinear" in e.reason for e in caught.value.exclusions)


def test_inputs_are_not_changed(named):
    _, model = named
    frame = panel(missing=0.05)
    before = frame.copy()
    study = run(frame, model)
    pd.testing.assert_frame_equal(frame, before)
    data = study.panel.estimation_data
    arrays = [np.array(a) for a in (data.y, data.x, data.mask)]
    for array in (data.y, data.x, data.mask):
        array.setflags(write=False)
    model.fit(data.y, data.x, data.mask, study.panel.ahead)
    for array, kept in zip((data.y, data.x, data.mask), arrays, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_two_runs_give_the_same_bytes(named):
    _, model = named
    frame = panel(missing=0.05)
    a, b = run(frame, model), run(frame, model)
    assert a.car(0, 3).to_csv() == b.car(0, 3).to_csv()
    assert a.fit.cov_params.tobytes() == b.fit.cov_params.tobytes()
    assert a.abnormal.sar.tobytes() == b.abnormal.sar.tobytes()


def test_every_test_of_the_literature_runs(named):
    """Also where a test does not apply it says so; nothing warns and nothing fails."""
    _, model = named
    frame = panel()
    one_date = pd.DataFrame({"ticker": list("ABC"), "date": INDEX[280]})
    assert len(run(frame, model, one_date).tests(0, 1)) > 10
    assert len(run(frame, model).tests(0, 1)) > 10


def test_models_are_frozen_named_and_written_as_json(named):
    _, model = named
    with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
        model.name = "other"
    assert not hasattr(model, "__dict__")
    assert hash(model) == hash(model)
    said = json.loads(json.dumps(run(panel(), model).spec.to_dict(), allow_nan=False))
    assert said["model"]["class"] == type(model).__name__


def test_missing_arch_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "arch", None)
    with pytest.raises(InputError, match=r"pip install 'marketshock\[garch\]'"):
        run(panel(), ms.GarchModel("m"))


def test_garch_that_does_not_converge_is_an_exclusion(monkeypatch):
    """A fit stopped after one step keeps no number."""
    from arch.univariate import LS

    whole = LS.fit
    monkeypatch.setattr(LS, "fit", lambda self, **k: whole(self, options={"maxiter": 1}, **k))
    with pytest.raises(NoUsableEventsError, match="did not converge"):
        run(panel(), ms.GarchModel("m"))


def test_robust_covariance_changes_the_covariance_only():
    frame = panel(missing=0.05)
    plain = run(frame, MODELS["market"]).fit
    for name in ("market HC0", "market HC1", "market HC3", "market HAC"):
        other = run(frame, MODELS[name]).fit
        for part in ("params", "sigma2", "sigma2_days", "dof", "n_obs", "residual_mean"):
            np.testing.assert_array_equal(getattr(plain, part), getattr(other, part))
        assert not np.allclose(plain.cov_params, other.cov_params, rtol=1e-3)


def test_hc3_with_a_day_of_full_leverage_is_an_exclusion():
    frame = panel()
    frame["dummy"] = 0.0
    frame.loc[INDEX[200], "dummy"] = 1.0
    with pytest.raises(NoUsableEventsError, match="HC1"):
        run(frame, ms.FactorModel(["m", "dummy"], cov="HC3"))
    assert len(run(frame, ms.FactorModel(["m", "dummy"], cov="HC1"))) == len(EVENTS)


@pytest.mark.parametrize("name", ["market HC1", "Dimson", "Huber", "GARCH", "recent"])
def test_tests_of_one_system_do_not_apply_to_other_variances(name):
    one_date = pd.DataFrame({"ticker": list("ABC"), "date": INDEX[280]})
    tests = run(panel(), MODELS[name], one_date).tests(0, 0)
    assert tests.loc["portfolio", "note"].startswith("does not apply")


@pytest.mark.parametrize("name", ["market", "market-adjusted", "factors", "CAPM", "Scholes-Williams"])
def test_tests_of_one_system_apply_to_least_squares(name):
    one_date = pd.DataFrame({"ticker": list("ABC"), "date": INDEX[280]})
    assert np.isfinite(run(panel(), MODELS[name], one_date).tests(0, 0).loc["portfolio", "pvalue"])


def test_bundled_factors_are_read_and_their_vintage_recorded(prices, catalog):
    options = {"tickers": ["NVDA"], "prices": prices}
    event, french = catalog["deepseek-selloff"], ms.french_factors()
    for model in (ms.FamaFrench(5, momentum=True), ms.RecentVolatility(ms.FamaFrench(3))):
        own = ms.event_study(event, model=model, factors=french, **options)
        read = ms.event_study(event, model=model, **options)
        assert own.ar.equals(read.ar)
        assert read.spec.to_dict()["factor_vintage"] == str(french.attrs["vintage"]) != ""
    unnamed = french.copy()
    unnamed.attrs = {}
    study = ms.event_study(event, model=ms.CAPM("Mkt-RF", "RF"), factors=unnamed, **options)
    assert study.spec.to_dict()["factor_vintage"] is None
    with pytest.raises(InputError, match="simple returns"):
        ms.event_study(event, model=ms.FamaFrench(3), log=True, **options)
