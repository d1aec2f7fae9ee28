"""Event studies of dated market shocks: what was abnormal, how sure one can be, and how many dollars it was.

The names below are loaded when they are first used, so that ``import marketshock`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._bundled import MAGNIFICENT_SEVEN
from ._bundled import __version__ as __version__

_HOME = {
    "Backtest": "backtests.result",
    "CAPM": "models.factor",
    "CRSP": "providers.crsp",
    "Catalog": "catalog.model",
    "Clustering": "volatility.clustering",
    "ConstantMean": "models.mean",
    "Costs": "backtests.costs",
    "Claim": "catalog.claim",
    "Claims": "claims.verify",
    "Conventions": "inference.options",
    "CrossSection": "study.crosssection",
    "Dimson": "models.nonsync",
    "Document": "documents.document",
    "EqualWeighted": "models.benchmark",
    "Event": "catalog.model",
    "Explanation": "explained.explanation",
    "FactorModel": "models.factor",
    "FamaFrench": "models.factor",
    "Fragility": "volatility.fragility",
    "GarchModel": "models.garch",
    "HuberModel": "models.robust",
    "IndexContribution": "volatility.contribution",
    "IndexMembers": "providers.members",
    "LeaveOneOut": "models.benchmark",
    "MarketAdjusted": "models.mean",
    "MarketCapChange": "dollars.change",
    "MarketModel": "models.factor",
    "Membership": "volatility.membership",
    "Placebo": "robustness.placebo",
    "PlaceboTrades": "backtests.placebo",
    "Pretrend": "robustness.pretrend",
    "Prices": "providers.base",
    "RecentVolatility": "models.variance",
    "Reconciliation": "dollars.reported",
    "Resampling": "inference.options",
    "RuleComparison": "backtests.compare",
    "ScholesWilliams": "models.nonsync",
    "SharesTable": "providers.shares",
    "Sizing": "backtests.costs",
    "Source": "catalog.model",
    "SpecificationCurve": "robustness.curve",
    "Stated": "catalog.claim",
    "StudyResult": "study.results",
    "StudySummary": "study.streamed",
    "TESTS": "inference.registry",
    "Verdict": "claims.verdict",
    "VolatilityPortfolios": "volatility.portfolios",
    "WalkForward": "backtests.compare",
    "adjust_pvalues": "inference.adjust",
    "backtest": "backtests.run",
    "compare": "robustness.compare",
    "compare_rules": "backtests.compare",
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
    "recorded_facts": "providers.facts",
    "regress_car": "study.crosssection",
    "release_calendar": "catalog.load",
    "report": "report",
    "sec_share_counts": "providers.sec",
    "rules": "backtests.rules",
    "share_counts": "providers.shares",
    "simulate": "simulate",
    "snapshot": "providers.snapshot",
    "sp500": "providers.members",
    "specification_curve": "robustness.curve",
    "volatility_portfolios": "volatility.portfolios",
    "verify_claims": "claims.verify",
    "walk_forward": "backtests.compare",
    "yahoo": "providers.fetch",
    "yahoo_intraday": "providers.fetch",
    "yahoo_share_counts": "providers.yahoo_shares",
}
_MODULES = frozenset({"errors", "plots", "report", "rules", "simulate"})

__all__ = [  # noqa: RUF022 - in the order of _HOME
    "MAGNIFICENT_SEVEN",
    "Backtest",
    "CAPM",
    "CRSP",
    "Catalog",
    "Clustering",
    "ConstantMean",
    "Costs",
    "Claim",
    "Claims",
    "Conventions",
    "CrossSection",
    "Dimson",
    "Document",
    "EqualWeighted",
    "Event",
    "Explanation",
    "FactorModel",
    "FamaFrench",
    "Fragility",
    "GarchModel",
    "HuberModel",
    "IndexContribution",
    "IndexMembers",
    "LeaveOneOut",
    "MarketAdjusted",
    "MarketCapChange",
    "MarketModel",
    "Membership",
    "Placebo",
    "PlaceboTrades",
    "Pretrend",
    "Prices",
    "RecentVolatility",
    "Reconciliation",
    "Resampling",
    "RuleComparison",
    "ScholesWilliams",
    "SharesTable",
    "Sizing",
    "Source",
    "SpecificationCurve",
    "Stated",
    "StudyResult",
    "StudySummary",
    "TESTS",
    "Verdict",
    "VolatilityPortfolios",
    "WalkForward",
    "adjust_pvalues",
    "backtest",
    "compare",
    "compare_rules",
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
    "recorded_facts",
    "regress_car",
    "release_calendar",
    "report",
    "sec_share_counts",
    "rules",
    "share_counts",
    "simulate",
    "snapshot",
    "sp500",
    "specification_curve",
    "volatility_portfolios",
    "verify_claims",
    "walk_forward",
    "yahoo",
    "yahoo_intraday",
    "yahoo_share_counts",
]

if TYPE_CHECKING:
    from . import errors, plots, report, simulate
    from .backtests import rules
    from .backtests.compare import RuleComparison, WalkForward, compare_rules, walk_forward
    from .backtests.costs import Costs, Sizing
    from .backtests.placebo import PlaceboTrades, placebo_trades
    from .backtests.result import Backtest
    from .backtests.run import backtest
    from .catalog.claim import Claim, Stated
    from .catalog.load import load_catalog, release_calendar
    from .catalog.model import Catalog, Event, Source
    from .claims.verdict import Verdict
    from .claims.verify import Claims, verify_claims
    from .documents.document import Document, read_document
    from .dollars.change import MarketCapChange, market_cap_change
    from .dollars.reported import Reconciliation, reconcile
    from .explained.explanation import Explanation
    from .inference.adjust import adjust_pvalues
    from .inference.options import Conventions, Resampling
    from .inference.power import minimum_detectable, power_of_t
    from .inference.registry import TESTS
    from .models.benchmark import EqualWeighted, LeaveOneOut
    from .models.factor import CAPM, FactorModel, FamaFrench, MarketModel
    from .models.garch import GarchModel
    from .models.mean import ConstantMean, MarketAdjusted
    from .models.nonsync import Dimson, ScholesWilliams
    from .models.robust import HuberModel
    from .models.variance import RecentVolatility
    from .providers.base import Prices
    from .providers.crsp import CRSP, read_crsp
    from .providers.earnings import earnings_dates, read_earnings
    from .providers.facts import recorded_facts
    from .providers.fetch import fetch_prices, yahoo, yahoo_intraday
    from .providers.files import read_prices, read_returns
    from .providers.french import french_factors
    from .providers.members import IndexMembers, sp500
    from .providers.sec import sec_share_counts
    from .providers.shares import SharesTable, share_counts
    from .providers.snapshot import snapshot
    from .providers.yahoo_shares import yahoo_share_counts
    from .robustness.compare import compare
    from .robustness.curve import SpecificationCurve, specification_curve
    from .robustness.placebo import Placebo, placebo
    from .robustness.pretrend import Pretrend, pretrend
    from .study.crosssection import CrossSection, group_differences, regress_car
    from .study.results import StudyResult
    from .study.run import event_study
    from .study.streamed import StudySummary
    from .volatility.clustering import Clustering
    from .volatility.contribution import IndexContribution, index_contribution
    from .volatility.fragility import Fragility
    from .volatility.measure import fragility
    from .volatility.membership import Membership
    from .volatility.portfolios import VolatilityPortfolios, volatility_portfolios


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
