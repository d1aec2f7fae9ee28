"""Pictures of one event: its price in time, and the residuals of its estimation."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.dates import date2num
from scipy import stats

import marketshock as ms
from marketshock.errors import UnknownNameError

from .pictures import MODEL, NVDA, of_returns, seven, two_dates, with_gaps
from .test_plots_robustness import overlapping, within


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def names(ax) -> list:
    legend = ax.get_legend().get_texts() if ax.get_legend() else []
    return [*within(ax), *ax.texts, *legend, ax._left_title, ax.xaxis.label, ax.yaxis.label]


def marked(ax, label: str):
    return next(line for line in ax.lines if line.get_label().startswith(label))


class TestPricePath:
    def test_line_is_the_closes(self, prices):
        ax = ms.plots.price_path(seven(), NVDA)
        line = ax.lines[0]
        days = pd.DatetimeIndex(line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), prices.close["NVDA"].reindex(days))
        whole = prices.close.index
        at = whole.get_loc(pd.Timestamp("2025-01-27"))
        assert (days[0], days[-1]) == (whole[at - 265], whole[at + 15])
        assert ax.get_ylabel() == "close, quote currency"

    def test_windows_are_shaded(self, prices):
        ax = ms.plots.price_path(seven(), NVDA)
        whole = prices.close.index
        at = whole.get_loc(pd.Timestamp("2025-01-27"))
        drawn = [p.get_patch_transform().transform_path(p.get_path()).vertices[:, 0] for p in ax.patches]
        spans = [(x.min(), x.max()) for x in drawn]  # rectangles or, of an older matplotlib, polygons
        expected = [tuple(date2num(whole[[at + a, at + b]])) for a, b in ((-260, -11), (-1, 5))]
        np.testing.assert_allclose(spans, expected)
        assert [t.get_text() for t in ax.texts] == ["estimation (-260,-11)", "event window (-1,5)"]

    def test_day_zero_other_events_and_releases_are_marked(self, prices):
        study = two_dates()
        ax = ms.plots.price_path(study, NVDA)
        assert marked(ax, "day 0").get_xdata() == np.datetime64("2025-01-27")
        assert marked(ax, "day 0").get_ydata() == prices.close.loc["2025-01-27", "NVDA"]
        assert marked(ax, "the firm's other").get_xdata() == np.datetime64("2025-02-03")
        frame = study.confounders(estimation_days=None).loc[NVDA]
        sessions = np.unique(frame.loc[frame["kind"] != "study", "session"].to_numpy().astype("datetime64[D]"))
        assert len(sessions) > 2
        np.testing.assert_array_equal(marked(ax, "releases").get_xdata(), sessions)
        assert marked(ax, "releases").get_label() == f"releases: {len(sessions)} days"

    def test_the_currency_is_said_where_it_is_known(self, prices):
        known = ms.Prices(prices.close, prices.adj_close, provenance={"currency": {"NVDA": "USD"}})
        study = ms.event_study(ms.load_catalog()["deepseek-selloff"], tickers=["NVDA"], prices=known, model=MODEL)
        assert ms.plots.price_path(study, NVDA).get_ylabel() == "close, USD"

    def test_of_returns_an_index(self, prices):
        ax = ms.plots.price_path(of_returns(), NVDA)
        adjusted = prices.adj_close["NVDA"]
        days = pd.DatetimeIndex(ax.lines[0].get_xdata())
        before = adjusted.index[adjusted.index.get_loc(days[0]) - 1]
        np.testing.assert_allclose(ax.lines[0].get_ydata(), 100 * adjusted[days] / adjusted[before], rtol=1e-12)
        assert ax.get_ylabel() == f"total return, {before.date()} = 100"

    def test_a_missing_return_is_a_gap(self, prices):
        returns = prices.adj_close.pct_change(fill_method=None).iloc[1:]
        returns.loc["2024-09-10", "NVDA"] = np.nan
        study = ms.event_study(ms.load_catalog()["deepseek-selloff"], tickers=["NVDA"], returns=returns, model=MODEL)
        line = ms.plots.price_path(study, NVDA).lines[0]
        gaps = np.isnan(line.get_ydata())
        assert line.get_xdata()[gaps].astype("datetime64[D]").tolist() == [pd.Timestamp("2024-09-10").date()]

    @pytest.mark.parametrize("made", [seven, two_dates, of_returns, with_gaps])
    def test_labels_do_not_overlap(self, made):
        for event_id in [str(name) for name in made().panel.event_id][:8]:
            ax = ms.plots.price_path(made(), event_id)
            assert overlapping(ax.figure, names(ax)) == []

    def test_refuses(self):
        with pytest.raises(UnknownNameError, match="did you mean"):
            ms.plots.price_path(seven(), "deepseek-selloff/NVDAA")


class TestResiduals:
    def test_panels_are_the_residuals(self):
        study = seven()
        over_time, histogram, correlogram, quantiles = ms.plots.residuals(study, NVDA)
        at = list(study.panel.event_id).index(NVDA)
        expected = 100 * study.evidence.residuals[at]
        np.testing.assert_allclose(over_time.lines[0].get_ydata(), expected)
        days = over_time.lines[0].get_xdata().astype("datetime64[D]")
        assert [str(d) for d in days[[0, -1]]] == [str(d) for d in study.panel.returns.days[
            study.panel.row[at] + np.array([-260, -11])
        ]]  # fmt: skip
        heights = np.array([bar.get_height() for bar in histogram.patches])
        assert heights.sum() == 250
        normal = histogram.lines[0]
        width = histogram.patches[0].get_width()
        density = 250 * width * stats.norm.pdf(normal.get_xdata(), expected.mean(), expected.std(ddof=1))
        np.testing.assert_allclose(normal.get_ydata(), density)
        d = expected - expected.mean()
        rho = [(d[h:] * d[:-h]).sum() / (d**2).sum() for h in range(1, 21)]
        marks = next(line for line in correlogram.lines if line.get_marker() == "o")
        np.testing.assert_allclose(marks.get_ydata(), rho)
        points = next(line for line in quantiles.lines if line.get_marker() == "o")
        np.testing.assert_allclose(points.get_ydata(), np.sort(d / expected.std(ddof=1)))
        np.testing.assert_allclose(points.get_xdata(), stats.norm.ppf((np.arange(1, 251) - 0.375) / 250.25))

    def test_titles_hold_the_statistics(self):
        study = seven()
        panels = ms.plots.residuals(study, NVDA)
        e = study.evidence.residuals[list(study.panel.event_id).index(NVDA)]
        titles = [ax.get_title(loc="left") for ax in panels]
        assert f"Durbin-Watson {(np.diff(e) ** 2).sum() / (e**2).sum():.2f}" in titles[0]
        bera = stats.jarque_bera(e)
        assert titles[1].startswith(f"Jarque-Bera {bera.statistic:.1f}, p < 0.0001")
        assert "Ljung-Box Q(10) 12.9, p = 0.23" in titles[2]
        assert NVDA in panels[0].figure.get_suptitle()

    def test_missing_days_are_gaps(self, prices):
        close = prices.adj_close.copy()
        close.loc["2024-09-10", "NVDA"] = np.nan
        study = ms.event_study(ms.load_catalog()["deepseek-selloff"], tickers=["NVDA"], prices=close, model=MODEL)
        over_time, histogram, *_ = ms.plots.residuals(study, NVDA)
        assert np.isnan(over_time.lines[0].get_ydata()).sum() == 2
        assert sum(bar.get_height() for bar in histogram.patches) == 248
        assert "248 estimation days" in over_time.figure.get_suptitle()

    def test_about_the_mean_that_the_model_leaves(self, prices):
        event = ms.load_catalog()["deepseek-selloff"]
        study = ms.event_study(event, tickers=["NVDA"], prices=prices, model=ms.MarketAdjusted("^GSPC"))
        values = ms.plots.residuals(study, NVDA)[0].lines[0].get_ydata()
        np.testing.assert_allclose(values, 100 * (study.evidence.residuals[0] - study.fit.residual_mean[0]))

    def test_labels_do_not_overlap(self):
        panels = ms.plots.residuals(seven(), NVDA)
        texts = [text for ax in panels for text in names(ax)]
        assert overlapping(panels[0].figure, [*texts, panels[0].figure._suptitle]) == []

    def test_refuses(self):
        with pytest.raises(UnknownNameError, match="did you mean"):
            ms.plots.residuals(seven(), "deepseek-selloff/NVDAA")
