"""Event studies: abnormal returns, test statistics, market-cap losses in dollars, and checks of printed figures.

Each name below is loaded when it is first used, so that ``import marketshock`` takes next to no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._bundled import MAGNIFICENT_SEVEN
from ._bundled import __version__ as __version__

_HOME = {
    "Backtest": "backtests.result",
    "CAPM": "models.factor",
    "Catalog": "catalog.model",
    "ConstantMean": "models.mean",
    "Costs": "backtests.costs",
    "Claim": "catalog.claim",
    "Conventions": "inference.options",
    "Dimson": "models.nonsync",
    "Document": "documents.document",
    "EqualWeighted": "models.benchmark",
    "Event": "catalog.model",
    "FactorModel": "models.factor",
    "FamaFrench": "models.factor",
    "Fragility": "volatility.fragility",
    "GarchModel": "models.garch",
    "HuberModel": "models.robust",
    "LeaveOneOut": "models.benchmark",
    "Market": "markets",
    "MarketAdjusted": "models.mean",
    "MarketCapChange": "dollars.change",
    "MarketModel": "models.factor",
    "Membership": "volatility.membership",
    "Prices": "providers.base",
    "RecentVolatility": "models.variance",
    "Resampling": "inference.options",
    "ScholesWilliams": "models.nonsync",
    "SharesTable": "providers.shares",
    "Sizing": "backtests.costs",
    "Source": "catalog.model",
    "Stated": "catalog.claim",
    "StudyResult": "study.results",
    "TESTS": "inference.registry",
    "adjust_pvalues": "inference.adjust",
    "backtest": "backtests.run",
    "compare": "robustness.compare",
    "compare_rules": "backtests.compare",
    "datasets": "datasets",
    "earnings_dates": "providers.earnings",
    "errors": "errors",
    "event_study": "study.run",
    "fetch_prices": "providers.fetch",
    "fragility": "volatility.measure",
    "french_factors": "providers.french",
    "group_differences": "study.crosssection",
    "index_contribution": "volatility.contribution",
    "load_catalog": "catalog.load",
    "market_cap_change": "dollars.change",
    "minimum_detectable": "inference.power",
    "placebo": "robustness.placebo",
    "placebo_trades": "backtests.placebo",
    "plots": "plots",
    "power_of_t": "inference.power",
    "pretrend": "robustness.pretrend",
    "read_crsp": "providers.crsp",
    "read_document": "documents.document",
    "read_earnings": "providers.earnings",
    "read_prices": "providers.files",
    "read_returns": "providers.files",
    "reconcile": "dollars.reported",
    "regress_car": "study.crosssection",
    "report": "report",
    "sec_share_counts": "providers.sec",
    "rules": "backtests.rules",
    "share_counts": "providers.shares",
    "simulate": "simulate",
    "snapshot": "providers.snapshot",
    "specification_curve": "robustness.curve",
    "summarize_events": "study.summarize",
    "types": "types",
    "volatility_portfolios": "volatility.portfolios",
    "verify_claims": "claims.verify",
    "walk_forward": "backtests.walkforward",
    "yahoo": "providers.fetch",
    "yahoo_intraday": "providers.fetch",
    "yahoo_share_counts": "providers.yahoo_shares",
}
_MODULES = frozenset({"datasets", "errors", "plots", "report", "rules", "simulate", "types"})
_MOVED = {  # names of version 0.1 -> where they are now
    **{name: f"datasets.{name}" for name in ("recorded_facts", "release_calendar", "sp500")},
    **{
        name: f"types.{name}"
        for name in (
            *("CRSP", "Claims", "Clustering", "CrossSection", "Explanation", "IndexContribution", "IndexMembers"),
            *("Placebo", "PlaceboTrades", "Pretrend", "Reconciliation", "RuleComparison", "SpecificationCurve"),
            *("Verdict", "VolatilityPortfolios", "WalkForward"),
        )
    },
    "StudySummary": "types.StreamedStudy",
}

__all__ = [  # noqa: RUF022 - in the order of _HOME
    "MAGNIFICENT_SEVEN",
    "Backtest",
    "CAPM",
    "Catalog",
    "ConstantMean",
    "Costs",
    "Claim",
    "Conventions",
    "Dimson",
    "Document",
    "EqualWeighted",
    "Event",
    "FactorModel",
    "FamaFrench",
    "Fragility",
    "GarchModel",
    "HuberModel",
    "LeaveOneOut",
    "Market",
    "MarketAdjusted",
    "MarketCapChange",
    "MarketModel",
    "Membership",
    "Prices",
    "RecentVolatility",
    "Resampling",
    "ScholesWilliams",
    "SharesTable",
    "Sizing",
    "Source",
    "Stated",
    "StudyResult",
    "TESTS",
    "adjust_pvalues",
    "backtest",
    "compare",
    "compare_rules",
    "datasets",
    "earnings_dates",
    "errors",
    "event_study",
    "fetch_prices",
    "fragility",
    "french_factors",
    "group_differences",
    "index_contribution",
    "load_catalog",
    "market_cap_change",
    "minimum_detectable",
    "placebo",
    "placebo_trades",
    "plots",
    "power_of_t",
    "pretrend",
    "read_crsp",
    "read_document",
    "read_earnings",
    "read_prices",
    "read_returns",
    "reconcile",
    "regress_car",
    "report",
    "sec_share_counts",
    "rules",
    "share_counts",
    "simulate",
    "snapshot",
    "specification_curve",
    "summarize_events",
    "types",
    "volatility_portfolios",
    "verify_claims",
    "walk_forward",
    "yahoo",
    "yahoo_intraday",
    "yahoo_share_counts",
]

if TYPE_CHECKING:
    from . import datasets, errors, plots, report, simulate, types
    from .backtests import rules
    from .backtests.compare import compare_rules
    from .backtests.costs import Costs, Sizing
    from .backtests.placebo import placebo_trades
    from .backtests.result import Backtest
    from .backtests.run import backtest
    from .backtests.walkforward import walk_forward
    from .catalog.claim import Claim, Stated
    from .catalog.load import load_catalog
    from .catalog.model import Catalog, Event, Source
    from .claims.verify import verify_claims
    from .documents.document import Document, read_document
    from .dollars.change import MarketCapChange, market_cap_change
    from .dollars.reported import reconcile
    from .inference.adjust import adjust_pvalues
    from .inference.options import Conventions, Resampling
    from .inference.power import minimum_detectable, power_of_t
    from .inference.registry import TESTS
    from .markets import Market
    from .models.benchmark import EqualWeighted, LeaveOneOut
    from .models.factor import CAPM, FactorModel, FamaFrench, MarketModel
    from .models.garch import GarchModel
    from .models.mean import ConstantMean, MarketAdjusted
    from .models.nonsync import Dimson, ScholesWilliams
    from .models.robust import HuberModel
    from .models.variance import RecentVolatility
    from .providers.base import Prices
    from .providers.crsp import read_crsp
    from .providers.earnings import earnings_dates, read_earnings
    from .providers.fetch import fetch_prices, yahoo, yahoo_intraday
    from .providers.files import read_prices, read_returns
    from .providers.french import french_factors
    from .providers.sec import sec_share_counts
    from .providers.shares import SharesTable, share_counts
    from .providers.snapshot import snapshot
    from .providers.yahoo_shares import yahoo_share_counts
    from .robustness.compare import compare
    from .robustness.curve import specification_curve
    from .robustness.placebo import placebo
    from .robustness.pretrend import pretrend
    from .study.crosssection import group_differences, regress_car
    from .study.results import StudyResult
    from .study.run import event_study
    from .study.summarize import summarize_events
    from .volatility.contribution import index_contribution
    from .volatility.fragility import Fragility
    from .volatility.measure import fragility
    from .volatility.membership import Membership
    from .volatility.portfolios import volatility_portfolios


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        now = f"; it is {__name__}.{_MOVED[name]} now" if name in _MOVED else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{now}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
