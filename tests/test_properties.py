"""What must hold whatever the numbers are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marketshock as ms
from marketshock.inference.sample import Sample

INDEX = pd.bdate_range("2021-01-01", periods=160)
EVENTS = pd.DataFrame({"ticker": ["A", "B", "C", "A"], "date": INDEX[[120, 130, 150, 140]]})
OPTIONS = {"window": (-2, 3), "estimation": (-90, -11), "min_obs": 30, "calendar": "index"}
MODELS = [ms.MarketModel("m"), ms.MarketAdjusted("m"), ms.ConstantMean(), ms.FactorModel(["m", "f"])]
seeds = st.integers(0, 2**31)


def panel(seed: int, missing: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.01, (len(INDEX), 2))
    firms = factors @ rng.normal(1, 0.5, (2, 3)) + rng.standard_t(5, (len(INDEX), 3)) * 0.01
    firms[rng.random(firms.shape) < missing] = np.nan
    return pd.DataFrame(np.column_stack([factors, firms]), index=INDEX, columns=["m", "f", *"ABC"])


def run(frame, events=EVENTS, model=MODELS[0]):
    return ms.event_study(events, returns=frame, model=model, **OPTIONS)


@given(seeds, st.floats(-3, 3))
@pytest.mark.parametrize("model", [MODELS[0], MODELS[3]], ids=lambda m: m.name)
def test_adding_the_market_to_a_stock_leaves_its_abnormal_return(model, seed, c):
    frame = panel(seed, missing=0.05)
    shifted = frame.copy()
    shifted[["A", "B", "C"]] = frame[["A", "B", "C"]].add(c * frame["m"], axis=0)
    a, b = run(frame, model=model), run(shifted, model=model)
    np.testing.assert_allclose(a.ar, b.ar, rtol=1e-8, atol=1e-13)
    np.testing.assert_allclose(a.sar, b.sar, rtol=1e-7, atol=1e-10)


@given(seeds, st.permutations(range(4)))
@settings(max_examples=15)  # for each of four models
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_permuting_events_permutes_rows(model, seed, order):
    frame = panel(seed, missing=0.05)
    events = EVENTS.assign(event_id=list("wxyz"))
    a, b = run(frame, events, model), run(frame, events.iloc[list(order)], model)
    expected = pd.DataFrame(b.car(0, 3))
    pd.testing.assert_frame_equal(a.car(0, 3).loc[expected.index], expected, rtol=1e-12)
    pd.testing.assert_frame_equal(a.aar(), b.aar(), rtol=1e-12)


@given(seeds, st.floats(0.1, 50))
@settings(max_examples=15)  # for each of four models
@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_standardised_returns_do_not_depend_on_the_unit(model, seed, unit):
    """Returns times a constant: AR scales, SAR and t stay."""
    frame = panel(seed) * 0.1
    a, b = run(frame, model=model), run(frame * (unit / 50), model=model)
    np.testing.assert_allclose(a.ar * (unit / 50), b.ar, rtol=1e-9, atol=1e-14)
    np.testing.assert_allclose(a.sar, b.sar, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(a.car(0, 3)["pvalue"], b.car(0, 3)["pvalue"], rtol=1e-7)


@given(seeds, st.floats(0.01, 1000))
def test_scaling_prices_changes_nothing(seed, scale):
    prices = (1 + panel(seed)).cumprod() * 100
    events = EVENTS
    run_prices = lambda p: ms.event_study(events, prices=p, model=MODELS[0], **OPTIONS)  # noqa: E731
    np.testing.assert_allclose(run_prices(prices).ar, run_prices(prices * scale).ar, rtol=1e-7, atol=1e-12)


@given(seeds)
def test_car_of_one_day_is_ar_and_cars_add_up(seed):
    study = run(panel(seed))
    for day in range(-2, 4):
        car = study.car(day, day)
        np.testing.assert_allclose(car["car"], study.ar[day], rtol=1e-12)
        np.testing.assert_allclose(car["t"], study.sar[day], rtol=1e-9)
    np.testing.assert_allclose(
        study.car(-2, 0)["car"] + study.car(1, 3)["car"], study.car(-2, 3)["car"], rtol=1e-9, atol=1e-15
    )


@given(seeds)
def test_variance_of_the_window_exceeds_the_sum_of_daily_residual_variances(seed):
    """Estimation error can only add: V > L sigma^2."""
    study = run(panel(seed, missing=0.1))
    car, sigma = study.car(-2, 3), study.params["sigma"]
    assert (car["se"] ** 2 > car["n_days"] * sigma**2).all()


@given(seeds)
def test_residuals_are_orthogonal_to_the_regressors(seed):
    study = run(panel(seed, missing=0.2), model=MODELS[3])
    e = np.nan_to_num(study.evidence.residuals)
    x = np.where(study.evidence.mask[:, :, None], study.evidence.x, 0)
    np.testing.assert_allclose(np.einsum("em,emk->ek", e, x), 0, atol=1e-13)


@given(seeds)
def test_bhar_and_car_agree_on_one_day(seed):
    study = run(panel(seed))
    np.testing.assert_allclose(study.bhar(0, 0)["bhar"], study.car(0, 0)["car"], rtol=1e-9, atol=1e-15)


@given(seeds)
def test_bhar_is_the_difference_of_compounded_returns(seed):
    frame = panel(seed, missing=0.05)
    study = run(frame)
    tidy = study.to_frame().loc[(slice(None), range(4)), :]
    grown = (1 + tidy[["return", "expected"]]).groupby("event_id", sort=False).prod()
    grown[tidy["return"].isna().groupby("event_id", sort=False).any()] = np.nan  # nobody holds with a day left out
    np.testing.assert_allclose(study.bhar(0, 3)["bhar"], grown["return"] - grown["expected"], rtol=1e-9, atol=1e-14)


@given(seeds)
def test_same_input_same_bytes(seed):
    frame = panel(seed, missing=0.1)
    a, b = run(frame), run(frame)
    assert a.car(0, 3).to_csv() == b.car(0, 3).to_csv()
    assert a.ar.to_numpy().tobytes() == b.ar.to_numpy().tobytes()


def test_thousand_events_equal_each_by_itself():
    """A batch is the loop of its events, bit for bit up to rounding."""
    rng = np.random.default_rng(3)
    frame = panel(5, missing=0.1)
    days = INDEX[rng.integers(100, 156, 1000)]
    events = pd.DataFrame(
        {"ticker": rng.choice(list("ABC"), 1000), "date": days, "event_id": np.arange(1000).astype(str)}
    )
    batch = ms.event_study(events, returns=frame, model=MODELS[0], duplicates="keep", **OPTIONS)
    for i in rng.choice(len(batch), 25, replace=False):
        event_id = batch.panel.event_id[i]
        alone = run(frame, events[events["event_id"] == event_id])
        np.testing.assert_allclose(alone.ar.iloc[0], batch.ar.loc[event_id], rtol=1e-12, atol=1e-16)


ALL_TESTS = [name for name, test in ms.TESTS.items() if test.scope == "sample" and test.default]


@given(seeds, st.permutations(range(4)))
def test_every_test_ignores_the_order_of_events(seed, order):
    frame = panel(seed, missing=0.05)
    events = pd.DataFrame(
        {"ticker": ["A", "B", "C", "A"], "date": INDEX[[130, 130, 130, 145]], "event_id": list("wxyz")}
    )
    a, b = run(frame, events), run(frame, events.iloc[list(order)])
    x, y = (s.tests(0, 2, which=ALL_TESTS)["statistic"] for s in (a, b))
    np.testing.assert_allclose(x.loc[ALL_TESTS], y.loc[ALL_TESTS], rtol=1e-7, atol=1e-10)


@given(seeds, st.floats(0.1, 5))
def test_every_test_ignores_the_unit_of_returns(seed, unit):
    frame = panel(seed, missing=0.05) * 0.1
    scale_free = [name for name in ALL_TESTS if name != "skewness_adjusted"]  # compounding knows the unit
    a, b = run(frame), run(frame * unit)
    x, y = (s.tests(0, 2, which=scale_free).loc[scale_free, "pvalue"] for s in (a, b))
    np.testing.assert_allclose(x, y, rtol=1e-6, atol=1e-9)


@given(seeds)
def test_every_mean_test_changes_sign_with_the_data(seed):
    """Losses for gains: one-sided p-values change places. (Compounding is not symmetric.)"""
    frame = panel(seed)
    symmetric = [
        n
        for n in ALL_TESTS
        if n not in ("skewness_adjusted", "joint_f", "joint_rank", "joint_equal", "generalized_sign")
    ]
    a, b = run(frame), run(-frame)
    less = a.tests(0, 2, which=symmetric, alternative="less").loc[symmetric, "pvalue"]
    greater = b.tests(0, 2, which=symmetric, alternative="greater").loc[symmetric, "pvalue"]
    np.testing.assert_allclose(less, greater, rtol=1e-6, atol=1e-9)


@given(seeds)
def test_rank_tests_survive_monotone_maps_of_the_residuals(seed):
    """What is ranked may be stretched: a cube keeps order and sign."""
    evidence = run(panel(seed, missing=0.05)).evidence
    cubed = dataclasses.replace(evidence, abnormal=dataclasses.replace(evidence.abnormal, ar=evidence.abnormal.ar**3))
    object.__setattr__(cubed, "residuals", evidence.residuals**3)
    a, b = (ms.TESTS["corrado"].run(Sample(e, slice(2, 4)), "two-sided") for e in (evidence, cubed))
    assert a.statistic == pytest.approx(b.statistic, rel=1e-9)


@pytest.mark.parametrize("n", [1, 2, 1000])
def test_every_test_answers_for_every_number_of_events(n):
    rng = np.random.default_rng(n)
    frame = panel(2, missing=0.02)
    events = pd.DataFrame(
        {
            "ticker": rng.choice(list("ABC"), n),
            "date": INDEX[rng.integers(100, 156, n)],
            "event_id": np.arange(n).astype(str),
        }
    )
    tests = ms.event_study(events, returns=frame, model=MODELS[0], duplicates="keep", **OPTIONS).tests(
        0, 2, which="all"
    )
    sample = tests[tests["event_id"] == "(all)"]
    assert set(sample.index) == {name for name, test in ms.TESTS.items() if test.scope == "sample"}
    known = sample["pvalue"].dropna()
    assert known.between(0, 1).all()
    assert (sample.loc[sample["pvalue"].isna(), "note"].str.startswith("does not apply: ")).all()


@pytest.mark.parametrize("test", ["wild_bootstrap", "block_bootstrap"])
def test_bootstraps_are_seeded(test):
    rng = np.random.default_rng(0)
    events = pd.DataFrame(
        {"ticker": rng.choice(list("ABC"), 20), "date": INDEX[100:160:3], "event_id": np.arange(20).astype(str)}
    )
    study = ms.event_study(events, returns=panel(3), model=MODELS[0], **OPTIONS)
    pvalue = lambda seed: study.tests(0, 1, which=test, resampling=ms.Resampling(500, seed))["pvalue"].iloc[0]  # noqa: E731
    assert pvalue(1) == pvalue(1)
    assert {pvalue(seed) for seed in range(5)} != {pvalue(1)}
    assert abs(pvalue(1) - study.tests(0, 1, which="bmp")["pvalue"].iloc[0]) < 0.25
