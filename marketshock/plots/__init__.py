"""Pictures of results: ``ax=None`` in, Axes out; matplotlib is loaded when one is drawn."""

from ._style import bare_figure
from .backtest import equity, placebo_trades, trade_path, trades
from .car import car, car_by_firm
from .fragility import fragility_counts, fragility_heatmap, fragility_ranking
from .marketcap import market_cap, market_caps
from .robustness import placebo, specification_curve

__all__ = [
    "bare_figure",
    "car",
    "car_by_firm",
    "equity",
    "fragility_counts",
    "fragility_heatmap",
    "fragility_ranking",
    "market_cap",
    "market_caps",
    "placebo",
    "placebo_trades",
    "specification_curve",
    "trade_path",
    "trades",
]
