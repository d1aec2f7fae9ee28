"""Pictures of specifications and placebo days: what is drawn is what was computed, and nothing overlaps."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure

import marketshock as ms
from marketshock.errors import InputError, UnknownNameError

NVDA = "deepseek-selloff/NVDA"


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def curve(prices, catalog) -> ms.types.SpecificationCurve:
    return ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=["NVDA"],
        prices=prices,
        models=[ms.MarketModel("^GSPC"), ms.MarketAdjusted("^GSPC"), ms.ConstantMean()],
        windows=[(0, 0), (0, 5), (-20, 5)],
        estimations=[(-260, -11), (-260, -31)],
    )


@pytest.fixture(scope="module")
def result(seven) -> ms.types.Placebo:
    return ms.placebo(seven, None, 0, 0)


def points(ax) -> np.ndarray:
    """Return (x, y) of the estimates, filled and hollow, by x."""
    found = np.concatenate([line.get_xydata() for line in ax.lines if line.get_marker() == "o"])
    return found[found[:, 0].argsort()]


def within(ax) -> list:
    """Return the labels of the ticks that are drawn: matplotlib keeps some beyond the limits."""
    ax.figure.canvas.draw()
    out = []
    for which, axis in enumerate((ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        out += [label for label in axis.get_ticklabels() if low <= label.get_position()[which] <= high]
    return out


def overlapping(figure, texts) -> list[tuple[str, str]]:
    figure.canvas.draw()
    page = figure.bbox
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_text() and t.get_visible()]
    for text, box in boxes:  # nothing is cut off; a pixel is rounding
        assert min(box.x0 - page.x0, page.x1 - box.x1, box.y0 - page.y0, page.y1 - box.y1) >= -1, text
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)]


def test_estimates_ascend_with_their_intervals(curve):
    upper, lower = ms.plots.specification_curve(curve)
    drawn = points(upper)
    estimated = curve.table[curve.table["car"].notna()].sort_values("car", kind="stable")
    np.testing.assert_allclose(drawn[:, 1], 100 * estimated["car"])
    bars = np.array([segment[:, 1] for segment in upper.collections[0].get_segments()])
    np.testing.assert_allclose(bars, 100 * estimated[["ci_low", "ci_high"]])
    filled = sum(
        len(x.get_xdata()) for x in upper.lines if x.get_marker() == "o" and x.get_markerfacecolor() != "white"
    )
    assert filled == (estimated["pvalue"] < 0.05).sum()
    assert "(3 could not be estimated)" in upper.get_title(loc="left")
    assert upper.get_xlim() == lower.get_xlim()


def test_marks_are_the_choices(curve):
    _, lower = ms.plots.specification_curve(curve)
    estimated = curve.table[curve.table["car"].notna()].sort_values("car", kind="stable")
    labels = [t.get_text() for t in lower.get_yticklabels()]
    assert labels[:4] == ["model", "market model (^GSPC)", "market-adjusted (^GSPC)", "constant mean"]
    marks = {}
    for line in lower.lines:
        if line.get_marker() == "s" and len(line.get_ydata()):
            marks[labels[int(line.get_ydata()[0])]] = line.get_xdata()
    for dimension in ("model", "window", "estimation"):
        for choice in curve.choices[dimension]:
            at = np.flatnonzero(estimated[dimension] == choice)
            np.testing.assert_array_equal(marks.get(choice, []), at)


def test_figures_given_are_used(curve):
    own = Figure()
    axes = ms.plots.specification_curve(curve, figure=own)
    assert all(ax.figure is own for ax in axes)


def test_a_single_specification_and_one_without_an_interval(prices, catalog):
    one = ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=["NVDA", "MSFT"],
        prices=prices,
        models=[ms.ConstantMean()],
        test="corrado",
    )
    upper, lower = ms.plots.specification_curve(one)
    assert len(points(upper)) == 1
    assert len(lower.get_yticklabels()) == 6


def test_too_many_specifications(prices, catalog):
    many = ms.specification_curve(
        catalog["deepseek-selloff"],
        tickers=["NVDA"],
        prices=prices,
        models=[ms.ConstantMean()],
        windows=[(0, k) for k in range(21)],
        estimations=[(-100 - k, -11) for k in range(20)],
    )
    with pytest.raises(InputError, match="420 specifications are too many"):
        ms.plots.specification_curve(many)


def test_labels_do_not_overlap(curve, result):
    upper, lower = ms.plots.specification_curve(curve)
    texts = [*lower.get_yticklabels(), *within(upper), upper.title, upper.yaxis.label, lower.xaxis.label]
    assert overlapping(upper.figure, texts) == []
    ax = ms.plots.placebo(result, NVDA)
    texts = [*within(ax), *ax.get_legend().get_texts(), ax.xaxis.label, ax.yaxis.label]
    assert overlapping(ax.figure, texts) == []


def test_placebo_days_and_the_event(result):
    ax = ms.plots.placebo(result, NVDA)
    days = 100 * result.distribution.loc[NVDA, "car"]
    counts = np.array([bar.get_height() for bar in ax.patches])
    edges = np.array([bar.get_x() for bar in ax.patches] + [ax.patches[-1].get_x() + ax.patches[-1].get_width()])
    edges[-1] += 1e-9  # x plus width, rounded
    assert counts.sum() == len(days)
    np.testing.assert_array_equal(counts, np.histogram(days, bins=edges)[0])
    assert any(np.allclose(line.get_xdata(), 100 * result.table.loc[NVDA, "car"]) for line in ax.lines)
    assert "rank 1 of 297" in ax.get_title(loc="left")
    assert ax.get_xlabel() == "CAR, %"


def test_placebo_on_given_axes_by_t(seven):
    _, ax = plt.subplots()
    only = ms.placebo(seven, NVDA, 0, 0, by="t")
    assert ms.plots.placebo(only, ax=ax) is ax  # one event: it need not be named
    assert ax.get_xlabel() == "CAR over its standard error"


def test_placebo_refuses(result):
    with pytest.raises(InputError, match="there are 8 events"):
        ms.plots.placebo(result)
    with pytest.raises(UnknownNameError, match="did you mean"):
        ms.plots.placebo(result, "deepseek-selloff/NVDAA")


def test_style_leaves_the_users_settings_alone(curve, result):
    before = dict(plt.rcParams)
    ms.plots.specification_curve(curve)
    ms.plots.placebo(result, NVDA)
    assert dict(plt.rcParams) == before
