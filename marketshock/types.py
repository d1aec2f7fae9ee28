"""Classes of results that functions return, for annotations and ``isinstance``."""

from __future__ import annotations

from .backtests.compare import RuleComparison
from .backtests.placebo import PlaceboTrades
from .backtests.walkforward import WalkForward
from .claims.verdict import Verdict
from .claims.verify import Claims
from .dollars.reported import Reconciliation
from .explained.explanation import Explanation
from .providers.crsp import CRSP
from .providers.members import IndexMembers
from .robustness.curve import SpecificationCurve
from .robustness.placebo import Placebo
from .robustness.pretrend import Pretrend
from .study.crosssection import CrossSection
from .study.streamed import StreamedStudy
from .volatility.clustering import Clustering
from .volatility.contribution import IndexContribution
from .volatility.portfolios import VolatilityPortfolios

__all__ = [
    "CRSP",
    "Claims",
    "Clustering",
    "CrossSection",
    "Explanation",
    "IndexContribution",
    "IndexMembers",
    "Placebo",
    "PlaceboTrades",
    "Pretrend",
    "Reconciliation",
    "RuleComparison",
    "SpecificationCurve",
    "StreamedStudy",
    "Verdict",
    "VolatilityPortfolios",
    "WalkForward",
]
