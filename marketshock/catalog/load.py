"""Catalogs read from TOML. Every error names the file, entry and field, and lists the allowed values."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

from .._bundled import bundled_path
from .._files import read_toml
from ..errors import CatalogError, InputError
from .claim import Claim
from .load_claims import check_fields, claim_of
from .model import Catalog, Event, Source

_FIELDS = ("id", "title", "date", "timestamp", "kind", "tickers", "timing", "on_closed", "sources", "note")
_SOURCE_FIELDS = ("document", "paragraph", "note")


def load_catalog(path: str | Path | None = None) -> Catalog:
    """Load events and claims from a TOML file or a folder of them.

    Parameters
    ----------
    path : str or Path, optional
        A ``.toml`` file with ``[[event]]`` and ``[[claim]]`` tables, or a folder; the bundled catalog by default.

    Returns
    -------
    Catalog
        Events in order of date; ``claims`` in the order of the files.

    Raises
    ------
    CatalogError
        If a file or an entry cannot be read. The message names the file, entry and field, and lists the allowed values.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.load_catalog()["deepseek-selloff"].when
    datetime.date(2025, 1, 27)
    """
    root = bundled_path("catalog") if path is None else Path(path)
    return _read(root, "bundled" if path is None else str(path))


def release_calendar() -> Catalog:
    """Return the bundled calendar of scheduled releases, the default of `StudyResult.confounders`.

    The calendar contains quarterly results of the bundled firms from 27 January to 31 March 2025, those of NVIDIA and
    Tesla from 2023, and the Federal Reserve decision, payrolls and consumer prices of early 2025. An event that is also
    in `load_catalog` has the same id there.

    Returns
    -------
    Catalog
        Releases in order of date; ``sources`` has the publisher of each date.

    Raises
    ------
    MarketShockError
        If the installation lacks its data folder.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.datasets.release_calendar()["apple-results"]
    Event 'apple-results': 2025-01-30 (AAPL) Apple reports its first quarter of fiscal 2025
    """
    return _read(bundled_path("calendar"), "bundled releases")


def _read(root: Path, origin: str) -> Catalog:
    files = sorted(path for path in root.glob("*.toml") if path.is_file()) if os.path.isdir(root) else [root]
    if not files:
        raise CatalogError(str(root), "contains no .toml file", "give a catalog file, or a folder of them")
    events: dict[str, Event] = {}
    claims: dict[str, Claim] = {}
    for file in files:
        content = _content(file)
        for number, entry in enumerate(content["event"], start=1):
            event = _event(entry, file, number)
            _add(events, event, f"{file.name}, entry {number}")
        for number, entry in enumerate(content["claim"], start=1):
            claim = claim_of(entry, f"{file.name}, claim {number}")
            _add(claims, claim, f"{file.name}, claim {number}")
    ordered = sorted(events.values(), key=lambda e: (_moment(e), e.id))
    return Catalog({event.id: event for event in ordered}, origin, claims)


def _add(known: dict[str, Any], entry: Event | Claim, where: str) -> None:
    if entry.id in known:
        raise CatalogError(f"{where}, field 'id'", f"{entry.id!r} is used twice", "rename one of the two entries")
    known[entry.id] = entry


def _content(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the [[event]] and [[claim]] tables of a file; at least one is required."""
    content = read_toml(file, error=CatalogError)
    unknown = [key for key in content if key not in ("event", "claim")]
    if unknown:
        remedy = "write events as [[event]] tables and claims as [[claim]] tables"
        raise CatalogError(file.name, f"unknown table {unknown[0]!r}", remedy)
    tables = {name: content.get(name, []) for name in ("event", "claim")}
    for entries in tables.values():
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise CatalogError(file.name, "contains no [[event]] table", "write one per event")
    if not any(tables.values()):
        raise CatalogError(file.name, "contains no [[event]] table", "write one per event")
    return tables


def _event(entry: dict[str, Any], file: Path, number: int) -> Event:
    name = entry.get("id")
    where = f"{file.name}, entry {number}" + (f" ({name!r})" if name else "")
    check_fields(entry, where, _FIELDS)
    for required in ("id", "title", "kind"):
        if not isinstance(entry.get(required), str) or not entry[required]:
            raise CatalogError(f"{where}, field {required!r}", "is missing or not text", "every event needs one")
    tickers = entry.get("tickers", [])
    if not isinstance(tickers, list) or not all(isinstance(t, str) and t for t in tickers):
        raise CatalogError(f"{where}, field 'tickers'", f"got {tickers!r}", 'write a list such as ["NVDA"]')
    if not isinstance(entry.get("sources", []), list):
        raise CatalogError(f"{where}, field 'sources'", f"got {entry['sources']!r}", "write a list of tables")
    try:
        return Event(
            id=entry["id"],
            title=entry["title"],
            when=_when(entry, where),
            kind=entry["kind"],
            tickers=tuple(tickers),
            timing=entry.get("timing", ""),
            on_closed=entry.get("on_closed"),
            sources=tuple(_source(s, where) for s in entry.get("sources", [])),
            note=entry.get("note", ""),
        )
    except CatalogError:
        raise
    except InputError as error:
        raise CatalogError(f"{where}, field {error.parameter!r}", error.problem, error.remedy) from error


def _when(entry: dict[str, Any], where: str) -> dt.date | dt.datetime:
    if ("date" in entry) == ("timestamp" in entry):
        raise CatalogError(f"{where}, field 'date'", "needs a date or a timestamp", "give exactly one of the two")
    if "date" in entry:
        if not isinstance(entry["date"], dt.date) or isinstance(entry["date"], dt.datetime):
            raise CatalogError(f"{where}, field 'date'", f"got {entry['date']!r}", "write 2025-01-27 without quotes")
        return entry["date"]
    if not isinstance(entry["timestamp"], dt.datetime):
        raise CatalogError(
            f"{where}, field 'timestamp'",
            f"got {entry['timestamp']!r}",
            "write 2025-01-29T14:00:00-05:00 without quotes",
        )
    return entry["timestamp"]


def _source(table: Any, where: str) -> Source:
    if not isinstance(table, dict):
        raise CatalogError(f"{where}, field 'sources'", f"got {table!r}", "write { document = ..., paragraph = ... }")
    check_fields(table, f"{where}, field 'sources'", _SOURCE_FIELDS)
    if not isinstance(table.get("document"), str) or not isinstance(table.get("paragraph"), int):
        raise CatalogError(f"{where}, field 'sources'", f"got {table!r}", "give document (text) and paragraph (number)")
    return Source(table["document"], table["paragraph"], table.get("note", ""))


def _moment(event: Event) -> dt.datetime:
    if isinstance(event.when, dt.datetime):
        return event.when.astimezone(dt.UTC) if 1 < event.when.year < 9999 else event.when.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(event.when, dt.time(12), dt.UTC)
