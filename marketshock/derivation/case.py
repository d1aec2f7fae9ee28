"""One event of a study as arrays, and the symbols its derivation is written in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np

from .._typing import BoolArray, FloatArray
from ..models.base import ModelFit
from ..models.benchmark import Term
from ..models.factor import LinearFit
from ..models.mean import ConstantMean, MarketAdjusted
from ..panel.abnormal import Abnormal
from ..panel.event_panel import EventPanel
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..windows import Window

Kind: TypeAlias = Literal["least squares", "adjusted", "fit"]


@dataclass(frozen=True, eq=False)
class Case:
    """One event of a study and the days that are asked about.

    Attributes
    ----------
    spec : StudySpec
        Of the study.
    panel, fit, abnormal : EventPanel, ModelFit, Abnormal
        Of this event alone: E is 1.
    prices : Prices or None
        What the returns were computed from.
    window : Window
        The days summed.
    confidence : float
        Coverage of the interval.
    """

    spec: StudySpec
    panel: EventPanel
    fit: ModelFit
    abnormal: Abnormal
    prices: Prices | None
    window: Window
    confidence: float

    @cached_property
    def kind(self) -> Kind:
        """How far the estimates can be written out: sums of least squares, a benchmark subtracted, or the fit alone."""
        model = self.spec.model
        if isinstance(model, MarketAdjusted):
            return "adjusted"
        return "least squares" if isinstance(model, (LinearFit, ConstantMean)) else "fit"

    @cached_property
    def classic(self) -> bool:
        """Whether the covariance of the coefficients is ``s^2 (X'X)^-1``, so that h can be written out."""
        return self.kind == "least squares" and getattr(self.spec.model, "cov", "classic") == "classic"

    @cached_property
    def ticker(self) -> str:
        """The security."""
        return str(self.panel.ticker[0])

    @cached_property
    def days(self) -> list[int]:
        """The days asked about."""
        return list(range(self.window.first, self.window.last + 1))

    @cached_property
    def slice(self) -> slice:
        """Their place in the study's event window."""
        start = self.window.first - self.spec.window.first
        return slice(start, start + len(self.window))

    @cached_property
    def there(self) -> BoolArray:
        """Which of the days have a return and all regressors, (n,)."""
        return np.asarray(self.panel.event_data.mask[0, self.slice])

    @cached_property
    def summed(self) -> list[int]:
        """The days that are summed."""
        return [day for day, there in zip(self.days, self.there, strict=True) if there]

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The regressors that the event days need, without the constant."""
        return self.spec.model.terms[: self.n_params - int(self.spec.model.intercept)]

    @property
    def n_params(self) -> int:
        """P, the number of coefficients."""
        return int(self.fit.params.shape[1])

    @cached_property
    def regressors(self) -> list[str]:
        """Symbols of `terms`: Rm for a benchmark's return, F1, F2, ... for factors and excess returns."""
        if len(self.terms) == 1 and self.spec.model.offset is None:
            return ["Rm"]
        return [f"F{k}" for k in range(1, len(self.terms) + 1)]

    @cached_property
    def coefficients(self) -> list[str]:
        """Symbols of the coefficients."""
        slopes = ["beta"] if len(self.terms) == 1 else [f"b{k}" for k in range(1, len(self.terms) + 1)]
        return ["alpha"] * int(self.spec.model.intercept) + slopes

    @cached_property
    def offset(self) -> str:
        """Symbol of what is subtracted from the return before the fit, "" if nothing is."""
        if self.spec.model.offset is None:
            return ""
        return "Rm" if self.kind == "adjusted" else "RF"

    @cached_property
    def y(self) -> str:
        """Symbol of the return less the offset."""
        return "Y" if self.offset else "R"

    @cached_property
    def estimation(self) -> tuple[FloatArray, FloatArray]:
        """The estimation days with data: y (n,) and all regressors (n, K), leads and lags last."""
        data = self.panel.estimation_data
        used = data.mask[0]
        return data.y[0, used], data.x[0, used]

    def date(self, day: int) -> str:
        """Return the session of a day relative to day 0, "" beyond the returns."""
        at, days = int(self.panel.row[0]) + day, self.panel.returns.days
        return str(days[at]) if 0 <= at < len(days) else ""

    @cached_property
    def steady(self) -> bool:
        """Whether the variance of every event day is s^2."""
        return bool((self.fit.sigma2_days == self.fit.sigma2[:, None]).all())

    @cached_property
    def written_out(self) -> list[int]:
        """The days whose formulas are printed with their numbers; of a long window the tables hold the others."""
        if len(self.summed) <= 3:
            return self.summed
        return [0] if 0 in self.summed else self.summed[:1]
