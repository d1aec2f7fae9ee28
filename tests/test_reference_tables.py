"""The tables computed in R with lm(), independently of this project (tests/reference/README.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.inference.correlation import mean_correlation
from marketshock.inference.options import Conventions
from marketshock.inference.ranks import average_ranks

from .conftest import REFERENCE

RTOL = 1e-10  # R prints 17 digits; both sides are double precision least squares
SYNTHETIC = REFERENCE / "synthetic"
CASES = [f"{dates}_{gaps}" for dates in ("common", "individual") for gaps in ("complete", "gaps")]


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Return (study, name) of one reference case."""
    dates, gaps = request.param.split("_")
    returns = pd.read_csv(SYNTHETIC / f"input_returns_{gaps}.csv", index_col="date", parse_dates=True)
    listed = pd.read_csv(SYNTHETIC / "input_events.csv")
    rows = listed["row0"] if dates == "individual" else np.full(len(listed), 280)
    events = pd.DataFrame(
        {"event_id": listed["event_id"].astype(str), "ticker": listed["security"], "date": returns.index[rows]}
    )
    study = ms.event_study(
        events,
        returns=returns,
        model=ms.MarketModel("market"),
        window=(-5, 5),
        estimation=(-220, -11),
        calendar="index",
    )
    return study, request.param


def table(name: str, kind: str) -> pd.DataFrame:
    return pd.read_csv(SYNTHETIC / f"textbook_{name}_{kind}.csv")


def test_model(case):
    study, name = case
    expected = table(name, "model")
    np.testing.assert_allclose(study.params["alpha"], expected["alpha"], rtol=RTOL)
    np.testing.assert_allclose(study.params["market"], expected["beta"], rtol=RTOL)
    np.testing.assert_allclose(study.params["sigma"], expected["sigma_n_minus_2"], rtol=RTOL)
    assert (study.params["n_obs"].to_numpy() == expected["M"].to_numpy()).all()


@pytest.mark.parametrize("kind", ["ar", "sar"])
def test_abnormal_returns(case, kind):
    study, name = case
    expected = table(name, kind).set_index("rel")
    np.testing.assert_allclose(getattr(study, kind).to_numpy().T, expected, rtol=RTOL, atol=1e-15)


#: What R computed, by the convention each column follows (docs/methods.md): the pairwise mean correlation of rows
#: matched by event day, and estimation-window residuals standardised as if they were forecasts.
TEXTBOOK = {"correlation": "pairwise", "estimation_variance": "forecast"}
DAILY = {
    "t_cross_sectional": "t_cross_sectional",
    "z_patell": "patell",
    "z_adj_patell": "patell_adjusted",
    "t_bmp": "bmp",
    "t_kp": "kolari_pynnonen",
    "t_bw85_cda": "brown_warner",
    "z_sign": "sign",
    "z_gsign": "generalized_sign",
    "z_corrado": "corrado",
    "z_corrado_zivney": "corrado_zivney",
}
WINDOWS = {
    "t_cross_sectional": ("t_cross_sectional", "scar"),
    "z_patell_scar": ("patell", "scar"),
    "z_patell_csar": ("patell", "csar"),
    "t_bmp_scar": ("bmp", "scar"),
    "t_bmp_csar": ("bmp", "csar"),
    "t_kp_scar": ("kolari_pynnonen", "scar"),
    "t_kp_csar": ("kolari_pynnonen", "csar"),
    "t_cda": ("brown_warner", "scar"),
    "z_norm_mackinlay": ("mackinlay", "scar"),
    "z_gsign": ("generalized_sign", "scar"),
    "z_cum_rank": ("corrado", "scar"),
    "t_grank": ("grank_t", "scar"),
    "z_wilcoxon": ("wilcoxon", "scar"),
}


def test_daily_means(case):
    study, name = case
    expected = table(name, "daily")
    aar = study.aar()
    np.testing.assert_allclose(aar["aar"], expected["AAR"], rtol=RTOL)
    np.testing.assert_allclose(aar["caar"], expected["CAAR"], rtol=RTOL)
    daily = study.tests(-5, 5, which="t_cross_sectional", by="day")
    np.testing.assert_allclose(daily["statistic"], expected["t_cross_sectional"], rtol=RTOL)
    assert ((study.ar > 0).sum().to_numpy() == expected["n_pos"]).all()
    e = study.evidence
    phat = ((e.residuals > 0).sum(axis=1) / e.mask.sum(axis=1)).mean()
    np.testing.assert_allclose(phat, expected["phat"], rtol=RTOL)
    independent = study.ar.mean() / (np.sqrt((study.params["sigma"] ** 2).sum()) / len(study))
    np.testing.assert_allclose(independent, expected["z_bw80"], rtol=RTOL)


@pytest.mark.parametrize("column", DAILY)
def test_daily_statistics(case, column):
    study, name = case
    expected = table(name, "daily")
    conventions = Conventions(**TEXTBOOK)
    got = [
        study.tests(day, day, which=DAILY[column], conventions=conventions)["statistic"].iloc[0]
        for day in expected["rel"]
    ]
    np.testing.assert_allclose(got, expected[column], rtol=RTOL)


def test_mean_correlation(case):
    study, name = case
    expected = table(name, "daily")
    r = mean_correlation(study.evidence, 1, "pairwise")
    np.testing.assert_allclose(r, expected["rho_bar"], rtol=RTOL)
    np.testing.assert_allclose(np.sqrt((1 - r) / (1 + 11 * r)), expected["kp_factor"], rtol=RTOL)
    by_date = mean_correlation(study.evidence, 1, "date")
    if name == "common_complete":  # one date and no gap: aligning by date is aligning by place
        np.testing.assert_allclose(by_date, r, rtol=1e-9)
    if name.startswith("individual"):  # three of the twelve share a date; rows of equal place are other days
        assert abs(by_date - r) > 1e-4


@pytest.mark.parametrize("column", WINDOWS)
def test_window_statistics(case, column):
    study, name = case
    test, window = WINDOWS[column]
    conventions = Conventions(window=window, **TEXTBOOK)
    for row in table(name, "windows").to_dict("records"):
        result = study.tests(row["lo"], row["hi"], which=test, conventions=conventions).iloc[0]
        np.testing.assert_allclose(result["statistic"], row[column], rtol=RTOL)
        if test == "grank_t":
            assert result["df"] == row["df_grank"]
            np.testing.assert_allclose(result["pvalue"], row["p_grank"], rtol=1e-9)
            z = row["z_grank"]
            np.testing.assert_allclose(result["statistic"], z * np.sqrt(209 / (210 - z**2)), rtol=RTOL)


def test_window_means_and_ranks(case):
    study, name = case
    for row in table(name, "windows").to_dict("records"):
        car = study.car(row["lo"], row["hi"])["car"].to_numpy()
        np.testing.assert_allclose(car.mean(), row["CAAR"], rtol=RTOL)
        ranks = average_ranks(np.abs(car)[None, :], np.ones((1, len(car)), dtype=bool))[0]
        assert ranks[car > 0].sum() == row["W_plus"]
