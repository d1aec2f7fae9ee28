"""Bars around long work: none, tqdm's in a terminal or notebook, or one of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ..errors import InputError

Progress: TypeAlias = Callable[[Iterable[Any], int], Iterable[Any]] | bool | None
"""None or False, True for tqdm's bar, or ``progress(items, n)`` that wraps an iterable of n."""


def watched(items: Iterable[Any], n: int, progress: Progress) -> Iterable[Any]:
    """Return an iterable with a bar around it.

    Raises `InputError` if `progress` is none of these.

    Parameters
    ----------
    items : iterable
        Of `n` parts of the work.
    n : int
        How many there are.
    progress : bool, callable or None
        True shows tqdm's bar, in a terminal or a notebook, if the work takes longer than a second.
    """
    if progress is None or progress is False:
        return items
    if progress is True:
        from tqdm.auto import tqdm

        return tqdm(items, total=n, delay=1, leave=False)
    if not callable(progress):
        raise InputError("progress", f"got {progress!r}", "give True, False, or progress(items, n)")
    return progress(items, n)
