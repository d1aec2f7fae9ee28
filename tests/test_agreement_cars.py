"""Agreement of CARs, daily frames, coefficients and derivations with plain sums, products and regressions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from scipy import stats

import marketshock as ms

from .made_markets import MODELS, WINDOW, Market, markets, study, windows

CLOSE = {"rtol": 1e-8, "atol": 1e-13}
REGRESSIONS = [m for m in MODELS if m.intercept]


def predicted(market: Market, whole: ms.StudyResult, event_id: str) -> tuple[pd.Series, pd.DataFrame, pd.Series]:
    """Regress one event with statsmodels; return AR, covariance of AR over the window, and the returns of its days."""
    event = whole.events.loc[event_id]
    at = market.returns.index.get_loc(event["date"])
    estimation = market.returns.iloc[at + whole.spec.estimation.first : at + whole.spec.estimation.last + 1]
    days = market.returns.iloc[at + WINDOW[0] : at + WINDOW[1] + 1]
    names = [str(term) for term in whole.spec.model.terms]
    fit = sm.OLS(estimation[event["ticker"]], sm.add_constant(estimation[names]), missing="drop").fit()
    x = sm.add_constant(days[names], has_constant="add")
    ar = days[event["ticker"]] - x @ fit.params
    covariance = x.to_numpy() @ fit.cov_params().to_numpy() @ x.to_numpy().T + fit.mse_resid * np.eye(len(x))
    offsets = range(WINDOW[0], WINDOW[1] + 1)
    return ar.set_axis(offsets), pd.DataFrame(covariance, offsets, offsets), fit


@pytest.mark.parametrize("model", REGRESSIONS, ids=lambda m: m.name)
@given(market=markets())
@settings(max_examples=3)
def test_cars_equal_regressions_by_statsmodels(model, market):
    whole = study(market, model=model)
    cars = {days: whole.car(*days) for days in windows()}
    for event_id in whole.panel.event_id:
        ar, covariance, fit = predicted(market, whole, event_id)
        np.testing.assert_allclose(whole.ar.loc[event_id], ar, **CLOSE)
        np.testing.assert_allclose(whole.sar.loc[event_id], ar / np.sqrt(np.diag(covariance)), **CLOSE)
        shown = whole.params.loc[event_id]
        np.testing.assert_allclose(shown[list(model.param_names)].astype(float), fit.params, **CLOSE)
        np.testing.assert_allclose(
            shown[["sigma", "df", "n_obs"]].astype(float), [np.sqrt(fit.mse_resid), fit.df_resid, fit.nobs], **CLOSE
        )
        for (first, last), car in cars.items():
            there = ar.loc[first:last].dropna().index
            total, row = ar[there].sum(min_count=1), car.loc[event_id]
            se = np.sqrt(covariance.loc[there, there].to_numpy().sum()) if len(there) else np.nan
            reach = stats.t.ppf(0.975, fit.df_resid) * se
            expected = [total, se, total / se, fit.df_resid, 2 * stats.t.sf(abs(total / se), fit.df_resid)]
            columns = ["car", "se", "t", "df", "pvalue", "ci_low", "ci_high", "n_days"]
            expected += [total - reach, total + reach, len(there)]
            np.testing.assert_allclose(row[columns].astype(float), np.array(expected, dtype=float), **CLOSE)
            assert (row["note"] == "") == (len(there) == last - first + 1)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@given(market=markets())
@settings(max_examples=3)
def test_frames_hold_one_set_of_numbers(model, market):
    """car, bhar, aar, ar, sar, events and to_frame read one matrix of abnormal returns."""
    whole = study(market, model=model)
    tidy = whole.to_frame()
    wide = tidy["ar"].unstack("day").loc[whole.ar.index]
    pd.testing.assert_frame_equal(wide, whole.ar, check_names=False, check_exact=True)
    sar = tidy["sar"].unstack("day").loc[whole.ar.index]
    pd.testing.assert_frame_equal(sar, whole.sar, check_names=False, check_exact=True)
    np.testing.assert_allclose(tidy["return"] - tidy["expected"], tidy["ar"], **CLOSE)
    sessions = tidy["session"].to_numpy()
    for (event_id, day), value in tidy["return"].items():
        at = market.returns.index.get_loc(whole.events.loc[event_id, "date"]) + day
        assert sessions[tidy.index.get_loc((event_id, day))] == market.returns.index[at]
        np.testing.assert_equal(value, market.returns[whole.events.loc[event_id, "ticker"]].iloc[at])
    for first, last in windows():
        part = tidy[tidy.index.get_level_values("day").isin(range(first, last + 1))]
        by_event = part.groupby("event_id", sort=False)
        car, bhar = whole.car(first, last), whole.bhar(first, last)
        np.testing.assert_allclose(car["car"], by_event["ar"].sum(min_count=1), **CLOSE)
        assert (car["n_days"] == by_event["ar"].count()).all()
        grown = (1 + part[["return", "expected"]]).groupby("event_id", sort=False)
        held = grown.apply(lambda g: g.prod(skipna=False))
        np.testing.assert_allclose(bhar["bhar"], held["return"] - held["expected"], **CLOSE)
        assert (bhar["n_days"] == car["n_days"]).all()
        assert (bhar["note"] == car["note"]).all()
    assert (whole.events["n_event_days"] == whole.car(*WINDOW)["n_days"]).all()
    assert (whole.events["n_obs"] == whole.params["n_obs"]).all()
    assert (whole.car()["df"] == whole.params["df"]).all()


@given(market=markets())
@settings(max_examples=12)
def test_averages_by_day_equal_means_of_the_frame(market):
    whole = study(market)
    aar = whole.aar()
    np.testing.assert_allclose(aar["aar"], whole.ar.mean(), **CLOSE)
    assert (aar["n_events"] == whole.ar.count()).all()
    np.testing.assert_allclose(aar["caar"], aar["aar"].cumsum(skipna=False), **CLOSE)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
@given(market=markets())
@settings(max_examples=4)
def test_derivations_arrive_at_the_tables(model, market):
    whole = study(market, model=model, returns=None, prices=market.prices)
    for first, last in ((0, 0), WINDOW):
        car = whole.car(first, last)
        for event_id in whole.panel.event_id[:3]:
            row, told = car.loc[event_id], whole.explain(event_id, first, last).values
            if not row["n_days"]:
                assert np.isnan(row["car"])
                continue
            shown = [told[name] for name in ("car", "se", "t", "df", "p", "low", "high")]
            columns = ["car", "se", "t", "df", "pvalue", "ci_low", "ci_high"]
            np.testing.assert_allclose(shown, row[columns].astype(float), **CLOSE)


@given(market=markets())
@settings(max_examples=4)
def test_prices_and_their_returns_give_one_study(market):
    prices = market.prices.assign(m=market.prices["m"].ffill().bfill())  # its days are the sessions, in either form
    returns = prices.pct_change(fill_method=None)
    for log, given_returns in ((False, returns), (True, np.log1p(returns))):
        a = study(market, returns=None, prices=prices, log=log)
        b = study(market, returns=given_returns, log=log)
        long = given_returns.rename_axis("date").reset_index().melt("date", None, "ticker", "ret").dropna()
        c = study(market, returns=long, log=log)
        for other in (b, c):
            pd.testing.assert_frame_equal(a.ar, other.ar, check_exact=False, **CLOSE)
            mine = pd.DataFrame(a.car(*WINDOW))
            notes = [note.split("; no price")[0] for note in mine["note"]]  # only prices know the move over a gap
            mine["note"] = np.array(notes, dtype=object)
            theirs = pd.DataFrame(other.car(*WINDOW))
            pd.testing.assert_frame_equal(mine.astype({"note": theirs["note"].dtype}), theirs, **CLOSE)
            columns = ["ticker", "date", "code"]
            pd.testing.assert_frame_equal(a.exclusions[columns], other.exclusions[columns])


@given(market=markets())
@settings(max_examples=5)
def test_what_does_not_concern_a_study_does_not_change_it(market):
    """An unrelated security on the same sessions, the order of columns, and the unit of prices."""
    plain = study(market, returns=None, prices=market.prices)
    rng = np.random.default_rng(0)
    more = market.prices.assign(UNRELATED=50 * np.exp(np.cumsum(0.02 * rng.normal(size=len(market.returns)))))
    scaled = market.prices * pd.Series({"m": 7.0, "f": 0.3, "AA": 1000.0, "BB": 0.01, "CC": 3.0, "DD": 1.0})
    for prices in (more, more[more.columns[::-1]], scaled):
        other = study(market, returns=None, prices=prices)
        pd.testing.assert_frame_equal(plain.ar, other.ar, check_exact=False, rtol=1e-7, atol=1e-12)
        for days in ((0, 0), WINDOW):
            a, b = pd.DataFrame(plain.car(*days)), pd.DataFrame(other.car(*days))
            pd.testing.assert_frame_equal(a, b, check_exact=False, rtol=1e-7, atol=1e-12)
        pd.testing.assert_frame_equal(plain.alignment, other.alignment)
        columns = ["ticker", "date", "code"]
        pd.testing.assert_frame_equal(plain.exclusions[columns], other.exclusions[columns])
        a, b = plain.tests(*WINDOW), other.tests(*WINDOW)
        assert list(a.index) == list(b.index)
        np.testing.assert_allclose(a["pvalue"], b["pvalue"], rtol=1e-6, atol=1e-9)


@given(market=markets(exclusions=False))
@settings(max_examples=6)
def test_the_days_before_equal_a_study_of_those_days(market):
    """pretrend moves the estimation window; a study with those windows has the same CARs and tests."""
    whole = study(market, window=(0, 3))
    market = replace(market, events=market.events[market.events["event_id"].isin(whole.panel.event_id)])
    before = ms.pretrend(whole, 2)
    window = (before.window.first, before.window.last)
    estimation = (before.estimation.first, before.estimation.last)
    other = study(market, window=window, estimation=estimation)
    assert window == (-2, -1)
    there = before.table["car"].notna()
    assert list(before.table.index[there]) == list(other.panel.event_id)
    for name in ("car", "se", "t", "pvalue", "ci_low", "ci_high"):
        np.testing.assert_allclose(before.table.loc[there, name], other.car(*window)[name], **CLOSE)
    joint = other.tests(*window, which=list(before.joint.index))
    np.testing.assert_allclose(before.joint["statistic"], joint.loc[before.joint.index, "statistic"], **CLOSE)
