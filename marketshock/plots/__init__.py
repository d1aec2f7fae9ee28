"""Pictures of results: ``ax=None`` in, Axes out; matplotlib is loaded when one is drawn."""

from ._style import bare_figure
from .backtest import equity, placebo_trades, trade_path, trades
from .car import car, car_by_firm
from .diagnostics import residuals
from .fragility import fragility_counts, fragility_heatmap, fragility_ranking
from .heatmap import ar_heatmap
from .marketcap import market_cap, market_caps, waterfall
from .mean import caar, forest
from .robustness import placebo, specification_curve
from .simulation import size_power
from .timeline import price_path

__all__ = [
    "ar_heatmap",
    "bare_figure",
    "caar",
    "car",
    "car_by_firm",
    "equity",
    "forest",
    "fragility_counts",
    "fragility_heatmap",
    "fragility_ranking",
    "market_cap",
    "market_caps",
    "placebo",
    "placebo_trades",
    "price_path",
    "residuals",
    "size_power",
    "specification_curve",
    "trade_path",
    "trades",
    "waterfall",
]
