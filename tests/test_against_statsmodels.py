"""The batched estimation against an independent loop of statsmodels OLS, with and without gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import marketshock as ms

RTOL = 1e-10  # both solve the same least squares by orthogonal factorisations; what differs is rounding
WINDOW, ESTIMATION = (-3, 4), (-120, -11)


def market(gaps: bool, seed: int = 7, n_days: int = 400) -> pd.DataFrame:
    """Return generated returns of two factors and five securities on weekdays."""
    rng = np.random.default_rng(seed)
    index = pd.bdate_range("2020-01-01", periods=n_days)
    factors = rng.normal(0.0003, 0.01, (n_days, 2))
    loadings = rng.normal(1, 0.4, (2, 5))
    values = factors @ loadings + rng.standard_t(4, (n_days, 5)) * 0.015
    if gaps:
        values[rng.random(values.shape) < 0.07] = np.nan
        values[:250, 4] = np.nan  # a short history
    return pd.DataFrame(np.column_stack([factors, values]), index=index, columns=["m", "f", *"ABCDE"])


def events(frame: pd.DataFrame, which: str) -> pd.DataFrame:
    day = frame.index
    rows = {
        "several": [("A", day[200]), ("B", day[250]), ("C", day[333]), ("D", day[391])],
        "two events of one firm": [("A", day[200]), ("A", day[205]), ("B", day[205])],
        "one event": [("B", day[300])],
        "window cut off by the end": [("C", day[-2]), ("D", day[-1])],
        "short history": [("E", day[330]), ("A", day[60])],
        "events on closed days": [("A", day[204] + pd.Timedelta(days=SATURDAY[day[204].weekday()])), ("B", day[250])],
    }[which]
    return pd.DataFrame(rows, columns=["ticker", "date"])


CASES = [
    "several",
    "two events of one firm",
    "one event",
    "window cut off by the end",
    "short history",
    "events on closed days",
]
SATURDAY = {weekday: 5 - weekday for weekday in range(5)}  # days from a weekday to the Saturday of its week
MODELS = {
    "market": (ms.MarketModel("m"), ["m"], None),
    "two factors": (ms.FactorModel(["m", "f"]), ["m", "f"], None),
    "excess": (ms.FactorModel(["m"], risk_free="f"), ["m"], "f"),
    "mean": (ms.ConstantMean(), [], None),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("gaps", [False, True], ids=["complete", "gaps"])
@pytest.mark.parametrize("case", CASES)
def test_event_study_equals_a_loop_of_statsmodels(case, gaps, model):
    frame = market(gaps)
    chosen, names, risk_free = MODELS[model]
    study = ms.event_study(
        events(frame, case),
        returns=frame,
        model=chosen,
        window=WINDOW,
        estimation=ESTIMATION,
        min_obs=20,
        calendar="index",
        on_closed="next",
    )
    assert len(study) == len(events(frame, case))
    for event_id, event in study.events.iterrows():
        loop = one_event(frame, event["ticker"], event["date"], names, risk_free)
        np.testing.assert_allclose(study.params.loc[event_id].to_numpy()[: len(names) + 1], loop["params"], rtol=RTOL)
        np.testing.assert_allclose(study.params.loc[event_id, ["sigma", "df", "n_obs"]], loop["scale"], rtol=RTOL)
        np.testing.assert_allclose(study.ar.loc[event_id], loop["ar"], rtol=RTOL, atol=1e-15)
        np.testing.assert_allclose(study.sar.loc[event_id], loop["sar"], rtol=RTOL, atol=1e-13)
        car = study.car(0, 3).loc[event_id]
        got = car[["car", "se", "t", "pvalue", "ci_low", "ci_high"]].astype(float)
        np.testing.assert_allclose(got, loop["car"], rtol=RTOL, atol=1e-14)
        assert car["n_days"] == loop["n_days"]
        assert bool(car["note"]) == (loop["n_days"] < 4)


def one_event(frame, ticker, date, names, risk_free):
    """Estimate one event as a textbook would, with statsmodels; nothing of the library is used."""
    at = frame.index.get_loc(date)
    y = frame[ticker] - (frame[risk_free] if risk_free else 0)
    x = sm.add_constant(frame[names], has_constant="add") if names else pd.DataFrame({"const": 1.0}, index=frame.index)
    est = slice(max(at + ESTIMATION[0], 0), at + ESTIMATION[1] + 1)
    fit = sm.OLS(y.iloc[est], x.iloc[est], missing="drop").fit()
    days = pd.RangeIndex(at + WINDOW[0], at + WINDOW[1] + 1)
    padded = lambda s: s.reset_index(drop=True).reindex(days)  # noqa: E731
    ar = padded(y - x @ fit.params)
    forecast = fit.get_prediction(x).se_obs
    sar = ar / padded(pd.Series(forecast))
    summed = ar.loc[at : at + 3].dropna()
    total = x.iloc[summed.index].sum().to_numpy()
    se = np.sqrt(fit.mse_resid * len(summed) + total @ fit.cov_params().to_numpy() @ total)
    reach = stats.t.ppf(0.975, fit.df_resid) * se
    row = [np.nan] * 6
    if len(summed):
        car = summed.sum()
        row = [car, se, car / se, 2 * stats.t.sf(abs(car / se), fit.df_resid), car - reach, car + reach]
    return {
        "params": fit.params.to_numpy(),
        "scale": [np.sqrt(fit.mse_resid), fit.df_resid, fit.nobs],
        "ar": ar.to_numpy(),
        "sar": sar.to_numpy(),
        "car": row,
        "n_days": len(summed),
    }


@pytest.mark.parametrize("variance", ["about_mean", "about_zero"])
def test_market_adjusted_equals_its_definition(variance):
    frame = market(gaps=True)
    study = ms.event_study(
        events(frame, "several"),
        returns=frame,
        model=ms.MarketAdjusted("m", variance=variance),
        window=WINDOW,
        estimation=ESTIMATION,
        min_obs=20,
        calendar="index",
    )
    for event_id, event in study.events.iterrows():
        at = frame.index.get_loc(event["date"])
        excess = frame[event["ticker"]] - frame["m"]
        window = excess.iloc[at + ESTIMATION[0] : at + ESTIMATION[1] + 1].dropna()
        sigma = window.std(ddof=1) if variance == "about_mean" else np.sqrt((window**2).mean())
        np.testing.assert_allclose(study.params.loc[event_id, "sigma"], sigma, rtol=RTOL)
        np.testing.assert_allclose(study.ar.loc[event_id], excess.iloc[at - 3 : at + 5], rtol=RTOL)
        np.testing.assert_allclose(study.sar.loc[event_id], excess.iloc[at - 3 : at + 5] / sigma, rtol=RTOL)  # C = 1


def test_real_figures_equal_statsmodels(seven, returns):
    """The published numbers themselves: NVIDIA on 27 January, by hand from the bundled adjusted closes."""
    at = returns.index.get_loc("2025-01-27")
    est = returns.iloc[at - 260 : at - 10]
    fit = sm.OLS(est["NVDA"], sm.add_constant(est["^GSPC"])).fit()
    row = seven.params.loc["deepseek-selloff/NVDA"]
    np.testing.assert_allclose(row[["alpha", "^GSPC"]].astype(float), fit.params, rtol=RTOL)
    day = sm.add_constant(returns[["^GSPC"]]).iloc[[at]]
    expected = returns["NVDA"].iloc[at] - fit.predict(day).iloc[0]
    np.testing.assert_allclose(seven.ar.loc["deepseek-selloff/NVDA", 0], expected, rtol=RTOL)
    assert seven.panel.event_data.mask.all()
