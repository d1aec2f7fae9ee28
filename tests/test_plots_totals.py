"""Pictures of sums and rates: the firms' dollars to their total, and how often tests reject."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError

from .pictures import change, rates, two_dates
from .test_plots_robustness import overlapping, within


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def names(ax) -> list:
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    return [*within(ax), *ax.texts, *legend, ax._left_title, ax.xaxis.label, ax.yaxis.label]


class TestWaterfall:
    def test_bars_cumulate_to_the_total(self):
        ax = ms.plots.waterfall(change())
        moved = change().table["change_usd"].sort_values() / 1e9
        *bars, whole = ax.patches
        np.testing.assert_allclose([bar.get_width() for bar in bars], moved)
        starts = np.array([bar.get_x() for bar in bars])
        np.testing.assert_allclose(starts, np.append(0.0, np.cumsum(moved)[:-1]), atol=1e-9)
        total = change().total["change_usd"] / 1e9
        assert bars[-1].get_x() + bars[-1].get_width() == pytest.approx(total)
        assert (whole.get_x(), whole.get_width()) == (0.0, pytest.approx(total))
        assert [t.get_text() for t in ax.get_yticklabels()] == [*moved.index, "all firms"]
        assert ax.get_xlabel().endswith("USD bn")
        assert "-651 bn in all" in ax.get_title(loc="left")

    def test_numbers_are_the_changes(self):
        ax = ms.plots.waterfall(change())
        moved = [*change().table["change_usd"].sort_values() / 1e9, change().total["change_usd"] / 1e9]
        np.testing.assert_allclose([float(t.get_text()) for t in ax.texts], moved, atol=0.0501)

    def test_losses_are_hatched(self):
        *bars, _ = ms.plots.waterfall(change()).patches
        assert all(bool(bar.get_hatch()) == (bar.get_width() < 0) for bar in bars)

    @pytest.mark.parametrize("day", ["2025-01-27", "2025-02-03", "2025-01-29"])
    def test_labels_do_not_overlap(self, prices, day):
        ax = ms.plots.waterfall(ms.market_cap_change(day, prices))
        assert overlapping(ax.figure, names(ax)) == []
        one = ms.plots.waterfall(ms.market_cap_change(day, prices, tickers=["NVDA"]))
        assert overlapping(one.figure, names(one)) == []

    def test_refuses(self):
        table = pd.concat([change().table] * 6)
        many = ms.MarketCapChange(change().session, change().previous, table, change().total, "", 0.95, change().source)
        with pytest.raises(InputError, match="42 firms are too many"):
            ms.plots.waterfall(many)

    def test_a_study_of_two_dates_gives_each_its_own(self, prices):
        later = ms.market_cap_change("2025-02-03", prices, study=two_dates())
        *bars, _ = ms.plots.waterfall(later).patches
        assert len(bars) == 7


class TestSizePower:
    def test_lines_are_the_rates(self):
        ax = ms.plots.size_power(rates())
        table = rates().table
        handles, labels = ax.get_legend_handles_labels()
        level, *drawn = sorted(zip(labels, handles, strict=True), key=lambda pair: not pair[0].startswith("level"))
        assert level[0] == "level: 5 %"
        assert level[1].get_ydata()[0] == pytest.approx(5.0)
        for name, (label, container) in zip(("portfolio", "bmp", "corrado"), drawn, strict=True):
            part = table.loc[name]
            line, _, (bars,) = container.lines
            assert label == ms.TESTS[name].label
            np.testing.assert_allclose(line.get_xdata(), [0, 1, 2])
            np.testing.assert_allclose(line.get_ydata(), 100 * part["rate"])
            ends = np.array([segment[:, 1] for segment in bars.get_segments()])
            np.testing.assert_allclose((ends[:, 1] - ends[:, 0]) / 2, 196 * part["se"], atol=1e-9)
        assert len({container.lines[0].get_marker() for _, container in drawn}) == 3
        assert "60 samples of 10 firms on one date" in ax.get_title(loc="left")
        assert "correlation 0.3" in ax.get_title(loc="left").replace("\n", " ")

    def test_a_test_that_never_applies_is_named(self):
        ax = ms.plots.size_power(rates("portfolio", "grank_t"))
        labels = ax.get_legend_handles_labels()[1]
        assert len(labels) == 3
        lone = ms.simulate.rejection_rates(
            ms.simulate.Design(n_firms=1, n_days=60), tests=["portfolio", "bmp"], shocks=(0.0, 0.01), n_samples=10
        )
        assert "BMP t (does not apply)" in ms.plots.size_power(lone).get_legend_handles_labels()[1]

    def test_real_returns_are_said(self, returns):
        real = ms.simulate.rejection_rates(
            ms.simulate.Design(n_firms=5, n_days=60), tests=["portfolio"], n_samples=5, returns=returns.iloc[1:],
            market="^GSPC",
        )  # fmt: skip
        title = ms.plots.size_power(real).get_title(loc="left")
        assert "real returns" in title
        assert "normal" not in title
        assert "real returns" in repr(real)
        assert "sigma" not in repr(real)
        assert "sigma=0.02" in repr(rates())

    def test_labels_do_not_overlap(self):
        seven = ("portfolio", "kolari_pynnonen", "patell", "bmp", "corrado", "grank_t", "t_cross_sectional")
        ax = ms.plots.size_power(rates(*seven))
        assert overlapping(ax.figure, names(ax)) == []

    def test_refuses(self):
        eight = ("portfolio", "kolari_pynnonen", "patell", "bmp", "corrado", "grank_t", "t_cross_sectional", "sign")
        with pytest.raises(InputError, match="8 tests are too many"):
            ms.plots.size_power(rates(*eight))
