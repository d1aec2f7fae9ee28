"""Agreement of pictures with frames: numbers read back from the Axes, on generated markets."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import marketshock as ms
from marketshock.inference.mean import mean_car

from .made_markets import WINDOW, excluding, markets, study
from .pictures import change

CLOSE = {"rtol": 1e-9, "atol": 1e-12}
PRINTED = 0.00501  # percent, of a number written with two digits
FEW = settings(max_examples=4)
DAYS = list(range(WINDOW[0], WINDOW[1] + 1))


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def paths_of(ax) -> list:
    """Return the lines with a point per day."""
    return [line for line in ax.lines if len(line.get_xdata()) == len(DAYS)]


def band_of(collection) -> pd.DataFrame:
    """Return low and high of a band by day, NaN where it has none."""
    points = np.concatenate([path.vertices for path in collection.get_paths()] or [np.empty((0, 2))])
    by_day = pd.Series(points[:, 1]).groupby(points[:, 0].round().astype(int))
    return pd.DataFrame({"low": by_day.min(), "high": by_day.max()}).reindex(DAYS)


def assert_band(collection, low: list[float], high: list[float]) -> None:
    """Compare a band with bounds in decimals; a lone day between gaps has no area."""
    shown = band_of(collection)
    expected = 100 * pd.DataFrame({"low": low, "high": high}, index=DAYS)
    assert not (shown["low"].notna() & expected["low"].isna()).any()
    np.testing.assert_allclose(shown[shown["low"].notna()], expected[shown["low"].notna()], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("by", [None, "group", "date"])
@given(market=markets(patterns=("two dates", "one date", "mixed")))
@FEW
def test_caar_draws_mean_cars(by, market):
    plt.close("all")
    whole = study(market)
    labels = pd.Series("all", whole.events.index) if by is None else whole.events[by]
    if labels.nunique() > 7:
        return
    ax = ms.plots.caar(whole, by=by, confidence=0.9)
    lines = paths_of(ax)
    assert len(lines) == labels.nunique()
    for line, band, label in zip(lines, ax.collections, pd.unique(labels), strict=True):
        part = np.flatnonzero(labels == label)
        means = [mean_car(whole.sample(WINDOW[0], day).take(part)) for day in DAYS]
        np.testing.assert_allclose(line.get_ydata(), [100 * mean.mean for mean in means], **CLOSE)
        assert list(line.get_xdata()) == DAYS
        assert_band(band, *np.transpose([mean.interval(0.9) for mean in means]))
        if by is None and whole.evidence.complete:
            np.testing.assert_allclose(line.get_ydata(), 100 * whole.aar()["caar"], **CLOSE)


@given(market=markets())
@FEW
def test_car_paths_are_cars(market):
    plt.close("all")
    whole = study(market)
    ids = list(whole.panel.event_id)[:7]
    tables = {day: whole.car(WINDOW[0], day, confidence=0.8) for day in DAYS}
    ax = ms.plots.car(whole, ids, confidence=0.8)
    of_firms = ms.plots.car_by_firm(whole, confidence=0.8)
    panels = dict(zip(dict.fromkeys(whole.panel.ticker), of_firms, strict=True))
    drawn = dict(zip(ids, zip(paths_of(ax), ax.collections, strict=True), strict=True))
    for ticker, panel in panels.items():
        own = whole.events.index[whole.events["ticker"] == ticker]
        assert len(paths_of(panel)) == len(own)
        for event_id, line, band in zip(own, paths_of(panel), panel.collections, strict=True):
            gaps = whole.ar.loc[event_id].isna().to_numpy()
            expected = np.array([tables[day].loc[event_id, ["car", "ci_low", "ci_high"]] for day in DAYS], dtype=float)
            expected[gaps] = np.nan
            for one, area in [(line, band), *([drawn[event_id]] if event_id in drawn else [])]:
                np.testing.assert_allclose(one.get_ydata(), 100 * expected[:, 0], **CLOSE)
                assert_band(area, expected[:, 1], expected[:, 2])


@given(market=markets())
@FEW
def test_forest_draws_the_table_and_the_mean(market):
    plt.close("all")
    whole = study(market)
    ax = ms.plots.forest(whole, -1, 2)
    table = whole.car(-1, 2).dropna(subset="car").sort_values("car", ascending=False, kind="stable")
    mean = mean_car(whole.sample(-1, 2))
    rows = table[["car", "ci_low", "ci_high"]].to_numpy()
    if len(table) > 1 and mean.se >= 0:
        rows = np.vstack([rows, [mean.mean, *mean.interval(0.95)]])
    marks = np.concatenate([line.get_xdata() for line in ax.lines if line.get_linestyle() == "None"])
    np.testing.assert_allclose(marks, 100 * rows[:, 0], **CLOSE)
    spans = np.concatenate([[segment[:, 0] for segment in lines.get_segments()] for lines in ax.collections])
    np.testing.assert_allclose(spans, 100 * rows[:, 1:], **CLOSE)
    written = [text.get_text().replace("\u2007", " ").split(maxsplit=1) for text in ax.texts[1:]]
    np.testing.assert_allclose([float(car) for car, _ in written], 100 * rows[:, 0], rtol=0, atol=PRINTED)
    bounds = [[float(bound) for bound in interval.strip("[] ").split(", ")] for _, interval in written]
    np.testing.assert_allclose(bounds, 100 * rows[:, 1:], rtol=0, atol=10 * PRINTED)


@given(market=markets())
@FEW
def test_the_heat_map_is_the_frame(market):
    plt.close("all")
    whole = study(market)
    ax = ms.plots.ar_heatmap(whole)
    shown = np.ma.filled(ax.images[0].get_array(), np.nan)
    np.testing.assert_allclose(shown, 100 * whole.ar, **CLOSE)
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): float(t.get_text()) for t in ax.texts}
    assert len(written) == whole.ar.notna().sum().sum()
    for at, value in written.items():
        assert value == pytest.approx(100 * whole.ar.iloc[at], abs=10 * PRINTED)
    assert len(ax.patches) == whole.ar.isna().sum().sum()


@given(market=markets())
@FEW
def test_residuals_are_those_of_the_fit(market):
    plt.close("all")
    whole = study(market)
    event_id = str(whole.panel.event_id[0])
    row, params = whole.events.loc[event_id], whole.params.loc[event_id]
    at = market.returns.index.get_loc(row["date"])
    days = market.returns.iloc[at + whole.spec.estimation.first : at + whole.spec.estimation.last + 1]
    left = days[row["ticker"]] - params.iloc[0] - params.iloc[1] * days["m"]
    line = ms.plots.residuals(whole, event_id)[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), 100 * left, rtol=1e-8, atol=1e-10)
    assert (np.asarray(line.get_xdata(), dtype="datetime64[D]") == left.index.to_numpy().astype("datetime64[D]")).all()


@given(market=markets())
@FEW
def test_the_price_path_is_the_price(market):
    plt.close("all")
    whole = study(market, returns=None, prices=market.prices)
    event_id = str(whole.panel.event_id[0])
    line = ms.plots.price_path(whole, event_id).lines[0]
    days = pd.DatetimeIndex(np.asarray(line.get_xdata(), dtype="datetime64[ns]"))
    close = market.prices[whole.events.loc[event_id, "ticker"]]
    np.testing.assert_array_equal(line.get_ydata(), close.reindex(days))
    assert days.get_loc(whole.events.loc[event_id, "date"]) >= 0


@given(market=markets(patterns=("one date", "two dates"), exclusions=False))
@settings(max_examples=1)
def test_robustness_pictures_are_their_tables(market):
    plt.close("all")
    whole = study(market)
    result = ms.placebo(whole, None, 0, 0)
    event_id = str(result.table.dropna(subset="car").index[0])
    ax = ms.plots.placebo(result, event_id)
    assert sum(bar.get_height() for bar in ax.patches) == result.table.loc[event_id, "n_placebo"]
    assert ax.lines[0].get_xdata()[0] == pytest.approx(100 * result.table.loc[event_id, "car"])
    options = {k: v for k, v in market.arguments().items() if k not in ("model", "window", "estimation")}
    models = [ms.MarketModel("m"), ms.ConstantMean(), ms.MarketAdjusted("m")]
    estimations = [market.options["estimation"]]
    with excluding():
        curve = ms.specification_curve(
            market.events, models=models, windows=[(0, 0), (0, 2)], estimations=estimations, **options
        )
    upper = ms.plots.specification_curve(curve)[0]
    dots = np.concatenate([np.transpose(line.get_data()) for line in upper.lines if line.get_marker() == "o"])
    drawn = dots[np.argsort(dots[:, 0], kind="stable"), 1]
    np.testing.assert_allclose(drawn, 100 * curve.estimated["car"].sort_values(kind="stable"), **CLOSE)


@given(market=markets())
@settings(max_examples=3)
def test_pictures_of_fragility_are_its_tables(market):
    plt.close("all")
    calendar = market.options["calendar"]
    measured = ms.fragility(returns=market.returns, window=8, threshold=1.5, log=False, calendar=calendar)
    counts = measured.counts()
    ups, downs = ms.plots.fragility_counts(measured).collections[:2]
    for bars, column, sign in ((ups, "n_up", 1), (downs, "n_down", -1)):
        ends = [segment[-1, 1] for segment in bars.get_segments()]
        np.testing.assert_array_equal(ends, sign * counts.loc[counts[column] > 0, column])
    assert counts["n_events"].sum() == len(measured.events())
    ax = ms.plots.fragility_heatmap(measured, list(measured.tickers), str(measured.z.index[0].date()))
    shown = np.ma.filled(ax.images[0].get_array(), np.nan)
    np.testing.assert_allclose(shown, measured.z.T, **CLOSE)
    assert len(ax.lines[0].get_xdata()) == len(measured.events(by="listing"))
    ranked = measured.ranking(n=10)
    bars = [bar.get_width() for bar in ms.plots.fragility_ranking(measured, n=10).patches]
    np.testing.assert_allclose(bars, ranked["z"], **CLOSE)


def test_pictures_of_dollars_are_the_table():
    made = change()
    table = made.table.sort_values("change_usd", kind="stable")["change_usd"] / 1e9
    bars = ms.plots.waterfall(made).patches
    np.testing.assert_allclose([bar.get_width() for bar in bars[:-1]], table, **CLOSE)
    np.testing.assert_allclose([bar.get_x() for bar in bars[1:-1]], table.cumsum()[:-1], **CLOSE)
    assert bars[-1].get_width() == pytest.approx(made.total["change_usd"] / 1e9)
    assert table.sum() == pytest.approx(made.total["change_usd"] / 1e9)
    ax = ms.plots.market_cap(made)
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches[: len(table)]], table[::-1], **CLOSE)
    dots = next(line for line in ax.lines if line.get_marker() == "o")
    np.testing.assert_allclose(dots.get_xdata(), made.table.loc[table.index[::-1], "abnormal_usd"] / 1e9, **CLOSE)
