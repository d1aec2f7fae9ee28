"""What the user calls something is a name in every picture, never mathematics."""

from __future__ import annotations

import io
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import marketshock as ms
from marketshock.plots.svg import inline_svg
from tests.pictures import PICTURES

NAMES = ("$\\frac{1$", "$5_to_$9_", "cost $5_ of $6^", "$", "$$", "\\$x^2$ %")  # mathtext, whole or broken
BENCHMARK = "$\\index_$"
DAYS = pd.bdate_range("2024-01-01", periods=400)
IDS = [f"{name}@{name}" for name in NAMES]


@cache
def prices() -> pd.DataFrame:
    moves = np.random.default_rng(3).normal(0, 0.01, (len(DAYS), len(NAMES) + 1))
    return 100 * (1 + pd.DataFrame(moves, index=DAYS, columns=[*NAMES, BENCHMARK])).cumprod()


@cache
def study(days: tuple[int, ...] = (350, 354)) -> ms.StudyResult:
    events = pd.DataFrame(
        {
            "ticker": NAMES,
            "date": [DAYS[days[i % len(days)]] for i in range(len(NAMES))],
            "event_id": IDS,
            "group": [f"$\\group_{i % 2}$" for i in range(len(NAMES))],
            "$trait_": ["$\\sqrt{$", "$b$"] * 3,
        }
    )
    return ms.event_study(events, prices=prices(), model=ms.MarketModel(BENCHMARK))


@cache
def one_date() -> ms.StudyResult:
    return study((350,))


@cache
def change() -> ms.MarketCapChange:
    shares = pd.DataFrame({"firm": NAMES, "shares": 1e9, "as_of": "2023-12-29", "filed": "2023-12-31"})
    return ms.market_cap_change(DAYS[350], prices(), shares, tickers=NAMES, study=one_date())


@cache
def backtest() -> ms.Backtest:
    events = pd.DataFrame({"ticker": NAMES, "date": [DAYS[350 + i] for i in range(len(NAMES))], "event_id": IDS})
    return ms.backtest(
        events, prices(), ms.rules.HoldAfter(days=5, entry="next_close"), costs=ms.Costs(bps=5), benchmark=BENCHMARK
    )


@cache
def fragility() -> ms.Fragility:
    return ms.fragility(prices())


@cache
def curve() -> ms.types.SpecificationCurve:
    events = pd.DataFrame({"ticker": NAMES[:1], "date": [DAYS[350]], "event_id": IDS[:1]})
    models = [ms.MarketModel(BENCHMARK), ms.ConstantMean()]
    return ms.specification_curve(events, prices=prices(), models=models, windows=[(0, 0), (0, 5)])


PERIOD = (str(DAYS[300].date()), str(DAYS[-1].date()))
DRAWN = {
    "ar_heatmap": lambda **kw: ms.plots.ar_heatmap(study(), **kw),
    "caar": lambda **kw: ms.plots.caar(study(), by="$trait_", **kw),
    "car": lambda **kw: ms.plots.car(one_date(), **kw),
    "car_by_firm": lambda **kw: ms.plots.car_by_firm(study(), **kw),
    "equity": lambda **kw: ms.plots.equity(backtest(), **kw),
    "forest": lambda **kw: ms.plots.forest(study(), **kw),
    "fragility_counts": lambda **kw: ms.plots.fragility_counts(fragility(), *PERIOD, **kw),
    "fragility_heatmap": lambda **kw: ms.plots.fragility_heatmap(fragility(), None, *PERIOD, **kw),
    "fragility_ranking": lambda **kw: ms.plots.fragility_ranking(fragility(), *PERIOD, **kw),
    "market_cap": lambda **kw: ms.plots.market_cap(change(), **kw),
    "market_caps": lambda **kw: ms.plots.market_caps([change(), change()], **kw),
    "placebo": lambda **kw: ms.plots.placebo(ms.placebo(study(), IDS[0], 0, 0), **kw),
    "placebo_trades": lambda **kw: ms.plots.placebo_trades(ms.placebo_trades(backtest(), draws=19), **kw),
    "price_path": lambda **kw: ms.plots.price_path(study(), IDS[0], **kw),
    "residuals": lambda **kw: ms.plots.residuals(study(), IDS[0], **kw),
    "specification_curve": lambda **kw: ms.plots.specification_curve(curve(), **kw),
    "trade_path": lambda **kw: ms.plots.trade_path(backtest(), **kw),
    "trades": lambda **kw: ms.plots.trades(backtest(), **kw),
    "waterfall": lambda **kw: ms.plots.waterfall(change(), **kw),
}


def test_every_picture_with_names_of_the_user_is_here():
    assert set(PICTURES) - set(DRAWN) == {"size_power"}


@pytest.mark.parametrize("given", ["nothing", "axes"])
@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.filterwarnings("ignore::marketshock.errors.MarketShockWarning")
def test_no_name_is_read_as_mathematics(name, given):
    own = {}
    if given == "axes":
        figure = Figure(layout="constrained")
        by_figure = name in ("car_by_firm", "equity", "market_caps", "residuals", "specification_curve")
        own = {"figure": figure} if by_figure else {"ax": figure.add_subplot()}
    drawn = DRAWN[name](**own)
    figure = (drawn[0] if isinstance(drawn, list) else drawn).figure
    try:
        figure.canvas.draw()
        texts = [text for text in figure.findobj(Text) if "$" in text.get_text()]
        assert all(not text.get_parse_math() for text in texts), [t.get_text() for t in texts if t.get_parse_math()]
        if given == "nothing":
            figure.savefig(io.BytesIO(), format="png", dpi=40)
            assert "of $6^" in inline_svg(figure, "x", NAMES[2], NAMES[1])
    finally:
        plt.close("all")
