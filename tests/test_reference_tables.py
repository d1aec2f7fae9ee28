"""The tables computed in R with lm(), independently of this project (tests/reference/README.md)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms

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


def test_daily_means(case):
    study, name = case
    expected = table(name, "daily")
    aar = study.aar()
    np.testing.assert_allclose(aar["aar"], expected["AAR"], rtol=RTOL)
    np.testing.assert_allclose(aar["caar"], expected["CAAR"], rtol=RTOL)
    np.testing.assert_allclose(aar["aar"] / aar["se"], expected["t_cross_sectional"], rtol=RTOL)
    t = [study.tests(day, day, which="t_cross_sectional")["statistic"].iloc[0] for day in expected["rel"]]
    np.testing.assert_allclose(t, expected["t_cross_sectional"], rtol=RTOL)


def test_windows(case):
    study, name = case
    for row in table(name, "windows").to_dict("records"):
        car = study.car(row["lo"], row["hi"])
        np.testing.assert_allclose(car["car"].mean(), row["CAAR"], rtol=RTOL)
        mackinlay = car["car"].mean() / np.sqrt((car["se"] ** 2).sum() / len(car) ** 2)
        np.testing.assert_allclose(mackinlay, row["z_norm_mackinlay"], rtol=RTOL)
        test = study.tests(row["lo"], row["hi"], which="t_cross_sectional")
        np.testing.assert_allclose(test["statistic"].iloc[0], row["t_cross_sectional"], rtol=RTOL)
        m = study.params["n_obs"]
        patell = car["t"].sum() / np.sqrt(((m - 2) / (m - 4)).sum())
        np.testing.assert_allclose(patell, row["z_patell_scar"], rtol=RTOL)
