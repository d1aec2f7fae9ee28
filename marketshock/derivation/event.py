"""One event of a study as arrays, and the symbols of its derivation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._typing import BoolArray, FloatArray
from ..models.base import ModelFit, is_least_squares
from ..models.benchmark import Term
from ..panel.abnormal import Abnormal
from ..panel.event_panel import EventPanel
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..windows import Window

_SAME = 1e-6  # largest difference, in standard errors, between a fit and the sums that are printed for it


@dataclass(frozen=True, eq=False)
class DerivedEvent:
    """One event of a study, whose panel, fit and abnormal returns are of this event alone, and the days to sum.

    `prices` are those from which the returns were computed, None if they were given; `confidence` is the coverage of
    the interval.
    """

    spec: StudySpec
    panel: EventPanel
    fit: ModelFit
    abnormal: Abnormal
    prices: Prices | None
    window: Window
    confidence: float

    @property
    def ticker(self) -> str:
        """The security."""
        return str(self.panel.ticker[0])

    @property
    def label(self) -> str:
        """The sum that is derived, such as CAR(-1, 5)."""
        return f"CAR({self.window.first}, {self.window.last})"

    @property
    def days(self) -> range:
        """The days from the first to the last, relative to day 0."""
        return range(self.window.first, self.window.last + 1)

    @property
    def slice(self) -> slice:
        """Their place in the study's event window."""
        start = self.window.first - self.spec.window.first
        return slice(start, start + len(self.window))

    @cached_property
    def there(self) -> BoolArray:
        """True for the days with a return and all regressors, (n,)."""
        return np.asarray(self.panel.event_data.mask[0, self.slice])

    @cached_property
    def summed(self) -> list[int]:
        """The days that are summed."""
        return [day for day, there in zip(self.days, self.there, strict=True) if there]

    @property
    def written_out(self) -> list[int]:
        """The days with their own equations; the table lists the others of a long window."""
        return self.summed if len(self.summed) <= 3 else [0] if 0 in self.summed else self.summed[:1]

    def date(self, day: int) -> str:
        """Return the session of a day relative to day 0, "" outside the returns."""
        at, days = int(self.panel.row[0]) + day, self.panel.returns.days
        return str(days[at]) if 0 <= at < len(days) else ""

    def estimation_date(self, day: int) -> str:
        """Return the session of a day of the estimation window, which stays where it was if a halt moved day 0."""
        at = int(self.panel.window_rows(self.spec.estimation)[0, day - self.spec.estimation.first])
        days = self.panel.returns.days
        return str(days[at]) if 0 <= at < len(days) else ""

    def sessions(self, day: int) -> int:
        """Return how many sessions the return of an event day covers."""
        spans = self.panel.event_span
        return 1 if spans is None else int(spans[0, day - self.spec.window.first])

    def covered(self, day: int) -> bool:
        """Return whether the return of a later day of the sum covers a day."""
        return any(later - self.sessions(later) < day < later for later in self.summed)

    @property
    def by_time(self) -> bool:
        """Whether mean and variance of a return grow with its sessions."""
        return self.panel.over_gaps is not None and self.panel.over_gaps.by_time

    @cached_property
    def weighted(self) -> bool:
        """Whether some estimation returns cover several sessions and weigh less."""
        return self.panel.estimation_data.root is not None

    @property
    def n_params(self) -> int:
        """P, the number of coefficients."""
        return int(self.fit.params.shape[1])

    @property
    def terms(self) -> tuple[Term, ...]:
        """The regressors of the event days, without the constant."""
        return self.spec.model.terms[: self.n_params - self.constant]

    @property
    def constant(self) -> int:
        """1 if the model has a constant, otherwise 0."""
        return int(self.spec.model.intercept)

    @property
    def regressors(self) -> list[str]:
        """Symbols of `terms`: Rm for a benchmark's return, F1, F2, ... for factors and excess returns."""
        if len(self.terms) == 1 and self.spec.model.offset is None:
            return ["Rm"]
        return [f"F{k}" for k in range(1, len(self.terms) + 1)]

    @property
    def z(self) -> list[str]:
        """Symbols of the columns of X: 1 for the constant, if there is one, and the regressors."""
        return ["1"] * self.constant + self.regressors

    @property
    def coefficients(self) -> list[str]:
        """Symbols of the coefficients, one per column of X."""
        slopes = ["beta"] if len(self.terms) == 1 else [f"b{k}" for k in range(1, len(self.terms) + 1)]
        return ["alpha"] * self.constant + slopes

    @property
    def offset(self) -> str:
        """Symbol of the series subtracted from the return before the fit, "" without one."""
        offset = self.spec.model.offset
        if offset is None:
            return ""
        return "RF" if self.terms and str(offset) in self.panel.returns.factor_names else "Rm"

    @property
    def y(self) -> str:
        """Symbol of the return less the offset."""
        return "Y" if self.offset else "R"

    @cached_property
    def estimation(self) -> tuple[FloatArray, FloatArray]:
        """The estimation days with data: y (n,) and all regressors (n, K), leads and lags last."""
        data = self.panel.estimation_data
        return data.y[0, data.mask[0]], data.x[0, data.mask[0]]

    @cached_property
    def inverse(self) -> FloatArray:
        """``(X'X)^-1`` from the triangle of X, so that the condition number is not squared."""
        triangle = np.linalg.inv(np.linalg.qr(self.estimation[1], mode="r"))
        return np.asarray(triangle @ triangle.T)

    @cached_property
    def lost(self) -> int | None:
        """Degrees of freedom that s^2 loses where it is RSS / (n - lost), otherwise None.

        Without coefficients RSS is the sum of squares about zero (0) or about the mean (1). With coefficients it is
        that of least squares (P), and the coefficients can then be written out too.
        """
        (y, x), lost = self.estimation, len(self.estimation[0]) - int(self.fit.dof[0])
        if not self.n_params:
            residual = y - lost * y.mean()
            return lost if lost in (0, 1) and self._gives_s2(residual) else None
        if not is_least_squares(self.spec.model) or not lost == self.n_params == x.shape[1]:
            return None
        b = self.inverse @ (x.T @ y)
        step = _SAME * np.sqrt(self.fit.sigma2[0] * np.diag(self.inverse))
        return lost if (np.abs(b - self.fit.params[0]) <= step).all() and self._gives_s2(y - x @ b) else None

    def _gives_s2(self, residual: FloatArray) -> bool:
        rss = float(self.fit.sigma2[0] * self.fit.dof[0])
        return bool(abs(residual @ residual - rss) <= _SAME * rss)

    @property
    def least_squares(self) -> bool:
        """Whether the coefficients are written out from the sums of least squares."""
        return self.n_params > 0 and self.lost is not None

    @cached_property
    def classic(self) -> bool:
        """Whether, besides, the covariance of the coefficients is ``s^2 (X'X)^-1``, so that h can be written out."""
        if not self.least_squares:
            return False
        scale = np.sqrt(np.diag(self.inverse))
        apart = np.abs(self.fit.cov_params[0] / self.fit.sigma2[0] - self.inverse)
        return bool((apart <= _SAME * np.outer(scale, scale)).all())

    @property
    def error(self) -> str:
        """Symbol of the share of estimation error: h in units of s^2, u otherwise, "" if nothing is estimated."""
        return "" if not self.n_params else "h" if self.classic else "u"

    @property
    def simple(self) -> bool:
        """Whether the coefficients are a constant and one slope."""
        return self.n_params == 2 and self.constant == 1 and not self.weighted

    @property
    def by_products(self) -> bool:
        """Whether the share of estimation error is printed as ``z'c`` with c = M z, for want of a shorter formula."""
        return not self.simple and not (self.classic and self.z == ["1"] and not self.weighted)

    @property
    def steady(self) -> bool:
        """Whether the variance of every event day is s^2."""
        return bool((self.fit.sigma2_days == self.fit.sigma2[:, None]).all())
