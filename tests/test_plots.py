"""Plots: what is drawn is what was computed, labelled, and on the Axes given."""

from __future__ import annotations

import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import marketshock as ms
from marketshock.errors import InputError, UnknownNameError


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_car_draws_the_path_and_its_band(seven):
    ax = ms.plots.car(seven, "deepseek-selloff/NVDA")
    line = next(line for line in ax.lines if len(line.get_xdata()) == 7)
    np.testing.assert_allclose(line.get_ydata(), 100 * seven.ar.loc["deepseek-selloff/NVDA"].cumsum(), rtol=1e-9)
    assert ax.get_xlabel() == "trading day relative to the event"
    assert "%" in ax.get_ylabel()
    assert "95 % at each day" in ax.get_title(loc="left")


def test_given_axes_are_used_and_returned(seven):
    _, ax = plt.subplots()
    assert ms.plots.car(seven, ax=ax) is ax
    assert [t.get_text() for t in ax.get_legend().get_texts()] == list(ms.MAGNIFICENT_SEVEN)


def test_unknown_event(seven):
    with pytest.raises(UnknownNameError, match="did you mean"):
        ms.plots.car(seven, "deepseek-selloff/NVDAA")


def test_one_panel_a_firm(seven):
    panels = ms.plots.car_by_firm(seven)
    assert [ax.get_title(loc="left") for ax in panels] == list(ms.MAGNIFICENT_SEVEN)
    own = Figure()
    assert ms.plots.car_by_firm(seven, figure=own)[0].figure is own


def test_every_event_of_a_users_own_list_is_drawn(prices):
    """Each row is an event of its own: more than seven share no legend, and none is left out."""
    tickers = [t for t in prices.tickers if not t.startswith("^")][:9]
    events = pd.DataFrame({"ticker": tickers, "date": "2025-01-27"})
    study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
    panels = ms.plots.car_by_firm(study)
    assert all(len([line for line in ax.lines if len(line.get_xdata()) == 7]) == 1 for ax in panels)
    with pytest.raises(InputError, match="9 events are too many"):
        ms.plots.car(study)


def test_a_legend_names_the_lines_it_stands_for(prices):
    """Ten events of five tickers: each panel's two lines bear the sessions of its own two events."""
    days = ["2025-01-27", "2025-02-03", "2025-01-15", "2025-01-22", "2025-02-10"]
    tickers = ["NVDA", "AAPL", "MSFT", "META", "TSLA"]
    rows = [(t, d) for k, t in enumerate(tickers) for d in (days[k], "2024-11-20")]
    study = ms.event_study(
        pd.DataFrame(rows, columns=["ticker", "date"]), prices=prices, model=ms.MarketModel("^GSPC"), window=(0, 3)
    )
    paths = study.ar.cumsum(axis=1) * 100
    for ax in ms.plots.car_by_firm(study):
        ticker = ax.get_title() or ax.get_title(loc="left")
        legend = ax.get_legend()
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            line = next(one for one in ax.lines if one.get_color() == handle.get_color() and len(one.get_xdata()) == 4)
            np.testing.assert_allclose(line.get_ydata(), paths.loc[f"{ticker}@{text.get_text()}"])


def test_a_day_without_a_return_is_a_gap_in_the_line(prices):
    close = prices.adj_close.copy()
    close.loc["2025-01-28", "NVDA"] = np.nan
    events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    ax = ms.plots.car(ms.event_study(events, prices=close, model=ms.MarketModel("^GSPC")))
    line = next(line for line in ax.lines if len(line.get_xdata()) == 7)
    assert np.isnan(line.get_ydata()).tolist() == [False, False, True, True, False, False, False]


def test_market_cap_bars_are_the_changes(seven, prices):
    change = ms.market_cap_change("2025-01-27", prices, study=seven)
    ax = ms.plots.market_cap(change)
    widths = sorted(bar.get_width() for bar in ax.patches)
    np.testing.assert_allclose(widths, np.sort(change.table["change_usd"]) / 1e9)
    assert ax.get_xlabel() == "market-cap change, USD bn"
    without = ms.plots.market_cap(ms.market_cap_change("2025-01-27", prices))
    assert len(without.patches) == 8


def test_style_leaves_the_users_settings_alone(seven):
    before = dict(plt.rcParams)
    ms.plots.car(seven)
    assert dict(plt.rcParams) == before


def test_first_picture_leaves_interactive_mode_alone():
    """The backend is chosen when pyplot is first loaded: never inside our style, which would undo what it sets."""
    code = (
        "import matplotlib as mpl, marketshock as ms; mpl.use('agg'); mpl.interactive(True); "
        "s = ms.event_study(ms.load_catalog()['deepseek-selloff'], tickers='NVDA', prices=ms.snapshot(), "
        "model=ms.MarketModel('^GSPC')); ms.plots.car(s); print(mpl.is_interactive())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
