"""Least squares for many small regressions at once, with missing days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray

_RANK_TOLERANCE = 1e-10  # a regressor explained to this share of its length by the others carries no information
_CLOSE = 1e-8  # residuals that small beside the returns have lost half their digits to the subtraction
_BLOCK = 4096  # events a block: bounds the memory of the stacked factorisations


@dataclass(frozen=True, slots=True)
class OlsFit:
    """Least-squares fits of E regressions."""

    params: FloatArray  # (E, K): coefficients; NaN where the regressors are collinear
    xtx_inv: FloatArray  # (E, K, K): inverse of X'X
    rss: FloatArray  # (E,): residual sum of squares
    n_obs: IntArray  # (E,), int: days used, those where the mask is True
    # (E,), bool: False where X has less than full column rank (including fewer days than columns)
    full_rank: BoolArray


def ols(y: FloatArray, x: FloatArray, mask: BoolArray) -> OlsFit:
    """Regress y on x over the days where `mask` is True, separately for each event.

    Parameters
    ----------
    y : ndarray of shape (E, M)
        Regressand; anything, also NaN, where the mask is False.
    x : ndarray of shape (E, M, K) or (1, M, K)
        Regressors, including the constant if there is one.
    mask : ndarray of shape (E, M)
        Days to use.

    Notes
    -----
    Householder QR of each X: no normal equations are formed, so a near-collinear set of factors loses digits with the
    condition number of X and not with its square. Rows of masked days are zeroed, which leaves R and Q'y as they were.
    Sums run along the days of one event by itself: an event's numbers do not depend on the others in its block.
    """
    n_events, n_days = y.shape
    k = x.shape[2]
    if n_days < k:  # QR of a wide matrix has no K x K triangle; such events are not estimable anyway
        pad = k - n_days
        y = np.pad(y, ((0, 0), (0, pad)))
        x = np.pad(x, ((0, 0), (0, pad), (0, 0)))
        mask = np.pad(mask, ((0, 0), (0, pad)))
    out = OlsFit(
        np.empty((n_events, k)),
        np.empty((n_events, k, k)),
        np.empty(n_events),
        mask.sum(axis=1),
        np.empty(n_events, dtype=bool),
    )
    for lo in range(0, n_events, _BLOCK):
        block = slice(lo, min(lo + _BLOCK, n_events))
        _solve_block(y[block], x if len(x) == 1 else x[block], mask[block], out, block)
    return out


def _solve_block(y: FloatArray, x: FloatArray, mask: BoolArray, out: OlsFit, block: slice) -> None:
    y = np.where(mask, y, 0.0)
    x = np.where(mask[:, :, None], x, 0.0)
    k = x.shape[2]
    if k == 0:
        out.rss[block] = (y * y).sum(axis=1)
        out.full_rank[block] = True
        return
    scale = np.sqrt((x * x).sum(axis=1))
    safe = np.where(scale > 0, scale, 1.0)
    q, r = np.linalg.qr(x / safe[:, None, :])
    diagonal = np.abs(np.einsum("ekk->ek", r))
    good = (scale > 0).all(axis=1) & (diagonal > _RANK_TOLERANCE).all(axis=1)
    r[~good] = np.eye(k)
    r_inv = np.linalg.solve(r, np.broadcast_to(np.eye(k), r.shape))
    unscaled = r_inv / safe[:, :, None]
    params = np.zeros((len(y), k))
    for j in range(k):
        params += unscaled[:, :, j] * (q[:, :, j] * y).sum(axis=1)[:, None]
    residual = y.copy()
    for j in range(k):
        residual -= x[:, :, j] * params[:, j, None]
    residual[~mask] = 0.0
    rss = (residual * residual).sum(axis=1)
    close = np.flatnonzero(good & (rss < _CLOSE * (y * y).sum(axis=1)))
    if len(close):
        params[close], rss[close] = _refined(y[close], x[close], q[close], unscaled[close], params[close])
    params[~good] = np.nan
    out.params[block] = params
    out.xtx_inv[block] = unscaled @ unscaled.transpose(0, 2, 1)
    out.rss[block] = rss
    out.full_rank[block] = good


def _refined(
    y: FloatArray, x: FloatArray, q: FloatArray, unscaled: FloatArray, params: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return coefficients and residual sum of squares of near-perfect fits, residuals taken in extended precision.

    One step of iterative refinement (Bjorck 1967). Where long doubles are doubles the gain is that step alone.
    """
    wide, theta = x.astype(np.longdouble), params.astype(np.longdouble)
    residual = y - (wide * theta[:, None, :]).sum(axis=2)
    for j in range(x.shape[2]):
        theta += unscaled[:, :, j] * (q[:, :, j] * residual).sum(axis=1)[:, None]
    residual = y - (wide * theta[:, None, :]).sum(axis=2)
    return theta.astype(np.float64), (residual * residual).sum(axis=1).astype(np.float64)
