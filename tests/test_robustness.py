"""Other choices, placebo days and the days before, each against a plain regression by hand."""

from __future__ import annotations

import copy
import gc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

import marketshock as ms
from marketshock.errors import (
    ChoiceError,
    ExclusionWarning,
    InputError,
    NoUsableEventsError,
    UnknownNameError,
    WindowError,
)

EXACT = 1e-9  # relative: the same formula in another order of operations
MODEL = ms.MarketModel("^GSPC")
NVDA = "deepseek-selloff/NVDA"


def by_hand(y, x, at, window, estimation) -> tuple[float, float, int]:
    """Return CAR, its standard error and df of the market model about position `at`, one day at a time."""
    past = np.arange(at + estimation[0], at + estimation[1] + 1)
    past = past[np.isfinite(y[past]) & np.isfinite(x[past])]
    design = np.column_stack([np.ones(len(past)), x[past]])
    theta, *_ = np.linalg.lstsq(design, y[past], rcond=None)
    residual = y[past] - design @ theta
    dof = len(past) - 2
    now = np.arange(at + window[0], at + window[1] + 1)
    total = np.array([len(now), x[now].sum()])
    variance = residual @ residual / dof * (len(now) + total @ np.linalg.inv(design.T @ design) @ total)
    return float((y[now] - theta[0] - theta[1] * x[now]).sum()), float(np.sqrt(variance)), dof


# --- compare ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pair(seven, prices, catalog):
    other = ms.event_study(
        catalog["deepseek-selloff"],
        tickers=ms.MAGNIFICENT_SEVEN,
        prices=prices,
        model=ms.MarketModel("^NDX"),
        estimation=(-130, -11),
    )
    return {"broad": seven, "tech": other}


def test_compare_holds_each_study_beside_the_other(pair, returns):
    frame = ms.compare(pair, 0, 1)
    assert list(frame.index.get_level_values("label").unique()) == ["broad", "tech"]
    assert len(frame) == 16
    at = returns.index.get_loc("2025-01-27")
    for label, index, estimation in (("broad", "^GSPC", (-260, -11)), ("tech", "^NDX", (-130, -11))):
        x = returns[index].to_numpy()
        for ticker in ms.MAGNIFICENT_SEVEN:
            row = frame.loc[(label, f"deepseek-selloff/{ticker}")]
            car, se, dof = by_hand(returns[ticker].to_numpy(), x, at, (0, 1), estimation)
            np.testing.assert_allclose(row[["car", "se", "df"]].astype(float), [car, se, dof], rtol=EXACT)
            assert row["benchmark"] == index
            assert row["estimation"] == str(estimation)
        portfolio = returns[list(ms.MAGNIFICENT_SEVEN)].mean(axis=1).to_numpy()
        car, se, dof = by_hand(portfolio, x, at, (0, 1), estimation)
        row = frame.loc[(label, "(mean)")]
        np.testing.assert_allclose(row[["car", "se", "t"]].astype(float), [car, se, car / se], rtol=EXACT)
        reach = stats.t.ppf(0.975, dof) * se
        np.testing.assert_allclose(row[["ci_low", "ci_high"]].astype(float), [car - reach, car + reach], rtol=1e-8)
        np.testing.assert_allclose(row["pvalue"], 2 * stats.t.sf(abs(car / se), dof), rtol=1e-8)
        assert row["test"] == "portfolio"
    assert "portfolio" in repr(frame)
    assert "portfolio" in frame._repr_html_()


def test_mean_by_other_tests(pair, seven):
    car = seven.car(0, 0)["car"]
    row = ms.compare(pair, 0, 0, test="t_cross_sectional").loc[("broad", "(mean)")]
    expected = stats.ttest_1samp(car, 0)
    np.testing.assert_allclose([row["t"], row["pvalue"]], [expected.statistic, expected.pvalue], rtol=EXACT)
    np.testing.assert_allclose(row["se"], car.std(ddof=1) / np.sqrt(7), rtol=EXACT)
    row = ms.compare(pair, 0, 0, test="mackinlay").loc[("broad", "(mean)")]
    np.testing.assert_allclose(row["ci_high"] - row["car"], stats.norm.ppf(0.975) * row["se"], rtol=1e-8)
    row = ms.compare(pair, 0, 0, test="corrado").loc[("broad", "(mean)")]
    assert np.isfinite(row["pvalue"])
    assert np.isnan(row["se"])  # a rank statistic is not the mean over a standard error


def test_a_test_that_does_not_apply_is_a_reason(prices):
    events = pd.DataFrame({"ticker": ["NVDA", "MSFT"], "date": ["2025-01-27", "2025-02-03"]})
    study = ms.event_study(events, prices=prices, model=MODEL)
    row = ms.compare([study], 0, 0, test="portfolio").loc[("market model (^GSPC)", "(mean)")]
    assert np.isnan(row["t"])
    assert row["note"].startswith("does not apply: the events fall on 2 dates")
    assert pd.isna(row["date"])
    assert ms.compare([study], 0, 0).loc[("market model (^GSPC)", "(mean)"), "test"] == "t_cross_sectional"


def test_a_gap_in_the_estimation_window_leaves_the_test_portfolio_without_a_standard_error(prices, catalog):
    """The portfolio test is estimated on common days, whose mean is not quite the mean CAR shown."""
    close = prices.adj_close.copy()
    close.loc["2024-09-04", "NVDA"] = np.nan
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA", "MSFT"], prices=close, model=MODEL)
    row = ms.compare([study], 0, 0, test="portfolio").loc[("market model (^GSPC)", "(mean)")]
    assert np.isfinite(row["pvalue"])
    assert np.isnan(row["se"])
    mean = ms.compare([study], 0, 0).loc[("market model (^GSPC)", "(mean)")]
    assert mean["note"].endswith("estimated on the 248 days all firms share (2 left out)")
    np.testing.assert_allclose(mean["t"], mean["car"] / mean["se"], rtol=EXACT)
    np.testing.assert_allclose(mean["se"], study.aar().loc[0, "se"], rtol=EXACT)
    np.testing.assert_allclose(mean["t"], row["t"], rtol=0.01)  # two days of 250


def test_labels_say_where_studies_differ(pair, seven):
    labels = ms.compare(list(pair.values()), 0, 0).index.get_level_values("label").unique()
    assert list(labels) == [
        "market model (^GSPC), estimation (-260, -11)",
        "market model (^NDX), estimation (-130, -11)",
    ]
    assert list(ms.compare([seven, seven]).index.get_level_values("label").unique()) == [
        "market model (^GSPC)",
        "market model (^GSPC) #2",
    ]


def test_compare_refuses(seven):
    for nothing in ([], {}, seven, "study"):
        with pytest.raises(InputError, match="studies: got"):
            ms.compare(nothing)
    with pytest.raises(InputError, match="give what event_study returns"):
        ms.compare({"a": 3})
    with pytest.raises(InputError, match="give what event_study returns"):
        ms.compare([seven, 3])
    with pytest.raises(UnknownNameError, match="did you mean 'portfolio'"):
        ms.compare([seven], test="portfolios")
    with pytest.raises(ChoiceError, match="t_firm"):
        ms.compare([seven], test="t_firm")
    with pytest.raises(WindowError):
        ms.compare([seven], 0, 9)
    with pytest.raises(InputError, match="confidence"):
        ms.compare([seven], confidence=95)


# --- specification curve ---------------------------------------------------------------------------------------------

WINDOWS, ESTIMATIONS = [(0, 0), (-1, 1), (0, 5)], [(-260, -11), (-130, -11)]


@pytest.fixture(scope="module")
def curve(prices, catalog):
    models = [ms.MarketModel("^GSPC"), ms.MarketModel("^NDX"), ms.ConstantMean()]
    return ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=["NVDA"],
        prices=prices,
        models=models,
        windows=WINDOWS,
        estimations=ESTIMATIONS,
    )


def test_every_specification_is_its_own_regression(curve, returns):
    assert len(curve) == 18
    at, y = returns.index.get_loc("2025-01-27"), returns["NVDA"].to_numpy()
    table = curve.table.set_index(["model", "window", "estimation"])
    for model, index in (("market model (^GSPC)", "^GSPC"), ("market model (^NDX)", "^NDX")):
        for window in WINDOWS:
            for estimation in ESTIMATIONS:
                car, se, dof = by_hand(y, returns[index].to_numpy(), at, window, estimation)
                row = table.loc[(model, str(window), str(estimation))]
                np.testing.assert_allclose(row[["car", "se", "df"]].astype(float), [car, se, dof], rtol=EXACT)
    assert set(curve.table["test"]) == {"t_firm"}


def test_summaries_of_a_curve(curve):
    car, p = curve.table["car"], curve.table["pvalue"]
    assert curve.share_significant() == sum(v < 0.05 for v in p) / 18
    assert curve.share_significant(0.001) == sum(v < 0.001 for v in p) / 18
    assert curve.range == (min(car), max(car))
    assert curve.median == np.median(car)
    assert curve.sign_agreement == 1.0
    assert "18 of 18 specifications" in repr(curve)
    assert "constant mean" in curve._repr_html_()
    with pytest.raises(InputError, match="level"):
        curve.share_significant(5)


def test_mean_of_several_events_agrees_with_compare(seven, prices, catalog):
    curve = ms.specification_curve(
        catalog["deepseek-selloff"], tickers=ms.MAGNIFICENT_SEVEN, prices=prices, models=[MODEL], windows=[(-1, 5)]
    )
    names = ["car", "se", "t", "pvalue", "ci_low", "ci_high"]
    expected = ms.compare([seven], -1, 5).loc[("market model (^GSPC)", "(mean)"), names]
    np.testing.assert_allclose(curve.table.loc[0, names].astype(float), expected.astype(float), rtol=EXACT)
    assert curve.what == "the mean of 7 events"
    one = ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=ms.MAGNIFICENT_SEVEN,
        prices=prices.adj_close,
        models=[MODEL],
        event_id=NVDA,
    )
    np.testing.assert_allclose(one.table.loc[0, "car"], seven.ar.loc[NVDA, 0], rtol=EXACT)


def test_what_cannot_be_estimated_is_a_row_with_its_reason(prices, catalog):
    curve = ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=["NVDA"],
        prices=prices,
        models=[MODEL],
        windows=[(0, 0), (-20, 0)],
        estimations=[(-260, -11), (-900, -600)],
    )
    assert curve.table["car"].notna().tolist() == [True, False, False, False]
    assert "reaches into the event window" in curve.table["note"][2]
    assert "no usable event" in curve.table["note"][1]
    assert len(curve.estimated) == 1
    assert "1 of 4 specifications estimated" in repr(curve)


def test_events_left_out_are_told_once(prices):
    events = pd.DataFrame({"ticker": ["NVDA", "MSFT"], "date": ["2025-01-27", "2023-03-01"]})
    with pytest.warns(ExclusionWarning, match="2 of 2 specifications leave events out") as seen:
        curve = ms.specification_curve(events, prices=prices, models=[MODEL, ms.ConstantMean()])
    assert len(seen) == 1
    assert curve.table["n_events"].tolist() == [1, 1]


def test_equal_names_and_short_windows(prices, catalog):
    models = [ms.MarketAdjusted("^GSPC"), ms.MarketAdjusted("^GSPC", variance="about_zero")]
    curve = ms.specification_curve(
        catalog["deepseek-selloff"], tickers="NVDA", prices=prices, models=models, estimations=[(-60, -11)]
    )
    assert curve.choices["model"] == ("market-adjusted (^GSPC)", "market-adjusted (^GSPC) #2")
    assert curve.table["se"].nunique() == 2


def test_curves_refuse(prices, catalog):
    event = catalog["deepseek-selloff"]

    def run(**options):
        return ms.specification_curve(event, **{"tickers": ["NVDA"], "prices": prices, "models": [MODEL], **options})

    for name in ("models", "windows", "estimations"):
        with pytest.raises(InputError, match=f"^{name}: got"):
            run(**{name: []})
    with pytest.raises(InputError, match=r"models: .*given twice"):
        run(models=[MODEL, ms.MarketModel("^GSPC")])
    with pytest.raises(WindowError, match="windows"):
        run(windows=(0, 0))
    with pytest.raises(InputError, match="no specification can be estimated"):
        run(windows=[(-20, 0)])
    with pytest.raises(UnknownNameError, match="event_id"):
        run(event_id="NVDA")
    with pytest.raises(UnknownNameError):
        run(models=[ms.MarketModel("^SPX")])


# --- placebo ---------------------------------------------------------------------------------------------------------


def placebo_by_hand(returns, ticker, window, own, estimation=(-260, -11), event="2025-01-27"):
    """Loop over every session: CAR and t of those whose windows fit and whose tested days miss the event's window."""
    y, x, zero = returns[ticker].to_numpy(), returns["^GSPC"].to_numpy(), returns.index.get_loc(event)
    forbidden = set(range(zero + own[0], zero + own[1] + 1))
    out = {}
    for at in range(-estimation[0], len(y) - max(0, window[1])):
        tested = range(at + window[0], at + window[1] + 1)
        if forbidden.isdisjoint(tested) and np.isfinite(y[list(tested)]).all():
            car, se, _ = by_hand(y, x, at, window, estimation)
            out[returns.index[at]] = (car, car / se)
    return pd.DataFrame(out, index=["car", "t"]).T


@pytest.mark.parametrize("window", [(0, 0), (-1, 5), (2, 3)])
def test_placebo_days_are_regressions_of_their_own(seven, returns, window):
    result = ms.placebo(seven, NVDA, *window)
    expected = placebo_by_hand(returns, "NVDA", window, (-1, 5))
    found = result.distribution.loc[NVDA]
    assert list(found.index) == list(expected.index)
    np.testing.assert_allclose(found.to_numpy(), expected.to_numpy(), rtol=1e-8)
    event = seven.car(*window).loc[NVDA]
    row = result.table.loc[NVDA]
    below, above, n = (expected["car"] <= event["car"]).sum(), (expected["car"] >= event["car"]).sum(), len(expected)
    assert row["car"] == event["car"]
    assert row["n_placebo"] == n
    assert row["pvalue_less"] == (1 + below) / (n + 1)
    assert row["pvalue_greater"] == (1 + above) / (n + 1)
    assert row["pvalue"] == min(1, 2 * (1 + min(below, above)) / (n + 1))
    assert row["rank"] == stats.rankdata([event["car"], *expected["car"]])[0]
    np.testing.assert_allclose(row["percentile"], stats.percentileofscore(expected["car"], event["car"], kind="weak"))
    assert ("overlap" in row["note"]) == (window != (0, 0))


def test_ranked_by_t(seven, returns):
    expected = placebo_by_hand(returns, "AAPL", (0, 0), (-1, 5))["t"]
    row = ms.placebo(seven, "deepseek-selloff/AAPL", 0, 0, by="t").table.iloc[0]
    assert row["rank"] == 1 + (expected < seven.sar.loc["deepseek-selloff/AAPL", 0]).sum()


def test_mean_over_the_firms_is_the_portfolio(seven, returns):
    result = ms.placebo(seven, None, 0, 0)
    portfolio = returns.assign(portfolio=returns[list(ms.MAGNIFICENT_SEVEN)].mean(axis=1))
    expected = placebo_by_hand(portfolio, "portfolio", (0, 0), (-1, 5))
    np.testing.assert_allclose(result.distribution.loc["(mean, 2025-01-27)"].to_numpy(), expected, rtol=1e-7)
    row = result.table.loc["(mean, 2025-01-27)"]
    test = seven.tests(0, 0, which="portfolio").iloc[0]
    np.testing.assert_allclose([row["car"], row["t"]], [seven.ar[0].mean(), test["statistic"]], rtol=EXACT)
    assert row["rank"] == 1 + (expected["car"] < row["car"]).sum()
    assert "rank" in repr(result)
    assert "(mean, 2025-01-27)" in result._repr_html_()


def test_benchmarks_without_the_firm_leave_the_mean_without_a_t(prices, catalog):
    model = ms.MarketModel(ms.EqualWeighted(ms.MAGNIFICENT_SEVEN))
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA", "MSFT"], prices=prices, model=model)
    result = ms.placebo(study, None, 0, 0)
    row = result.table.loc["(mean, 2025-01-27)"]
    assert np.isnan(row["t"])
    assert np.isfinite(row["rank"])
    firms = [result.distribution.loc[name, "car"] for name in study.panel.event_id]
    mean = result.distribution.loc["(mean, 2025-01-27)", "car"]
    np.testing.assert_allclose(mean, (firms[0] + firms[1]) / 2, rtol=EXACT)


def test_no_placebo_day_touches_another_event_of_the_firm(prices):
    events = pd.DataFrame({"ticker": ["NVDA", "NVDA", "MSFT"], "date": ["2024-10-15", "2025-01-27", "2025-01-27"]})
    study = ms.event_study(events, prices=prices, model=MODEL)
    result = ms.placebo(study, None, 0, 0)
    sessions = study.panel.returns.days
    for name in ("NVDA@2024-10-15", "NVDA@2025-01-27"):
        days = result.distribution.loc[name].index.to_numpy().astype("datetime64[D]")
        for zero in ("2024-10-15", "2025-01-27"):
            at = np.searchsorted(sessions, np.datetime64(zero))
            assert not np.isin(sessions[at - 1 : at + 6], days).any()
    of_msft = result.distribution.loc["MSFT@2025-01-27"].index
    assert pd.Timestamp("2024-10-15") in of_msft
    common = result.distribution.loc["(mean, 2025-01-27)"].index
    assert pd.Timestamp("2024-10-15") not in common  # the mean takes the days all firms have
    assert "(mean, 2024-10-15)" not in result.table.index  # one firm is no mean


def test_before_only(seven):
    result = ms.placebo(seven, None, 0, 0, before_only=True)
    assert result.distribution.index.get_level_values("session").max() < pd.Timestamp("2025-01-27")
    assert result.table["n_placebo"].iloc[0] == (result.distribution.loc[NVDA].index < "2025-01-27").sum()


def test_a_missing_price_takes_its_days_out(prices, catalog):
    close = prices.adj_close.copy()
    close.loc["2024-09-04", "NVDA"] = np.nan
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA"], prices=close, model=MODEL)
    days = ms.placebo(study, None, 0, 0).distribution.loc[NVDA].index
    assert not {pd.Timestamp("2024-09-04"), pd.Timestamp("2024-09-05")} & set(days)
    close.loc["2025-01-27", "NVDA"] = np.nan
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA"], prices=close, model=MODEL)
    row = ms.placebo(study, None, 0, 0).table.iloc[0]
    assert np.isnan(row["pvalue"])
    assert "no car to rank" in row["note"]


def test_history_too_short_for_any_placebo_day(prices, catalog):
    close = prices.adj_close.loc["2024-01-11":"2025-02-03"]  # the event's own windows and nothing more
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA", "MSFT"], prices=close, model=MODEL)
    result = ms.placebo(study, None, 0, 0)
    assert result.table["n_placebo"].tolist() == [0, 0, 0]
    assert result.table["pvalue"].isna().all()
    assert "longer history" in result.table["note"].iloc[0]
    assert "sessions none" in repr(result)
    with pytest.raises(InputError, match="longer history"):
        ms.plots.placebo(result, NVDA)


@pytest.mark.parametrize(
    "model",
    [
        ms.FamaFrench(3),
        ms.ScholesWilliams("^GSPC"),
        ms.HuberModel("^GSPC"),
        ms.RecentVolatility(ms.MarketModel("^GSPC")),
        ms.MarketAdjusted("^GSPC"),
    ],
    ids=lambda m: type(m).__name__,
)
def test_every_model_is_a_study_of_each_placebo_day(model, prices, catalog):
    """The public door gives the same: each day studied by event_study as an event of its own."""
    study = ms.event_study(catalog["deepseek-selloff"], tickers=["NVDA"], prices=prices, model=model)
    days = ms.placebo(study, None, 0, 1).distribution.loc[NVDA].iloc[5::60]
    events = pd.DataFrame({"ticker": "NVDA", "date": days.index})
    each = ms.event_study(events, prices=prices, model=model).car(0, 1)
    np.testing.assert_allclose(each["car"], days["car"], rtol=1e-8)
    np.testing.assert_allclose(each["t"], days["t"], rtol=1e-8)
    assert np.isfinite(ms.pretrend(study, 5).table["pvalue"]).all()


def test_placebo_refuses(seven):
    with pytest.raises(UnknownNameError, match="did you mean"):
        ms.placebo(seven, "deepseek-selloff/NVDAA")
    with pytest.raises(InputError, match="names no event"):
        ms.placebo(seven, [])
    with pytest.raises(WindowError):
        ms.placebo(seven, NVDA, 0, 9)
    with pytest.raises(ChoiceError, match="'car', 't'"):
        ms.placebo(seven, by="rank")


def simulated(seed: int, n_days: int = 260) -> pd.DataFrame:
    """Returns of one firm and a market without any event."""
    draw = np.random.default_rng(seed).standard_normal((n_days, 2)) * 0.01
    draw[:, 0] += 1.2 * draw[:, 1]
    return pd.DataFrame(draw, index=pd.bdate_range("2020-01-01", periods=n_days), columns=["A", "M"])


def test_placebo_and_pretrend_hold_their_size(monkeypatch):
    """Without an event 5 % of the p-values are below 0.05: 300 draws, three standard errors either way."""
    monkeypatch.setattr(gc, "collect", lambda *_: 0)  # statsmodels collects garbage in every Holm adjustment
    low = {"placebo": 0, "pretrend": 0}
    for seed in range(300):
        frame = simulated(seed)
        events = pd.DataFrame({"ticker": ["A"], "date": [frame.index[200]]})
        study = ms.event_study(
            events,
            returns=frame,
            model=ms.MarketModel("M"),
            window=(0, 0),
            estimation=(-60, -11),
            min_obs=40,
            calendar="index",
        )
        low["placebo"] += ms.placebo(study, None, 0, 0).table["pvalue"].iloc[0] < 0.05
        low["pretrend"] += ms.pretrend(study, 5).table["pvalue"].iloc[0] < 0.05
    for name, count in low.items():
        assert 0.0122 <= count / 300 <= 0.0878, name


# --- pre-trend -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "estimation"), [(5, (-260, -11)), (9, (-260, -11)), (10, (-261, -12)), (30, (-281, -32))]
)
def test_pretrend_is_the_car_before_the_window(seven, returns, days, estimation):
    result = ms.pretrend(seven, days)
    assert (result.window.first, result.window.last) == (-1 - days, -2)
    assert (result.estimation.first, result.estimation.last) == estimation
    at, x = returns.index.get_loc("2025-01-27"), returns["^GSPC"].to_numpy()
    for ticker in ms.MAGNIFICENT_SEVEN:
        car, se, dof = by_hand(returns[ticker].to_numpy(), x, at, (-1 - days, -2), estimation)
        row = result.table.loc[f"deepseek-selloff/{ticker}"]
        np.testing.assert_allclose(row[["car", "se", "df"]].astype(float), [car, se, dof], rtol=EXACT)
        np.testing.assert_allclose(row["pvalue"], 2 * stats.t.sf(abs(car / se), dof), rtol=1e-8)


def test_pretrend_jointly(seven, returns):
    result = ms.pretrend(seven, 5)
    past = returns.iloc[(at := returns.index.get_loc("2025-01-27")) - 260 : at - 10]
    design = np.column_stack([np.ones(len(past)), past["^GSPC"]])
    y = past[list(ms.MAGNIFICENT_SEVEN)].to_numpy()
    theta = np.linalg.lstsq(design, y, rcond=None)[0]
    covariance = (y - design @ theta).T @ (y - design @ theta) / 248
    now = returns.iloc[at - 6 : at - 1]
    car = (now[list(ms.MAGNIFICENT_SEVEN)].to_numpy() - np.column_stack([np.ones(5), now["^GSPC"]]) @ theta).sum(axis=0)
    total = np.array([5, now["^GSPC"].sum()])
    factor = 5 + total @ np.linalg.inv(design.T @ design) @ total
    t2 = car @ np.linalg.inv(covariance) @ car / factor
    assert list(result.joint.index) == ["joint_f", "portfolio"]
    np.testing.assert_allclose(result.joint.loc["joint_f", "statistic"], t2 * 242 / (248 * 7), rtol=1e-8)
    np.testing.assert_allclose(
        result.joint.loc["portfolio", "statistic"],
        car.mean() / np.sqrt(covariance.sum() / 49 * factor),
        rtol=1e-8,
    )
    adjusted = multipletests(result.table["pvalue"], method="holm")[1]
    np.testing.assert_allclose(result.table["pvalue_adjusted"], adjusted, rtol=EXACT)
    assert result.pvalue_any == adjusted.min()
    assert "joint F" in repr(result)
    assert "joint F" in result._repr_html_()


def test_pretrend_on_several_dates_and_without_history(prices):
    events = pd.DataFrame({"ticker": ["NVDA", "MSFT", "AAPL"], "date": ["2025-01-27", "2025-02-03", "2023-07-12"]})
    study = ms.event_study(events, prices=prices, model=MODEL, estimation=(-131, -11), min_obs=118)
    result = ms.pretrend(study, 30)
    assert list(result.table.index) == list(study.panel.event_id)
    assert result.table["car"].isna().tolist() == [False, False, True]
    assert "returns in the estimation window" in result.table["note"].iloc[2]
    assert result.table["date"].iloc[2] == pd.Timestamp("2023-07-12")
    assert next(iter(result.joint.index)) in ("kolari_pynnonen", "brown_warner", "grank_t")
    assert "AAPL@2023-07-12: " in repr(result)


def test_pretrend_refuses(seven, prices):
    for days in (0, -3, 2.5, "ten", True):
        with pytest.raises(InputError, match="days: got"):
            ms.pretrend(seven, days)
    with pytest.raises(NoUsableEventsError):
        ms.pretrend(seven, 400)


def test_inputs_are_left_alone_and_answers_repeat(seven, prices):
    before = copy.deepcopy(seven.abnormal.ar), seven.panel.returns.values.copy(), prices.adj_close.copy(deep=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, second = (
            (ms.placebo(seven, None, 0, 0), ms.pretrend(seven), ms.compare([seven], 0, 0), seven.confounders())
            for _ in range(2)
        )
    np.testing.assert_array_equal(seven.abnormal.ar, before[0])
    np.testing.assert_array_equal(seven.panel.returns.values, before[1])
    pd.testing.assert_frame_equal(prices.adj_close, before[2])
    for one, other in zip(first, second, strict=True):
        one, other = (getattr(r, "table", r) for r in (one, other))
        pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(other))
