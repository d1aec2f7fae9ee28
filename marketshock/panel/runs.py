"""Runs of equal values in sorted arrays."""

from __future__ import annotations

import numpy as np

from .._typing import IntArray


def starts_of(*columns: IntArray) -> IntArray:
    """Return the start of each run of equal rows of `columns`, each (n,) and sorted together; empty for n = 0."""
    new = np.ones(len(columns[0]), dtype=bool)
    new[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return np.flatnonzero(new)
