"""Pictures of means, of events side by side, and of all days: what is drawn is what was computed."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

import marketshock as ms
from marketshock.errors import ChoiceError, InputError, WindowError

from .pictures import MODEL, own_dates, seven, two_dates, with_gaps
from .test_plots_robustness import overlapping, within

PRINTED = 0.0501  # numbers of intervals are written with one digit


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def wide(prices) -> ms.StudyResult:
    """28 events by 41 days: too many for numbers."""
    names = [t for t in prices.tickers if not t.startswith("^") and t not in ("SPY", "QQQ")]
    days = prices.close.index[300:540:9]
    rows = {"ticker": [names[k % len(names)] for k in range(len(days))], "date": days}
    return ms.event_study(pd.DataFrame(rows), prices=prices, model=MODEL, window=(-20, 20), estimation=(-200, -31))


def paths(ax) -> list:
    """Return the lines with a point a day."""
    return [line for line in ax.lines if len(line.get_xdata()) > 2]


def bounds(ax, which: int) -> np.ndarray:
    """Return (day, low, high) of a band, without the days that lack one."""
    parts = [path.vertices for path in ax.collections[which].get_paths()]
    points = np.concatenate(parts)
    days = np.unique(points[:, 0])
    return np.array([(day, *np.sort(points[points[:, 0] == day, 1])[[0, -1]]) for day in days])


def names(ax) -> list:
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    return [*within(ax), *ax.texts, *legend, ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label]


class TestCaar:
    def test_one_date(self):
        study = seven()
        ax = ms.plots.caar(study)
        np.testing.assert_allclose(paths(ax)[0].get_ydata(), 100 * study.aar()["caar"], rtol=1e-9)
        drawn = bounds(ax, 0)
        assert drawn[:, 0].tolist() == list(range(-1, 6))
        for day, low, high in drawn:
            row = study.tests(-1, int(day), which="portfolio").loc["portfolio"]
            centre = 100 * study.aar().loc[day, "caar"]
            assert (low + high) / 2 == pytest.approx(centre, rel=1e-9)
            half = (high - low) / 2  # the interval at a level of the p-value ends at zero
            at_zero = ms.plots.caar(study, confidence=1 - row["pvalue"])
            ends = bounds(at_zero, 0)[drawn[:, 0] == day][0, 1:]
            assert np.abs(ends).min() == pytest.approx(0, abs=1e-6 * half)
        assert "of the equal-weighted portfolio, with the firms' covariance" in ax.get_title(loc="left")

    def test_dates_of_their_own(self):
        study = own_dates()
        ax = ms.plots.caar(study, confidence=0.9)
        whole = study.car(-5, 10)["car"]
        _, low, high = bounds(ax, 0)[-1]
        reach = 1.8331129 * whole.std(ddof=1) / np.sqrt(10)  # t(9) at 0.95
        np.testing.assert_allclose([low, high], 100 * np.array([whole.mean() - reach, whole.mean() + reach]), rtol=1e-7)
        assert "90 % at each day, cross-sectional over events" in ax.get_title(loc="left")

    def test_groups(self):
        study = own_dates()
        ax = ms.plots.caar(study, by="group")
        group = study.events["group"]
        for line, name in zip(paths(ax), ("tech", "other"), strict=True):
            np.testing.assert_allclose(line.get_ydata(), 100 * study.ar[group == name].cumsum(axis=1).mean(), rtol=1e-9)
        legend = [t.get_text() for t in ax.get_legend().get_texts()]
        assert legend == ["tech (6 events)", "other (4 events)"]
        assert len({line.get_marker() for line in paths(ax)}) == 2

    def test_bands_of_two_kinds_are_told_by_line(self, prices):
        events = pd.DataFrame(
            {
                "ticker": ["NVDA", "AAPL", "IBM", "MRK", "PM"],
                "date": ["2025-01-27", "2025-01-27", "2025-01-30", "2025-02-04", "2025-02-06"],
                "group": ["a", "a", "b", "b", "b"],
            }
        )
        ax = ms.plots.caar(ms.event_study(events, prices=prices, model=MODEL, window=(0, 1)), by="group")
        title = ax.get_title(loc="left").replace("\n", " ")
        assert "a: of the equal-weighted portfolio" in title
        assert "b: cross-sectional" in title

    def test_no_band_where_no_error_is_honest(self):
        ax = ms.plots.caar(with_gaps())
        assert bounds(ax, 0)[:, 0].tolist() == [-1, 0]
        assert np.isfinite(paths(ax)[0].get_ydata()).all()
        said = ax.get_title(loc="left").replace("\n", " ")
        assert "no band on 5 of 7 days: returns are missing in the window" in said

    @pytest.mark.parametrize("by", [None, "event", "date", "ticker"])
    def test_labels_do_not_overlap(self, by):
        ax = ms.plots.caar(two_dates(), by=by)
        assert len(paths(ax)) == {None: 1, "event": 2, "date": 2, "ticker": 7}[by]
        assert overlapping(ax.figure, names(ax)) == []

    def test_one_day_has_an_interval_in_place_of_a_band(self, prices):
        study = ms.event_study(
            ms.load_catalog()["deepseek-selloff"], tickers=["NVDA", "AAPL"], prices=prices, model=MODEL, window=(0, 0)
        )
        ax = ms.plots.caar(study)
        ((x, low), (_, high)) = ax.collections[0].get_segments()[0]
        assert x == 0
        assert (low + high) / 2 == pytest.approx(100 * study.ar[0].mean())

    def test_a_single_event_has_its_own_prediction(self, prices):
        study = ms.event_study(ms.load_catalog()["ibm-results"], prices=prices, model=MODEL, window=(5, 10))
        ax = ms.plots.caar(study)
        _, low, high = bounds(ax, 0)[-1]
        np.testing.assert_allclose([[low, high]], 100 * study.car(5, 10)[["ci_low", "ci_high"]])
        assert "95 % at each day, of the event's own prediction" in ax.get_title(loc="left")

    def test_refuses(self):
        with pytest.raises(InputError, match="the events have no group"):
            ms.plots.caar(seven(), by="group")
        with pytest.raises(InputError, match="10 lines are too many"):
            ms.plots.caar(own_dates(), by="ticker")
        with pytest.raises(ChoiceError, match="got 'firm'; allowed are 'ticker'"):
            ms.plots.caar(seven(), by="firm")
        with pytest.raises(InputError, match="confidence"):
            ms.plots.caar(seven(), confidence=95)


class TestForest:
    def rows(self, ax) -> np.ndarray:
        """Return (y, centre, low, high), from top to bottom."""
        marks = np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() in ("s", "D")])
        ends = np.concatenate([np.array(lines.get_segments()) for lines in ax.collections])
        return np.column_stack([marks[:, 1], marks[:, 0], ends[:, 0, 0], ends[:, 1, 0]])

    def test_rows_are_the_cars_and_the_mean(self):
        study = own_dates()
        ax = ms.plots.forest(study, 0, 5)
        table = study.car(0, 5).sort_values("car", ascending=False)
        drawn = self.rows(ax)
        np.testing.assert_allclose(drawn[:-1, 1:], 100 * table[["car", "ci_low", "ci_high"]])
        assert (np.diff(drawn[:, 0]) > 0).all()
        assert ax.yaxis_inverted()
        reach = 2.2621572 * table["car"].std(ddof=1) / np.sqrt(10)
        mean = table["car"].mean()
        np.testing.assert_allclose(drawn[-1, 1:], 100 * np.array([mean, mean - reach, mean + reach]), rtol=1e-7)
        labels = [t.get_text() for t in ax.get_yticklabels()]
        assert labels == [*table["ticker"], "mean"]
        assert "mean: cross-sectional over events" in ax.get_title(loc="left")

    def test_numbers_are_the_rows(self):
        ax = ms.plots.forest(seven(), 0, 0, confidence=0.9)
        drawn = self.rows(ax)
        head, *texts = [t.get_text() for t in ax.texts]
        assert head == "%, 90 % interval"
        for text, (_, centre, low, high) in zip(texts, drawn, strict=True):
            number, interval = text.split("  ")
            assert float(number.strip("\u2007 ")) == pytest.approx(centre, abs=0.00501)
            np.testing.assert_allclose([float(v) for v in interval.strip("[]").split(", ")], [low, high], atol=PRINTED)

    def test_rows_with_the_same_ticker_have_dates(self):
        ax = ms.plots.forest(two_dates(), 0, 1)
        labels = [t.get_text() for t in ax.get_yticklabels()]
        assert labels[0] == "AAPL  2025-01-27"
        assert len(set(labels)) == 15

    def test_without_a_return_or_a_mean(self):
        gaps = with_gaps()
        ax = ms.plots.forest(gaps, 1, 2)
        assert len(self.rows(ax)) == 7  # the six that have all their returns, and their mean
        title = ax.get_title(loc="left").replace("\n", " ")
        assert "6 events (1 without a return left out)" in title
        ax = ms.plots.forest(gaps, 0, 2)
        assert len(self.rows(ax)) == 7
        assert "no interval of the mean: returns are missing" in ax.get_title(loc="left").replace("\n", " ")

    def test_a_single_event(self, prices):
        one = ms.event_study(ms.load_catalog()["ibm-results"], prices=prices, model=MODEL)
        ax = ms.plots.forest(one, 0, 0)
        assert len(self.rows(ax)) == 1

    @pytest.mark.parametrize("made", [seven, own_dates, two_dates, with_gaps])
    def test_labels_do_not_overlap(self, made):
        ax = ms.plots.forest(made(), 0, 1)
        assert overlapping(ax.figure, names(ax)) == []

    def test_refuses(self, prices):
        with pytest.raises(WindowError):
            ms.plots.forest(seven(), 0, 6)
        days = prices.close.index[300:361]
        many = pd.DataFrame({"ticker": "NVDA", "date": days})
        study = ms.event_study(many, prices=prices, model=MODEL, window=(0, 0))
        with pytest.raises(InputError, match="61 events cannot be drawn"):
            ms.plots.forest(study)


class TestHeatmap:
    def test_cells_are_the_abnormal_returns(self):
        study = with_gaps()
        ax = ms.plots.ar_heatmap(study)
        image = ax.images[0]
        np.testing.assert_allclose(image.get_array().filled(np.nan), 100 * study.ar)
        low, high = image.get_clim()
        assert low == -high
        assert high == pytest.approx(100 * np.nanmax(np.abs(study.ar.to_numpy())))
        hatched = {(int(p.get_y() + 0.5), int(p.get_x() + 0.5)) for p in ax.patches if isinstance(p, Rectangle)}
        assert hatched == {tuple(cell) for cell in np.argwhere(study.ar.isna().to_numpy())}
        assert len(hatched) == 4
        assert "hatched: no return (4)" in ax.get_title(loc="left")
        assert [t.get_text() for t in ax.get_xticklabels()] == ["-1", "0", "1", "2", "3", "4", "5"]
        assert [t.get_text() for t in ax.get_yticklabels()] == list(study.panel.ticker)

    def test_numbers_are_written_where_they_are_few(self):
        study = with_gaps()
        ax = ms.plots.ar_heatmap(study)
        written = {(int(t.get_position()[1]), int(t.get_position()[0])): float(t.get_text()) for t in ax.texts}
        assert len(written) == 45
        for (row, column), value in written.items():
            assert value == pytest.approx(100 * study.ar.iloc[row, column], abs=PRINTED)
        assert "-0.0" not in [t.get_text() for t in ax.texts]

    def test_losses_are_marked_where_nothing_is_written(self, wide):
        ax = ms.plots.ar_heatmap(wide)
        assert not ax.texts
        ar = 100 * wide.ar.to_numpy()
        limit = ax.images[0].get_clim()[1]
        assert limit == pytest.approx(np.percentile(np.abs(ar), 98))
        marks = next(line for line in ax.lines if line.get_marker() == "_").get_xydata().astype(int)
        np.testing.assert_array_equal(marks[:, ::-1], np.argwhere(ar < -limit / 2))

    def test_labels_do_not_overlap(self, wide):
        for study in (with_gaps(), own_dates(), two_dates(), wide):
            ax = ms.plots.ar_heatmap(study)
            bar = ax.figure.axes[-1]
            assert overlapping(ax.figure, [*names(ax), bar.yaxis.label, *within(bar)]) == []

    def test_refuses(self, prices):
        days = prices.close.index[300:381]
        many = ms.event_study(pd.DataFrame({"ticker": "NVDA", "date": days}), prices=prices, model=MODEL, window=(0, 0))
        with pytest.raises(InputError, match="81 events by 1 days are too many"):
            ms.plots.ar_heatmap(many)
