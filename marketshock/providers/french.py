"""Fama-French factors: the bundled ones, or files of Kenneth R. French's data library; vintages are never mixed."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .._files import read_bytes
from ..errors import BadData, InputError, VintageError, VintageWarning
from .download import Download
from .french_file import LARGEST, UNKNOWN, FrenchTable, LayoutError, french_table
from .retry import Retry
from .snapshot import bundled_factors
from .store import Held, Key, Store, store_of

LIBRARY = "https://mba.tuck.dartmouth.edu/pages/faculty/ken.french/ftp"
"""Folder of the data library's zips."""

_ORDER = ("Mkt-RF", "SMB", "HML", "RF", "RMW", "CMA", "SMB5", "MOM")
_KEPT = ("url", "sha256", "fetched", "stale")  # of what is known of a file from the web
_DATASET = re.compile(r"\w[\w-]*", re.ASCII)
_KINDS = "give a path to a .zip or .csv, an http(s) address, or a dataset's name like F-F_Research_Data_Factors_daily"

FactorSource: TypeAlias = str | os.PathLike[str]


def french_factors(
    source: FactorSource | Sequence[FactorSource] | None = None,
    *,
    cache: bool | str | os.PathLike[str] | Store = True,
    offline: bool = False,
    library: str = LIBRARY,
    retry: Retry | None = None,
    max_time: float | None = 120,
) -> pd.DataFrame:
    """Return Fama-French factors as decimals (0.01 is one percent): the bundled ones, or those of a file.

    Parameters
    ----------
    source : str, path, or a sequence of them, optional
        None for the bundled daily factors; or a file of Kenneth R. French's data library: a path that ends in .zip or
        .csv, an address (http or https), or the name of a dataset, such as "F-F_Research_Data_Factors_daily",
        "F-F_Research_Data_5_Factors_2x3_daily", "F-F_Momentum_Factor_daily", and without "_daily" the monthly ones.
        Several are joined by date.
    cache : bool, str, path or Store, optional
        Where files from the web are kept: True is the folder of the platform, False none.
    offline : bool, optional
        Open no connection; a file from the web must be in the cache, however old.
    library : str, optional
        Address of the folder of the data library's zips, of which ``<name>_CSV.zip`` is fetched.
    retry : Retry, optional
        How often a request is repeated.
    max_time : float, optional
        Seconds for one file in all, repetitions included; None is without bound.

    Returns
    -------
    DataFrame of shape (n_dates, n_factors)
        The index, named "date", holds days; of monthly factors the last calendar day of the month. NaN is a missing
        value (-99.99 or -999 in the file), or a date that another of several files has and this one has not. Columns
        Mkt-RF, SMB, HML, RF, RMW, CMA, SMB5 (the SMB of a five-factor file) and MOM, as far as the files have them;
        other columns keep their names.

        ``attrs`` holds vintage (YYYYMM, "YYYYMM database" for one that is not CRSP's, or "unknown"), frequency, source,
        and files: for each its source, path or url, sha256, fetched, stale (why an old copy served), member of the zip,
        columns, period, missing (missing codes found), not_read (annual blocks), and lacks (dates that only another
        file has). The bundled frame has source, vintage, period and units.

    Raises
    ------
    InputError
        If a file is missing or not of the published layout, or files are of different frequency.
    VintageError
        If several files are not of one and the same known vintage, or say different things of one factor and date.
    NoData, RateLimited, Unavailable, BadData, OfflineMiss
        If a file could not be had from the web.

    Warns
    -----
    VintageWarning
        If the vintage is not the bundled one, or unknown, or differs from that of the cached file it replaces: the
        library restates its history, and results of two vintages must not be mixed.
    CacheWarning
        If a cached file could not be renewed, and its old copy serves.

    Examples
    --------
    >>> import marketshock as ms
    >>> factors = ms.french_factors()
    >>> float(factors.loc["2025-01-27", "Mkt-RF"]), factors.attrs["vintage"]
    (-0.0149, '202604')
    """
    if source is None:
        return bundled_factors()
    download = Download(store_of(cache), offline, retry=retry or Retry(), max_time=max_time)
    parts = [_part(one, download, library) for one in _listed(source)]
    _check_alike(parts)
    frame = _joined(parts)
    first = parts[0].table
    frame.attrs = {
        "source": "Kenneth R. French data library: " + ", ".join(part.name for part in parts),
        "vintage": first.vintage,
        "frequency": first.frequency,
        "files": [_described(part, frame) for part in parts],
    }
    _announce(frame)
    return frame


@dataclass(frozen=True, slots=True)
class _Part:
    name: str
    about: dict[str, Any]
    table: FrenchTable


def _listed(source: FactorSource | Sequence[FactorSource]) -> Sequence[FactorSource]:
    sources = [source] if isinstance(source, (str, os.PathLike)) else source
    if not isinstance(sources, (list, tuple)) or not sources:
        raise InputError("source", f"got {source!r}", f"{_KINDS}, or a list of them")
    return sources


def _part(source: FactorSource, download: Download, library: str) -> _Part:
    if isinstance(source, os.PathLike):
        return _opened(os.fspath(source))
    name = str(source).casefold()
    if name.startswith(("http://", "https://")):
        return _fetched(source, source, download)
    if name.endswith((".zip", ".csv")) and "://" not in name:
        return _opened(source)
    if not isinstance(source, str) or not _DATASET.fullmatch(source):
        raise InputError("source", f"got {source!r}", _KINDS)
    return _fetched(source, f"{library.rstrip('/')}/{source}_CSV.zip", download)


def _opened(path: str) -> _Part:
    payload = read_bytes(Path(path).expanduser(), LARGEST, "give one data set of the library")
    try:
        table = french_table(payload, path)
    except LayoutError as error:
        raise InputError(path, error.problem, error.remedy) from error
    return _Part(Path(path).name, {"path": path, "sha256": hashlib.sha256(payload).hexdigest()}, table)


def _fetched(name: str, url: str, download: Download) -> _Part:
    key = Key("french", "factors", name)
    before = download.held(key, url)
    held = download.file(key, url, lambda payload: {"vintage": _table(name, url, payload).vintage})
    table = _table(name, url, held.payload)
    if before:
        _warn_of_change(name, before, held)
    return _Part(name, {word: value for word, value in held.about.items() if word in _KEPT}, table)


def _table(name: str, url: str, payload: bytes) -> FrenchTable:
    try:
        return french_table(payload, url.split("?")[0])
    except LayoutError as error:
        raise BadData(name, url, f"what came {error.problem}", error.remedy) from error


def _warn_of_change(name: str, before: Held, now: Held) -> None:
    old, new = before.about.get("vintage", UNKNOWN), now.about.get("vintage", UNKNOWN)
    if old != new:
        warnings.warn(
            f"{name}: vintage {new} came; it replaces vintage {old} of {before.about['fetched']} in the cache. "
            "Results of the two must not be mixed",
            VintageWarning,
            stacklevel=5,
        )


def _check_alike(parts: Sequence[_Part]) -> None:
    for one, other in combinations(parts, 2):
        a, b = one.table, other.table
        if a.frequency != b.frequency:
            came = f"{one.name} is {a.frequency}, {other.name} is {b.frequency}"
            raise InputError("source", came, "join files of one frequency")
        if a.vintage != b.vintage or a.vintage == UNKNOWN:
            came = f"{one.name} is of vintage {a.vintage}, {other.name} of vintage {b.vintage}"
            raise VintageError("source", came, "join files of one known vintage (cache=False fetches both now)")
        for column in a.frame.columns.intersection(b.frame.columns):
            _check_agree(column, one, other)


def _check_agree(column: str, one: _Part, other: _Part) -> None:
    """Compare as printed: two files of one vintage print the same figure the same way."""
    a, b = one.table.frame[column].align(other.table.frame[column], join="inner")
    differ = (a != b) & a.notna() & b.notna()
    if differ.any():
        at = int(np.argmax(differ))
        raise VintageError(
            "source",
            f"{column} on {a.index[at].date()} is {a.iloc[at]:g} in {one.name} and {b.iloc[at]:g} in {other.name} "
            f"({differ.sum()} of {len(differ)} such values differ), though both say vintage {one.table.vintage}",
            "join files that were published together",
        )


def _joined(parts: Sequence[_Part]) -> pd.DataFrame:
    """Return all dates and columns; where two parts have a column they agree, and either fills the other's gaps."""
    index = reduce(lambda days, more: days.union(more), [part.table.frame.index for part in parts])
    columns: dict[str, pd.Series] = {}
    for part in parts:
        for name, values in part.table.frame.reindex(index).items():
            columns[str(name)] = columns[str(name)].fillna(values) if name in columns else values
    order = sorted(columns, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    return pd.DataFrame({name: columns[name] for name in order})


def _described(part: _Part, joined: pd.DataFrame) -> dict[str, Any]:
    table = part.table
    days = table.frame.index
    return {
        "source": part.name,
        **part.about,
        "member": table.member,
        "columns": list(table.frame.columns),
        "period": [str(days[0].date()), str(days[-1].date())],
        "missing": table.missing,
        "not_read": list(table.not_read),
        "lacks": len(joined) - len(days),
    }


def _announce(frame: pd.DataFrame) -> None:
    """Warn unless the factors are those of the bundled vintage, by name and by value."""
    bundled = bundled_factors()
    vintage, ours = frame.attrs["vintage"], bundled.attrs["vintage"]
    differ, common = _differing(frame, bundled) if frame.attrs["frequency"] == "daily" else (0, 0)
    if vintage == ours and not differ:
        return
    said = "no vintage is named in the file" if vintage == UNKNOWN else f"these are of vintage {vintage}"
    also = "like the bundled ones" if vintage == ours else f"the bundled ones of {ours}"
    compared = f" ({differ} of {common} common daily values differ)" if common else ""
    warnings.warn(
        f"factors: {said}, {also}{compared}. Results of the two must not be mixed", VintageWarning, stacklevel=3
    )


def _differing(frame: pd.DataFrame, bundled: pd.DataFrame) -> tuple[int, int]:
    """Return how many common values differ, of how many; figures of another database are nothing to compare."""
    if not frame.attrs["vintage"].isdigit() and frame.attrs["vintage"] != UNKNOWN:
        return 0, 0
    a, b = (aligned.to_numpy(dtype=float) for aligned in frame.align(bundled, join="inner"))
    both = ~np.isnan(a) & ~np.isnan(b)
    return int(np.sum((a != b) & both)), int(both.sum())
