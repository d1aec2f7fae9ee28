"""A name that begins with an underscore, which matplotlib hides, is in the legend as any other."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import marketshock as ms

DAYS = pd.bdate_range("2024-01-01", periods=330)
pytestmark = pytest.mark.filterwarnings("ignore::marketshock.errors.CalendarWarning")
NAMES = ["_A", "__", "_nolegend_"]


@pytest.fixture(scope="module")
def prices():
    moves = np.random.default_rng(5).normal(0, 0.01, (len(DAYS), 4))
    return 100 * (1 + pd.DataFrame(moves, index=DAYS, columns=[*NAMES, "_MKT"])).cumprod()


@pytest.fixture(scope="module")
def events():
    return pd.DataFrame({"ticker": NAMES, "date": DAYS[300], "event_id": [f"_{n}" for n in NAMES], "group": NAMES})


def legend_of(drawn):
    axes = drawn if isinstance(drawn, list) else [drawn]
    figure = axes[0].figure
    legends = [ax.get_legend() for ax in axes if ax.get_legend()] + figure.legends
    texts = [text.get_text().strip() for legend in legends for text in legend.get_texts()]
    figure.canvas.draw()
    plt.close("all")
    return texts


def test_events_and_groups(prices, events):
    study = ms.event_study(events, prices=prices, model=ms.MarketModel("_MKT"))
    assert legend_of(ms.plots.car(study)) == list(study.panel.event_id)
    assert len(legend_of(ms.plots.car_by_firm(study))) == len(NAMES)
    assert legend_of(ms.plots.caar(study, by="group")) == [f"{name} (1 event)" for name in sorted(NAMES)]


def test_a_benchmark(prices, events):
    traded = ms.backtest(
        events, prices, ms.rules.HoldAfter(days=5, entry="next_close"), costs=ms.Costs(bps=5), benchmark="_MKT"
    )
    assert "_MKT, held throughout" in legend_of(ms.plots.equity(traded))
