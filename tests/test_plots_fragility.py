"""Pictures of fragility: what is drawn is what was counted, every bar is there, and no label runs into another."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError, UnknownNameError

from .test_plots_robustness import overlapping, within

PERIOD = ("2025-01-01", "2025-02-12")


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def members() -> ms.types.IndexMembers:
    return ms.datasets.sp500()


@pytest.fixture(scope="module")
def measured(members) -> ms.Fragility:
    return ms.fragility(members.prices, members=ms.Membership.top(50, members.market_caps()))


def texts(ax):
    return [*within(ax), *ax.texts, ax.xaxis.label, ax.yaxis.label, ax.title]


class TestCounts:
    def test_bars_are_the_counts(self, measured):
        ax = ms.plots.fragility_counts(measured, *PERIOD)
        up, down = (np.array([s[1, 1] for s in lines.get_segments()]) for lines in ax.collections)
        counts = measured.counts(*PERIOD)
        np.testing.assert_array_equal(up, counts["n_up"][counts["n_up"] > 0])
        np.testing.assert_array_equal(down, -counts["n_down"][counts["n_down"] > 0])
        assert "log return / realised volatility about zero, 21 sessions before" in ax.get_title(loc="left")
        assert ax.get_ylabel() == "events a session, stocks"

    def test_share(self, measured, members):
        everybody = ms.fragility(members.prices)
        ax = ms.plots.fragility_counts(everybody, share=True)
        counts = everybody.counts()
        down = np.array([s[1, 1] for s in ax.collections[1].get_segments()])
        assert down.min() == pytest.approx(-100 * (counts["n_down"] / counts["n_securities"]).max())
        assert "2024-11-06" in [t.get_text() for t in ax.texts]
        assert "143 to 500 stocks" in ax.get_title(loc="left")

    def test_a_single_event_in_a_long_history_is_drawn(self):
        """A bar thinner than a pixel would fall between them."""
        rng = np.random.default_rng(0)
        days = pd.bdate_range("1990-01-01", periods=6000)
        frame = pd.DataFrame({"A": rng.uniform(-0.01, 0.01, 6000)}, index=days)
        frame.iloc[4321] = 0.5
        ax = ms.plots.fragility_counts(ms.fragility(returns=frame, log=True, calendar="index"))
        ax.figure.canvas.draw()
        pixels = np.asarray(ax.figure.canvas.buffer_rgba())[..., :3].astype(int)
        blue = (np.abs(pixels - np.array([0, 0x72, 0xB2])) < 60).all(axis=2)
        assert blue.sum(axis=0).max() > 100  # a column of the picture

    @pytest.mark.parametrize("period", [(None, None), PERIOD, ("2025-01-27", "2025-01-27"), ("2024-06-01", None)])
    def test_labels_do_not_overlap(self, measured, period):
        ax = ms.plots.fragility_counts(measured, *period)
        assert overlapping(ax.figure, texts(ax)) == []

    def test_nothing_to_count(self, measured):
        ax = ms.plots.fragility_counts(measured, "2023-01-04", "2023-01-10")
        assert "0 events among 0 stocks" in ax.get_title(loc="left")


class TestHeatmap:
    def test_cells_are_z(self, measured):
        ax = ms.plots.fragility_heatmap(measured, ["NVDA", "IBM"], *PERIOD)
        expected = measured.z.loc[PERIOD[0] : PERIOD[1], ["NVDA", "IBM"]].to_numpy().T
        counted = ms.Membership.top(50, ms.datasets.sp500().market_caps()).rows(
            measured.market.days[measured.part(*PERIOD, None, "listing").rows], ["NVDA", "IBM"]
        )
        np.testing.assert_allclose(ax.images[0].get_array().filled(np.nan), np.where(counted.T, expected, np.nan))
        events = (np.abs(expected) >= 3).sum()
        assert sum(len(line.get_xdata()) for line in ax.lines) == events

    def test_largest_come_first(self, measured):
        ax = ms.plots.fragility_heatmap(measured, None, *PERIOD)
        names = [t.get_text() for t in ax.get_yticklabels()]
        assert names[:4] == ["IBM", "AVGO", "MRK", "PM"]
        assert len(names) == 40

    @pytest.mark.parametrize("n", [1, 12, 60, 100])
    @pytest.mark.parametrize("sessions", [1, 28, 60, 130])
    def test_labels_do_not_overlap(self, members, n, sessions):
        everybody = ms.fragility(members.prices)
        names = list(members.caps_usd.sort_values(ascending=False).index[:n])
        ax = ms.plots.fragility_heatmap(everybody, names, everybody.market.days[-sessions], "2025-02-14")
        assert overlapping(ax.figure, [*ax.get_yticklabels(), *ax.get_xticklabels()]) == []

    def test_refuses(self, measured):
        with pytest.raises(InputError, match="532 sessions"):
            ms.plots.fragility_heatmap(measured, ["NVDA"], "2023-01-03")
        with pytest.raises(UnknownNameError, match="did you mean"):
            ms.plots.fragility_heatmap(measured, ["NVDAA"])
        with pytest.raises(InputError, match="101 tickers"):
            ms.plots.fragility_heatmap(measured, measured.tickers[:101])
        with pytest.raises(InputError, match="no z in the period"):
            ms.plots.fragility_heatmap(measured, None, "2023-01-03", "2023-01-10")


class TestRanking:
    def test_bars_are_the_ranking(self, measured):
        ax = ms.plots.fragility_ranking(measured, *PERIOD, n=10)
        table = measured.ranking(*PERIOD, n=10)
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], table["z"])
        assert ax.get_yticklabels()[0].get_text() == "IBM  2025-01-30"
        assert ax.texts[0].get_text() == "+14.2"

    @pytest.mark.parametrize("direction", ["absolute", "up", "down"])
    @pytest.mark.parametrize("n", [1, 15, 40])
    def test_labels_do_not_overlap(self, measured, direction, n):
        ax = ms.plots.fragility_ranking(measured, *PERIOD, n=n, direction=direction)
        assert overlapping(ax.figure, texts(ax)) == []

    def test_refuses(self, measured):
        for n in (None, 41):
            with pytest.raises(InputError, match="draw up to 40"):
                ms.plots.fragility_ranking(measured, n=n)
        with pytest.raises(InputError, match="no move in the period"):
            ms.plots.fragility_ranking(measured, "2023-01-04", "2023-01-10")


def test_given_axes_are_used_and_settings_left_alone(measured):
    before = dict(plt.rcParams)
    for draw in (ms.plots.fragility_counts, ms.plots.fragility_heatmap, ms.plots.fragility_ranking):
        _, ax = plt.subplots()
        assert draw(measured, ax=ax) is ax
    assert dict(plt.rcParams) == before
