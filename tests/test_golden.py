"""Constants published with another project's test-suite, each by its named convention (reference/README.md).

The inputs are the numbers that test-suite feeds its own code; only numbers are kept. A constant that follows a
convention this library does not have as such (a t with another divisor, say) is computed from the study's parts, in
the open.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.inference.correlation import mean_correlation
from marketshock.inference.ranks import average_ranks

from .conftest import REFERENCE

RTOL = 1e-10
GOLDEN = json.loads((REFERENCE / "golden.json").read_text())["values"]

MARKET = {
    "est_index": [-0.02, -0.01, 0.00, 0.01, 0.02, 0.03],
    "resid": [0.001, -0.001, 0.002, -0.002, 0.001, -0.001],
    "alpha": 0.005,
    "beta": 1.5,
    "evt_index": [0.015, -0.005, 0.010],
    "evt_firm": [0.040, 0.000, 0.030],
}
EVENTS = {
    "E1": {
        "est_index": [-0.02, -0.01, 0.00, 0.01, 0.02, 0.03, -0.015, 0.005],
        "resid": [0.001, -0.001, 0.002, -0.002, 0.0015, -0.0015, 0.0005, -0.0005],
        "alpha": 0.004,
        "beta": 1.2,
        "evt_index": [0.015, -0.005, 0.010],
        "evt_firm": [0.040, 0.000, 0.030],
    },
    "E2": {
        "est_index": [-0.018, -0.008, 0.002, 0.012, 0.022, 0.028, -0.012, 0.008],
        "resid": [0.0012, -0.0008, 0.0018, -0.0016, 0.0010, -0.0012, 0.0006, -0.0010],
        "alpha": 0.003,
        "beta": 1.0,
        "evt_index": [0.012, -0.004, 0.009],
        "evt_firm": [0.030, -0.010, 0.020],
    },
    "E3": {
        "est_index": [-0.025, -0.012, 0.001, 0.010, 0.020, 0.030, -0.010, 0.006],
        "resid": [0.0008, -0.0012, 0.0016, -0.0014, 0.0012, -0.0010, 0.0004, -0.0004],
        "alpha": 0.005,
        "beta": 1.4,
        "evt_index": [0.018, -0.006, 0.011],
        "evt_firm": [0.050, -0.005, 0.035],
    },
}


def series(spec):
    firm = [spec["alpha"] + spec["beta"] * x + e for x, e in zip(spec["est_index"], spec["resid"], strict=True)]
    return [*firm, *spec["evt_firm"]], [*spec["est_index"], *spec["evt_index"]]


def study(frame: pd.DataFrame, model, event_day: int, tickers, starts=None) -> ms.StudyResult:
    """Study tickers on row `event_day`, all rows before it being the estimation window."""
    dates = [frame.index[event_day + (start or 0)] for start in (starts or [0] * len(tickers))]
    return ms.event_study(
        pd.DataFrame({"ticker": tickers, "date": dates, "event_id": tickers}),
        returns=frame,
        model=model,
        window=(0, 2),
        estimation=(-event_day, -1),
        min_obs=event_day,
        calendar="index",
    )


def frame(**columns) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.bdate_range("2020-01-01", periods=n))


def check(name: str, got) -> None:
    np.testing.assert_allclose(np.ravel(got), GOLDEN[name]["expected"], rtol=RTOL, err_msg=GOLDEN[name]["convention"])


def test_market_model():
    firm, index = series(MARKET)
    result = study(frame(F=firm, m=index), ms.MarketModel("m"), 6, ["F"])
    check("mm.sigma", result.params["sigma"])
    plain = ms.Conventions(forecast_error=False)
    check("mm.ar_t", [result.sample(d, d, conventions=plain).standardized for d in range(3)])
    check("mm.car_t", [result.sample(0, d, conventions=plain).standardized for d in range(3)])


def test_market_adjusted():
    firm = [0.012, 0.008, 0.015, 0.006, 0.011, 0.009, 0.030, -0.010, 0.020]
    result = study(frame(F=firm, m=[0.010] * 6 + [0.012, -0.004, 0.008]), ms.MarketAdjusted("m"), 6, ["F"])
    check("madj.sigma", result.params["sigma"])
    check("madj.ar", result.ar)


def test_constant_mean():
    firm = [0.010, 0.014, 0.008, 0.012, 0.006, 0.010, 0.030, -0.005, 0.018]
    result = study(frame(F=firm), ms.ConstantMean(), 6, ["F"])
    check("cmean.sigma", result.params["sigma"])
    check("cmean.ar", result.ar)


def test_factor_models():
    columns = {
        "me": [0.010, -0.005, 0.008, 0.002, -0.010, 0.006, 0.004, -0.003, 0.012, -0.004, 0.006],
        "smb": [0.002, 0.001, -0.003, 0.004, 0.000, 0.002, -0.001, 0.003, 0.001, -0.002, 0.003],
        "hml": [-0.001, 0.002, 0.001, -0.002, 0.003, 0.000, 0.002, -0.001, 0.002, 0.001, -0.001],
        "mom": [0.003, -0.002, 0.001, 0.002, -0.001, 0.004, 0.000, 0.001, 0.001, 0.002, 0.000],
        "rmw": [0.001, 0.000, 0.002, -0.001, 0.002, -0.001, 0.003, 0.000, 0.002, -0.001, 0.001],
        "cma": [-0.002, 0.001, 0.000, 0.002, -0.001, 0.001, -0.002, 0.003, -0.001, 0.000, 0.002],
    }
    resid = np.array([0.0010, -0.0008, 0.0012, -0.0009, 0.0007, -0.0011, 0.0006, -0.0007])
    loadings = {"me": 1.1, "smb": 0.5, "hml": -0.3, "mom": 0.2, "rmw": 0.15, "cma": -0.1}
    excess = 0.0005 + sum(b * np.array(columns[f][:8]) for f, b in loadings.items()) + resid
    data = frame(F=[*excess, 0.020, -0.008, 0.014], **columns)
    for name, factors in (
        ("ff3", ["me", "smb", "hml"]),
        ("ff5", ["me", "smb", "hml", "rmw", "cma"]),
        ("carhart", ["me", "smb", "hml", "mom"]),
    ):
        result = study(data, ms.FactorModel(factors), 8, ["F"])
        np.testing.assert_allclose(result.params["sigma"], GOLDEN[f"{name}.sigma"]["expected"], rtol=RTOL)
        np.testing.assert_allclose(result.ar.iloc[0], GOLDEN[f"{name}.ar"]["expected"], rtol=RTOL)


def test_bhar():
    firm = [0.020, 0.010, 0.030, 0.005, 0.015, 0.025, 0.040, -0.010, 0.030]
    index = [0.010, 0.012, 0.020, 0.008, 0.010, 0.015, 0.015, -0.005, 0.010]
    result = study(frame(F=firm, m=index), ms.MarketAdjusted("m"), 6, ["F"])
    bhar = np.array([result.bhar(0, d)["bhar"].iloc[0] for d in range(3)])
    check("bhar", bhar)
    check("bhar_t", bhar / (result.params["sigma"].iloc[0] * np.sqrt([1, 2, 3])))


@pytest.fixture(scope="module")
def three() -> ms.StudyResult:
    """Three events, each with its own benchmark: laid one after the other on the calendar."""
    firms, index = {}, []
    for name, spec in EVENTS.items():
        firm, market = series(spec)
        firms[name] = [np.nan] * len(index) + firm + [np.nan] * (33 - len(index) - 11)
        index += market
    data = frame(**firms, m=index)
    return study(data, ms.MarketModel("m"), 8, list(EVENTS), starts=[0, 11, 22])


DAYS = range(3)


def statistics(three, name, windows, **conventions):
    chosen = ms.Conventions(**conventions)
    return [three.tests(a, b, which=name, conventions=chosen)["statistic"].iloc[0] for a, b in windows]


SINGLE = [(d, d) for d in DAYS]
CUMULATED = [(0, d) for d in DAYS]


def test_means(three):
    check("aar", three.aar()["aar"])
    check("cs_aar_t", statistics(three, "t_cross_sectional", SINGLE))
    check("cs_caar_t", statistics(three, "t_cross_sectional", CUMULATED))


def test_patell(three):
    check("patell_aar_z", statistics(three, "patell", SINGLE))
    check("patell_caar_z", statistics(three, "patell", CUMULATED, window="csar"))


def test_bmp_with_and_without_forecast_error(three):
    check("bmp_model_sigma_t", statistics(three, "bmp", SINGLE, forecast_error=False))
    check("cbmp_model_sigma_t", statistics(three, "bmp", CUMULATED, forecast_error=False))
    textbook = GOLDEN["bmp_fec_t(ours, textbook)"]["ours"]
    np.testing.assert_allclose(statistics(three, "bmp", SINGLE), textbook, rtol=RTOL)


def test_signs(three):
    check("sign_z", statistics(three, "sign", SINGLE))
    check("gen_sign_z", statistics(three, "generalized_sign", SINGLE))


def test_corrado(three):
    e = three.evidence
    mask = np.ones((3, 11), dtype=bool)
    ranks = average_ranks(np.hstack([e.residuals, e.abnormal.ar]), mask) / 12 - 0.5
    check("corrado_mean_rank", ranks.mean(axis=0)[-3:])
    check("corrado_z(sd ddof=1)", statistics(three, "corrado", SINGLE, rank_moment="sample"))
    population = GOLDEN["corrado_z(rms)"]["ours"]
    np.testing.assert_allclose(statistics(three, "corrado", SINGLE), population, rtol=RTOL)


def test_time_series(three):
    """What that project calls calendar time is the crude dependence adjustment of Brown and Warner."""
    check("caltime_t", statistics(three, "brown_warner", SINGLE))
    check("caltime_car_t", statistics(three, "brown_warner", CUMULATED))


def test_kolari_pynnonen(three):
    assert mean_correlation(three.evidence, 1, "pairwise") == pytest.approx(0.982703878471, rel=1e-10)
    kwargs = {"forecast_error": False, "correlation": "pairwise"}
    check("kp_t", statistics(three, "kolari_pynnonen", SINGLE, **kwargs))
    check("kp_car_t", statistics(three, "kolari_pynnonen", CUMULATED, **kwargs))


def test_volume_and_volatility():
    """Abnormal volume: the constant-mean model of log(V + 1); abnormal volatility: R^2 over its variance, less one."""
    volume = np.log(np.array([1000, 1200, 900, 1100, 1050, 950, 2000, 800, 1500]) + 1.0)
    firm = np.array([0.02, -0.01, 0.03, -0.02, 0.015, -0.005, 0.05, -0.04, 0.01])
    fits = [
        ms.ConstantMean().fit(y[None, :6], np.ones((1, 6, 1)), np.ones((1, 6), dtype=bool), np.arange(1, 4))
        for y in (volume, firm)
    ]
    check("abn_volume", volume[6:] - fits[0].params[0, 0])
    check("abn_volatility", firm[6:] ** 2 / fits[1].sigma2[0] - 1)


def test_every_constant_is_covered():
    source = Path(__file__).read_text("utf-8")
    for name in GOLDEN:
        assert name in source or name.split(".")[0] in {"ff3", "ff5", "carhart"}, name
