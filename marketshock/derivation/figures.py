"""Every number of a derivation, by the name its templates call it."""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray
from ..inference.outcome import t_pvalue, t_quantile
from .case import Case


def figures_of(case: Case) -> dict[str, float]:
    """Return all figures of an event's derivation, unrounded; returns are decimals.

    What the study holds (coefficients, variances, abnormal returns) is read from it, the sums on the way are
    recomputed from its returns.
    """
    made = {**_estimates(case), **_of_days(case)}
    return {**made, **_of_total(case, made)}


def _estimates(case: Case) -> dict[str, float]:
    fit, (y, x) = case.fit, case.estimation
    out = {
        "n": float(len(y)),
        "sessions": float(len(case.spec.estimation)),
        "gaps": float(len(case.spec.estimation) - len(y)),
        "df": float(fit.dof[0]),
        "s2": float(fit.sigma2[0]),
        "s": float(np.sqrt(fit.sigma2[0])),
        "rss": float(fit.sigma2[0] * fit.dof[0]),
        "sum y": float(y.sum()),
        "mean y": float(y.mean()),
        "sum yy": float(y @ y),
        "confidence": case.confidence,
    }
    out |= {name: float(v) for name, v in zip(case.coefficients, fit.params[0], strict=True)}
    for j, row in enumerate(fit.cov_params[0], 1):
        out |= {f"V{j}{k}": float(v) for k, v in enumerate(row, 1)}
    return out | (_sums(x, y) if case.kind == "least squares" else {})


def _sums(x: FloatArray, y: FloatArray) -> dict[str, float]:
    """Return the sums of a least-squares fit on a constant and factors."""
    if x.shape[1] == 2:
        m, mean = x[:, 1], float(x[:, 1].mean())
        return {
            "sum x": float(m.sum()),
            "mean x": mean,
            "sum xx": float(m @ m),
            "sum xy": float(m @ y),
            "Sxx": float(((m - mean) ** 2).sum()),
            "Sxy": float(((m - mean) * (y - y.mean())).sum()),
            "Syy": float(((y - y.mean()) ** 2).sum()),
        }
    out: dict[str, float] = {}
    q = _inverse(x)
    for j, (row, of_y, inverse) in enumerate(zip(x.T @ x, x.T @ y, q, strict=True), 1):
        out |= {f"X{j}{k}": float(v) for k, v in enumerate(row, 1)}
        out |= {f"Q{j}{k}": float(v) for k, v in enumerate(inverse, 1)}
        out[f"X{j}y"] = float(of_y)
    out["bXy"] = float((q @ (x.T @ y)) @ (x.T @ y))
    return out


def _inverse(x: FloatArray) -> FloatArray:
    """Return ``(X'X)^-1`` from the triangle of X: the condition number is not squared."""
    triangle = np.linalg.inv(np.linalg.qr(x, mode="r"))
    return np.asarray(triangle @ triangle.T)


def _of_days(case: Case) -> dict[str, float]:
    """Return what belongs to each day: its return, its regressors, AR, its variance and SAR."""
    out: dict[str, float] = {}
    data, realised = case.panel.event_data, case.panel.realised(case.slice)[0]
    for i, day in enumerate(case.days):
        if not case.there[i]:
            continue
        at = case.slice.start + i
        z = data.x[0, at]
        variance, ar = float(case.abnormal.variance[0, at]), float(case.abnormal.ar[0, at])
        out |= {f"R({day})": float(realised[i]), f"E({day})": float(realised[i] - ar), f"AR({day})": ar}
        out |= {f"{name}({day})": float(v) for name, v in zip(case.regressors, z[-len(case.terms) :], strict=False)}
        if case.offset:
            out |= {f"{case.offset}({day})": float(data.offset[0, at]), f"Y({day})": float(data.y[0, at])}
        out |= {f"s2({day})": float(case.fit.sigma2_days[0, at])}
        out |= _error(case, z, str(day))
        out |= {f"Var({day})": variance, f"se({day})": float(np.sqrt(variance))}
        out |= {f"SAR({day})": ar / float(np.sqrt(variance))}
    return out


def _error(case: Case, z: FloatArray, of: str) -> dict[str, float]:
    """Return the share of estimation error: h (in units of s^2) or u, and the products c it is the sum of."""
    if case.kind == "adjusted":
        return {}
    q = _inverse(case.estimation[1]) if case.classic else case.fit.cov_params[0]
    c = q @ z
    out = {f"c{k}({of})": float(v) for k, v in enumerate(c, 1)}
    return out | {f"{'h' if case.classic else 'u'}({of})": float(z @ c)}


def _of_total(case: Case, made: dict[str, float]) -> dict[str, float]:
    """Return the sum over the days with its variance and its test."""
    n_days = len(case.summed)
    if not n_days:
        return {"N": 0.0, "car": np.nan}
    mask = case.there[None, :]
    total = case.panel.total_x(case.slice, mask, case.n_params)
    variance = float(case.fit.cumulative_variance(total, mask, case.slice)[0])
    car, df = float(sum(made[f"AR({day})"] for day in case.summed)), made["df"]
    se = float(np.sqrt(variance))
    reach = float(t_quantile(0.5 + case.confidence / 2, np.array(df)))
    out = {
        "N": float(n_days),
        "car": car,
        "variance": variance,
        "se": se,
        "t": car / se,
        "abs t": abs(car / se),
        "p": float(t_pvalue(np.array(car / se), df, "two-sided")),
        "level": 0.5 + case.confidence / 2,
        "quantile": reach,
        "low": car - reach * se,
        "high": car + reach * se,
        "sum s2": float(sum(made[f"s2({day})"] for day in case.summed)),
        "apart": float(sum(made[f"Var({day})"] for day in case.summed)),
    }
    out |= {f"W{k}": float(v) for k, v in enumerate(total[0, -len(case.terms) :], 1) if case.terms}
    return out | _error(case, total[0], "CAR")
