"""Event studies of dated market shocks: what was abnormal, how sure one can be, and how many dollars it was.

The names below are loaded when they are first used, so that ``import marketshock`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

MAGNIFICENT_SEVEN = ("AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA")
"""Seven firms, seven tickers: GOOGL stands for Alphabet."""

_HOME = {
    "Catalog": "catalog.model",
    "ConstantMean": "models.mean",
    "Conventions": "inference.base",
    "EqualWeighted": "models.benchmark",
    "Event": "catalog.model",
    "FactorModel": "models.factor",
    "LeaveOneOut": "models.benchmark",
    "MarketAdjusted": "models.mean",
    "MarketCapChange": "marketcap",
    "MarketModel": "models.factor",
    "Placebo": "robustness.placebo",
    "Pretrend": "robustness.pretrend",
    "Prices": "providers.base",
    "Reconciliation": "press",
    "Resampling": "inference.base",
    "SharesTable": "providers.shares",
    "Source": "catalog.model",
    "SpecificationCurve": "robustness.curve",
    "StudyResult": "results",
    "TESTS": "inference.registry",
    "compare": "robustness.compare",
    "errors": "errors",
    "event_study": "study",
    "french_factors": "providers.snapshot",
    "load_catalog": "catalog.load",
    "market_cap_change": "marketcap",
    "placebo": "robustness.placebo",
    "plots": "plots",
    "pretrend": "robustness.pretrend",
    "reconcile": "press",
    "release_calendar": "catalog.load",
    "share_counts": "providers.shares",
    "snapshot": "providers.snapshot",
    "specification_curve": "robustness.curve",
}
_MODULES = frozenset({"errors", "plots"})

__all__ = [  # noqa: RUF022 - in the order of _HOME
    "MAGNIFICENT_SEVEN",
    "Catalog",
    "ConstantMean",
    "Conventions",
    "EqualWeighted",
    "Event",
    "FactorModel",
    "LeaveOneOut",
    "MarketAdjusted",
    "MarketCapChange",
    "MarketModel",
    "Placebo",
    "Pretrend",
    "Prices",
    "Reconciliation",
    "Resampling",
    "SharesTable",
    "Source",
    "SpecificationCurve",
    "StudyResult",
    "TESTS",
    "compare",
    "errors",
    "event_study",
    "french_factors",
    "load_catalog",
    "market_cap_change",
    "placebo",
    "plots",
    "pretrend",
    "reconcile",
    "release_calendar",
    "share_counts",
    "snapshot",
    "specification_curve",
]

if TYPE_CHECKING:
    from . import errors, plots
    from .catalog.load import load_catalog, release_calendar
    from .catalog.model import Catalog, Event, Source
    from .inference.base import Conventions, Resampling
    from .inference.registry import TESTS
    from .marketcap import MarketCapChange, market_cap_change
    from .models.benchmark import EqualWeighted, LeaveOneOut
    from .models.factor import FactorModel, MarketModel
    from .models.mean import ConstantMean, MarketAdjusted
    from .press import Reconciliation, reconcile
    from .providers.base import Prices
    from .providers.shares import SharesTable, share_counts
    from .providers.snapshot import french_factors, snapshot
    from .results import StudyResult
    from .robustness.compare import compare
    from .robustness.curve import SpecificationCurve, specification_curve
    from .robustness.placebo import Placebo, placebo
    from .robustness.pretrend import Pretrend, pretrend
    from .study import event_study


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOME[name]}", __name__)
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
