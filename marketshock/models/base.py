"""Contract between a model of the normal return and its users: `ReturnModel` in, `ModelFit` out."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from .._typing import BoolArray, FloatArray, IntArray, StrArray
from ..errors import InputError
from ._ols import OlsFit
from .benchmark import LeaveOneOut, Term

_NO_VARIANCE = 1e-24  # RSS against the sum of squared returns: below it the fit is perfect up to rounding


@dataclass(frozen=True, slots=True)
class ModelFit:
    """A model of the normal return, estimated for E events.

    The abnormal return of event day t is ``y_t - x_t' params`` over the first P regressors (later ones, leads and lags,
    serve the estimation only); its prediction variance is ``sigma2_t + x_t' cov_params x_t``. Patell, BMP, the
    variance of the CAR and the dollar interval all read this one covariance; nobody recomputes it.

    Attributes
    ----------
    params : ndarray of shape (E, P)
        Coefficients in the order of the model's ``param_names``.
    cov_params : ndarray of shape (E, P, P)
        Covariance of the coefficients; zero where nothing is estimated.
    sigma2 : ndarray of shape (E,)
        Variance of a daily abnormal return over the estimation days (squared decimal return).
    sigma2_days : ndarray of shape (E, L)
        The same for each event day, apart from estimation error; equal to `sigma2` unless the model's variance moves.
    dof : ndarray of shape (E,), int
        Degrees of freedom of `sigma2`.
    n_obs : ndarray of shape (E,), int
        Estimation days used.
    residual_mean : ndarray of shape (E,)
        Mean that `sigma2` leaves out of the estimation residuals: zero after a regression, the mean of R - Rm for
        market-adjusted returns whose variance is taken about the mean.
    problem : ndarray of shape (E,), object
        Why an event could not be estimated, in words; "" where it could. The other values of such an event are
        undefined.
    """

    params: FloatArray
    cov_params: FloatArray
    sigma2: FloatArray
    sigma2_days: FloatArray
    dof: IntArray
    n_obs: IntArray
    residual_mean: FloatArray
    problem: StrArray

    def take(self, events: IntArray | BoolArray | slice) -> ModelFit:
        """Return the fit of some of the events; variances that are equal on all days stay one value per event."""
        daily = self.sigma2_days
        if daily.strides[1] == 0:
            daily = np.broadcast_to(daily[events, :1], (len(self.sigma2[events]), daily.shape[1]))
        else:
            daily = daily[events]
        return ModelFit(
            self.params[events],
            self.cov_params[events],
            self.sigma2[events],
            daily,
            self.dof[events],
            self.n_obs[events],
            self.residual_mean[events],
            self.problem[events],
        )

    def empty(self, n_events: int) -> ModelFit:
        """Return a fit of so many events, to be filled by `put`, laid out like this one."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        made = {name: np.empty((n_events, *v.shape[1:]), dtype=v.dtype) for name, v in parts.items()}
        made["problem"] = np.full(n_events, "", dtype=object)
        if self.sigma2_days.strides[1] == 0:
            made["sigma2_days"] = np.broadcast_to(made["sigma2"][:, None], (n_events, self.sigma2_days.shape[1]))
        return ModelFit(**made)

    def writable(self) -> ModelFit:
        """Return a copy to `put` other events into."""
        copy = self.empty(len(self.sigma2))
        copy.put(np.arange(len(self.sigma2)), self)
        return copy

    def put(self, events: IntArray, other: ModelFit) -> None:
        """Write the fits of some events into their places."""
        for f in fields(self):
            mine, theirs = getattr(self, f.name), getattr(other, f.name)
            without = f.name == "problem" and not theirs.strides[0]
            if mine.flags.writeable and not without:  # variances that do not move are a view
                put_rows(mine, events, theirs)

    def predict(self, x: FloatArray) -> FloatArray:
        """Return ``x' params`` of shape (E, n) for regressors of shape (E, n, K)."""
        out = np.zeros(x.shape[:2])
        for k in range(self.params.shape[1]):
            out += x[:, :, k] * self.params[:, k, None]
        return out

    def prediction_variance(self, x: FloatArray) -> FloatArray:
        """Return the variance of each event day's abnormal return, (E, L), for regressors (E, L, K).

        Notes
        -----
        ``sigma2 C_it`` with the forecast-error factor C of Patell (1976).
        """
        return self.estimation_error(x) + self.sigma2_days

    def estimation_error(self, x: FloatArray) -> FloatArray:
        """Return ``x' cov_params x`` of each day, (E, n), for regressors (E, n, K)."""
        out = np.zeros(x.shape[:2])
        for j in range(self.params.shape[1]):
            inner = x[:, :, 0] * self.cov_params[:, j, 0, None]
            for k in range(1, self.params.shape[1]):
                inner += x[:, :, k] * self.cov_params[:, j, k, None]
            out += inner * x[:, :, j]
        return out

    def cumulative_variance(self, total_x: FloatArray, mask: BoolArray, days: slice) -> FloatArray:
        """Return the variance of the sum of abnormal returns over some event days, (E,).

        Parameters
        ----------
        total_x : ndarray of shape (E, P)
            Sums of the regressors over the days summed.
        mask : ndarray of shape (E, n)
            Days summed.
        days : slice
            Their place among the L event days.

        Notes
        -----
        ``s^2 [L + 1'X*(X'X)^-1 X*'1]`` (Mikkelson and Partch 1988; Campbell, Lo and MacKinlay 1997, ch. 4): the days
        share the estimation error, so the regressors are summed before the quadratic form is taken.
        """
        shared = np.zeros(len(total_x))
        for j in range(total_x.shape[1]):
            inner = self.cov_params[:, j, 0] * total_x[:, 0]
            for k in range(1, total_x.shape[1]):
                inner += self.cov_params[:, j, k] * total_x[:, k]
            shared += inner * total_x[:, j]
        own = self.sigma2 * mask.sum(axis=1)
        if self.sigma2_days.strides[1]:  # decided by the values: the layout changes on the way between processes
            steady = (self.sigma2_days == self.sigma2[:, None]).all(axis=1)
            own = np.where(steady, own, np.where(mask, self.sigma2_days[:, days], 0.0).sum(axis=1))
        return np.asarray(own + shared)


class ReturnModel(Protocol):
    """What `event_study` needs of a model: which columns it reads, and how it turns arrays into a `ModelFit`."""

    @property
    def name(self) -> str:
        """For tables."""
        ...

    @property
    def terms(self) -> tuple[Term, ...]:
        """Regressors after the constant; leads and lags that only the estimation needs come last."""
        ...

    @property
    def intercept(self) -> bool:
        """Whether a constant is estimated."""
        ...

    @property
    def offset(self) -> Term | None:
        """What is subtracted from the return before the fit: a benchmark, a risk-free return, or nothing."""
        ...

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of the P columns of ``ModelFit.params``, which meet the first P regressors."""
        ...

    def fit(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray) -> ModelFit:
        """Estimate each event by itself.

        Parameters
        ----------
        y : ndarray of shape (E, M)
            Return less offset on the estimation days.
        x : ndarray of shape (E, M, K)
            Regressors, the constant first.
        mask : ndarray of shape (E, M)
            Days to use.
        ahead : ndarray of shape (L,), int
            How many sessions each event day lies after the last estimation day.
        """
        ...


def factor_data(model: ReturnModel) -> str:
    """Return which bundled factors a model reads where the user gives none: "french", or "" for none.

    A model that reads some has an attribute ``factor_data``; the models themselves know no provider.
    """
    return str(getattr(model, "factor_data", ""))


def clock_of(model: ReturnModel) -> tuple[str, ...]:
    """Return the columns whose days are the sessions of a model, those of its benchmark or first factor; () without."""
    deciding = [*model.terms[:1], *([model.offset] if model.offset else [])]
    return deciding[0].clock if deciding else ()


def columns_read(model: ReturnModel) -> list[str]:
    """Return the names of all columns a model reads whole, each once."""
    terms = [*model.terms, *([model.offset] if model.offset else [])]
    return list(dict.fromkeys(name for term in terms for name in term.reads))


def held_against(model: ReturnModel, benchmark: str) -> ReturnModel:
    """Return a model with another benchmark, or the model itself if that is its benchmark or it has none.

    Of several factors the first is replaced. Raises `InputError` if the model reads its factors from elsewhere.

    Parameters
    ----------
    model : ReturnModel
        A model of this library, or a dataclass with a field ``benchmark``, ``factors`` or ``model``.
    benchmark : str
        Column of the other benchmark.
    """
    parts: dict[str, Any] = {f.name: getattr(model, f.name) for f in fields(model)} if is_dataclass(model) else {}
    if not model.terms and model.offset is None:
        return model
    if "model" in parts:
        return replace(model, model=held_against(parts["model"], benchmark))  # type: ignore[type-var]
    old = parts.get("benchmark", parts.get("factors", (None,))[0])
    if old == benchmark or (isinstance(old, LeaveOneOut) and old.index == benchmark):
        return model
    if old is None or factor_data(model) or not isinstance(old, str):
        what = f"{model.name} cannot be held against {benchmark!r}: it is made for one market"
        raise InputError("benchmark", what, "use ms.MarketModel, or study each market by itself")
    if "benchmark" in parts:
        return replace(model, benchmark=benchmark)  # type: ignore[type-var]
    return replace(model, factors=(benchmark, *parts["factors"][1:]))  # type: ignore[type-var]


class LeastSquares(ReturnModel, Protocol):
    """A model that is least squares of the return on a constant and its terms: a window's moments give its fit."""

    @property
    def closed_form(self) -> bool:
        """Whether the moments suffice with its present options; a robust covariance needs the residuals too."""
        ...

    def of_moments(self, fit: OlsFit, ahead: IntArray) -> ModelFit:
        """Make the `ModelFit` of a least-squares fit without a problem."""
        ...


class Scaled(Protocol):
    """A model that can be estimated from returns whose variance differs by a known factor."""

    def fit_scaled(self, y: FloatArray, x: FloatArray, mask: BoolArray, ahead: IntArray, root: FloatArray) -> ModelFit:
        """Estimate as `ReturnModel.fit` does from y and x divided by `root`, (E, M): the variances are equal then."""
        ...


def can_scale(model: object) -> TypeGuard[Scaled]:
    """Return whether a model can be estimated from returns of unequal variance."""
    return hasattr(model, "fit_scaled")


def gaps_refused(model: ReturnModel) -> str:
    """Return why no return of a model may cover several sessions, "" if it may."""
    if any(term.shift for term in (*model.terms, *((model.offset,) if model.offset else ()))):
        return "reads the benchmark of the session before or after"
    return "forecasts the variance session by session" if getattr(model, "by_session", False) else ""


def is_least_squares(model: ReturnModel) -> TypeGuard[LeastSquares]:
    """Return whether a model is least squares on a constant and its terms.

    The moments are taken about the mean, so a model of terms without a constant is not. Neither is a class that
    inherits `of_moments` and replaces `fit`: the two would give different numbers.
    """
    fitting = next((kind for kind in type(model).__mro__ if "fit" in vars(kind)), type(model))
    face = hasattr(model, "closed_form") and "of_moments" in vars(fitting)
    return face and (model.intercept or not model.terms)


def squares(y: FloatArray, mask: BoolArray) -> FloatArray:
    """Return the sum of squared returns of each event over the days of the mask, (E,)."""
    return np.asarray(np.einsum("em,em->e", np.where(mask, y, 0.0), np.where(mask, y, 0.0)))


def problems(full_rank: BoolArray, rss: FloatArray, scale: FloatArray, dof: IntArray) -> StrArray:
    """Return why each event cannot be estimated, "" where it can.

    `rss` of the fit, (E,), is judged against `scale`, (E,), the sum of squared returns over the same days (`squares`).
    """
    out = np.full(len(rss), "", dtype=object)
    out[rss <= _NO_VARIANCE * scale] = (
        "the abnormal return has no variance over the estimation days (a constant series, or one equal to its "
        "benchmark): check the prices, or use another model"
    )
    out[~full_rank] = (
        "the regressors are collinear over the estimation days (a constant benchmark, or equal factors): leave one out"
    )
    out[dof < 1] = "fewer estimation days than parameters: widen the estimation window"
    return out


def put_rows(out: npt.NDArray[Any], rows: IntArray, values: npt.NDArray[Any]) -> None:
    """Do ``out[rows] = values`` for an array whose rows lie together in memory, a row at a time as one block."""
    if out.ndim == 1 or not out.size or out.dtype.hasobject:
        out[rows] = values
        return
    row = np.dtype((np.void, out.itemsize * out[0].size))
    whole = np.ascontiguousarray(values, dtype=out.dtype).reshape(len(values), -1)
    out.reshape(len(out), -1).view(row).ravel()[rows] = whole.view(row).ravel()


def no_problems(n_events: int) -> StrArray:
    """Return ``problem`` of a fit without any: a view, no copy."""
    return np.broadcast_to(np.array("", dtype=object), (n_events,))


def constant_over_days(sigma2: FloatArray, ahead: IntArray) -> FloatArray:
    """Return ``sigma2_days`` of a model whose variance does not move: a view, no copy."""
    return np.broadcast_to(sigma2[:, None], (len(sigma2), len(ahead)))
