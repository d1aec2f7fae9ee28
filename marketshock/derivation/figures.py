"""Figures of an event's derivation, by the names that its templates use."""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray
from ..inference.outcome import t_pvalue, t_quantile
from .event import DerivedEvent


def figures_of(event: DerivedEvent) -> dict[str, float]:
    """Return all figures of an event's derivation, unrounded; returns are decimals.

    Coefficients, variances and abnormal returns are those of the study; the sums between them are recomputed from its
    returns.
    """
    made = {**_estimates(event), **_of_days(event)}
    return made | _of_total(event, made)


def numbered(name: str, values: FloatArray) -> dict[str, float]:
    """Return a vector or a matrix by name: name1, name2, ... or name11, name12, ..."""
    places = np.ndindex(values.shape)
    return {name + "".join(str(k + 1) for k in place): float(values[place]) for place in places}


def _estimates(event: DerivedEvent) -> dict[str, float]:
    fit, (y, x), n_days = event.fit, event.estimation, len(event.spec.estimation)
    out = {"n": float(len(y)), "sessions": float(n_days), "gaps": float(n_days - len(y)), "df": float(fit.dof[0])}
    out |= {"s2": float(fit.sigma2[0]), "s": float(np.sqrt(fit.sigma2[0])), "rss": float(fit.sigma2[0] * fit.dof[0])}
    out |= {"sum y": float(y.sum()), "mean y": float(y.mean()), "sum yy": float(y @ y)}
    out |= {name: float(v) for name, v in zip(event.coefficients, fit.params[0], strict=True)}
    out |= {"confidence": event.confidence, **numbered("V", fit.cov_params[0])}
    if not event.least_squares:
        return out
    if not event.simple:
        b = event.inverse @ (x.T @ y)
        out |= {**numbered("X", x.T @ x), **numbered("Q", event.inverse), "bXy": float(b @ (x.T @ y))}
        return out | {f"X{k}y": float(v) for k, v in enumerate(x.T @ y, 1)}
    m, about, y_about = x[:, 1], x[:, 1] - x[:, 1].mean(), y - y.mean()
    out |= {"sum x": float(m.sum()), "mean x": float(m.mean()), "sum xx": float(m @ m), "sum xy": float(m @ y)}
    return out | {
        "Sxx": float((about**2).sum()),
        "Sxy": float((about * y_about).sum()),
        "Syy": float((y_about**2).sum()),
    }


def _of_days(event: DerivedEvent) -> dict[str, float]:
    """Return the figures of each day: its return, its regressors, AR, its variance and SAR."""
    out: dict[str, float] = {}
    data, realised = event.panel.event_data, event.panel.realised(event.slice)[0]
    for i in np.flatnonzero(event.there):
        day, at = event.days[i], event.slice.start + i
        z = data.x[0, at, : event.n_params]
        variance, ar = float(event.abnormal.variance[0, at]), float(event.abnormal.ar[0, at])
        out |= {f"R({day})": float(realised[i]), f"E({day})": float(realised[i] - ar), f"AR({day})": ar}
        out |= {f"{name}({day})": float(v) for name, v in zip(event.z, z, strict=True) if name != "1"}
        if event.offset:
            out |= {f"{event.offset}({day})": float(data.offset[0, at]), f"Y({day})": float(data.y[0, at])}
        out |= {f"n({day})": float(event.sessions(day))}
        out |= {f"s2({day})": float(event.fit.sigma2_days[0, at]), **_error(event, z, str(day))}
        se = float(np.sqrt(variance))
        out |= {f"Var({day})": variance, f"se({day})": se, f"SAR({day})": ar / se}
    return out


def _error(event: DerivedEvent, z: FloatArray, of: str) -> dict[str, float]:
    """Return the share of estimation error, h or u, and the products c of which it is the sum."""
    if not event.n_params:
        return {}
    c = (event.inverse if event.classic else event.fit.cov_params[0]) @ z
    return {f"{event.error}({of})": float(z @ c), **{f"c{k}({of})": float(v) for k, v in enumerate(c, 1)}}


def _of_total(event: DerivedEvent, made: dict[str, float]) -> dict[str, float]:
    """Return the sum over the days with its variance and its test."""
    if not event.summed:
        return {"N": 0.0, "car": np.nan}
    mask = event.there[None, :]
    total = event.panel.total_x(event.slice, mask, event.n_params)
    variance = float(event.fit.cumulative_variance(total, mask, event.slice)[0])
    car, apart, s2 = (float(sum(made[f"{name}({day})"] for day in event.summed)) for name in ("AR", "Var", "s2"))
    se, level = float(np.sqrt(variance)), 0.5 + event.confidence / 2
    reach = float(t_quantile(level, np.array(made["df"])))
    covered = sum(event.sessions(day) if event.by_time else 1 for day in event.summed)
    out = {"N": float(covered), "car": car, "variance": variance, "se": se, "apart": apart, "sum s2": s2}
    out |= {"t": car / se, "abs t": abs(car / se), "p": float(t_pvalue(np.array(car / se), made["df"], "two-sided"))}
    out |= {"level": level, "quantile": reach, "low": car - reach * se, "high": car + reach * se}
    out |= {f"W{k}": float(v) for k, v in enumerate(total[0, event.constant :], 1)}
    return out | _error(event, total[0], "CAR")
