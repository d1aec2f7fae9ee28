"""Adjustment of p-values for the number of hypotheses."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .._typing import FloatArray
from ..errors import InputError, check_choice


def adjust_pvalues(pvalues: FloatArray, method: Literal["holm", "bh"] = "holm") -> FloatArray:
    """Adjust p-values for the number of hypotheses.

    Parameters
    ----------
    pvalues : array_like of shape (n,)
        NaN entries stay NaN and do not count.
    method : {"holm", "bh"}, optional
        "holm" bounds the chance of any false rejection; "bh" the expected share of false ones (independent or
        positively dependent tests).

    Returns
    -------
    ndarray of shape (n,)
        In the order given.

    Raises
    ------
    InputError
        If a p-value is not between 0 and 1, or the method is not known.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6; Benjamini and Hochberg (1995), JRSS B 57.

    Examples
    --------
    >>> adjust_pvalues([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    check_choice("method", method, ("holm", "bh"))
    p = np.asarray(pvalues, dtype=float)
    out, known = np.full(p.shape, np.nan), ~np.isnan(p)
    if ((p[known] < 0) | (p[known] > 1)).any():
        raise InputError("pvalues", f"got {p[known].min():g} to {p[known].max():g}", "give numbers between 0 and 1")
    if known.any():
        from statsmodels.stats.multitest import multipletests

        out[known] = multipletests(p[known], method={"holm": "holm", "bh": "fdr_bh"}[method])[1]
    return out
