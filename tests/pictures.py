"""Every public picture on bundled data, by name: what all of them must keep is tested on all of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

import marketshock as ms

NVDA = "deepseek-selloff/NVDA"
PERIOD = ("2025-01-01", "2025-02-12")
MODEL = ms.MarketModel("^GSPC")
OWN_DATES = pd.DataFrame(
    {
        "ticker": ["NVDA", "AAPL", "MSFT", "META", "AMZN", "TSLA", "IBM", "MRK", "PM", "AVGO"],
        "date": [
            "2024-05-23", "2024-08-02", "2024-07-31", "2024-10-31", "2024-04-30",
            "2024-07-24", "2025-01-30", "2025-02-04", "2025-02-06", "2024-12-13",
        ],
        "group": ["tech"] * 6 + ["other"] * 4,
    }
)  # fmt: skip


@cache
def seven() -> ms.StudyResult:
    """Seven firms on one date."""
    return ms.event_study(
        ms.load_catalog()["deepseek-selloff"], tickers=ms.MAGNIFICENT_SEVEN, prices=ms.snapshot(), model=MODEL
    )


@cache
def two_dates() -> ms.StudyResult:
    """Seven firms on two dates whose windows overlap."""
    catalog = ms.load_catalog()
    events = [catalog["deepseek-selloff"], catalog["tariff-order"]]
    return ms.event_study(events, tickers=ms.MAGNIFICENT_SEVEN, prices=ms.snapshot(), model=MODEL)


@cache
def own_dates() -> ms.StudyResult:
    """Ten firms on ten dates, in two groups, and a longer window."""
    return ms.event_study(OWN_DATES, prices=ms.snapshot(), model=MODEL, window=(-5, 10))


@cache
def with_gaps() -> ms.StudyResult:
    """Seven firms on one date, two of which lack a price in the window: four returns are missing."""
    close = ms.snapshot().adj_close.copy()
    close.loc["2025-01-28", "NVDA"] = np.nan
    close.loc["2025-01-30", "AAPL"] = np.nan
    return ms.event_study(
        ms.load_catalog()["deepseek-selloff"], tickers=ms.MAGNIFICENT_SEVEN, prices=close, model=MODEL
    )


@cache
def of_returns() -> ms.StudyResult:
    """A study without prices."""
    returns = ms.snapshot().adj_close.pct_change(fill_method=None).iloc[1:]
    return ms.event_study(ms.load_catalog()["deepseek-selloff"], tickers=["NVDA"], returns=returns, model=MODEL)


@cache
def change() -> ms.MarketCapChange:
    """Of seven firms, with a study."""
    return ms.market_cap_change("2025-01-27", ms.snapshot(), study=seven())


@cache
def rates(*tests: str) -> ms.RejectionRates:
    """A small simulation."""
    chosen = tests or ("portfolio", "bmp", "corrado")
    design = ms.simulate.Design(n_firms=10, n_days=60, correlation=0.3)
    return ms.simulate.rejection_rates(design, tests=chosen, shocks=(0.0, 0.01, 0.02), n_samples=60)


@cache
def fragility() -> ms.Fragility:
    """The fifty largest."""
    members = ms.datasets.sp500()
    return ms.fragility(members.prices, members=ms.Membership.top(50, members.market_caps()))


@cache
def backtest() -> ms.Backtest:
    """Seven trades on one date."""
    return ms.backtest(
        ms.load_catalog()["deepseek-selloff"], ms.snapshot(), ms.rules.HoldAfter(days=5),
        tickers=ms.MAGNIFICENT_SEVEN, costs=ms.Costs(bps=5), benchmark="^GSPC",
    )  # fmt: skip


@cache
def random_dates() -> ms.types.PlaceboTrades:
    """Of that backtest."""
    return ms.placebo_trades(backtest(), draws=99)


@cache
def curve() -> ms.types.SpecificationCurve:
    """Twelve specifications."""
    return ms.specification_curve(
        ms.load_catalog()["deepseek-selloff"], tickers=["NVDA"], prices=ms.snapshot(),
        models=[MODEL, ms.ConstantMean()], windows=[(0, 0), (0, 5), (-20, 5)],
        estimations=[(-260, -11), (-260, -31)],
    )  # fmt: skip


@cache
def placebo_days() -> ms.types.Placebo:
    """Of one event."""
    return ms.placebo(seven(), NVDA, 0, 0)


PICTURES: dict[str, tuple[Any, Callable[..., Any]]] = {
    "ar_heatmap": (with_gaps, ms.plots.ar_heatmap),
    "caar": (own_dates, lambda study, **kw: ms.plots.caar(study, by="group", **kw)),
    "car": (seven, ms.plots.car),
    "car_by_firm": (two_dates, ms.plots.car_by_firm),
    "equity": (backtest, ms.plots.equity),
    "forest": (own_dates, ms.plots.forest),
    "fragility_counts": (fragility, lambda measured, **kw: ms.plots.fragility_counts(measured, *PERIOD, **kw)),
    "fragility_heatmap": (fragility, lambda measured, **kw: ms.plots.fragility_heatmap(measured, None, *PERIOD, **kw)),
    "fragility_ranking": (fragility, lambda measured, **kw: ms.plots.fragility_ranking(measured, *PERIOD, **kw)),
    "market_cap": (change, ms.plots.market_cap),
    "market_caps": (lambda: [change(), change()], ms.plots.market_caps),
    "placebo": (placebo_days, ms.plots.placebo),
    "placebo_trades": (random_dates, ms.plots.placebo_trades),
    "price_path": (two_dates, lambda study, **kw: ms.plots.price_path(study, NVDA, **kw)),
    "residuals": (seven, lambda study, **kw: ms.plots.residuals(study, NVDA, **kw)),
    "size_power": (rates, ms.plots.size_power),
    "specification_curve": (curve, ms.plots.specification_curve),
    "trade_path": (backtest, lambda result, **kw: ms.plots.trade_path(result, random_dates(), **kw)),
    "trades": (backtest, ms.plots.trades),
    "waterfall": (change, ms.plots.waterfall),
}
"""What is drawn, and how: ``draw(made(), **options)``."""
