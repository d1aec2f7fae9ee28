"""Text and plain data of fetched prices and of the entries of the cache."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import _format
from ..errors import Argument
from ..providers.store import Entry, Store


def fetched_table(about: Mapping[str, Any], spell: Callable[[Argument], str] = str) -> str:
    """Return one line per ticker of the provenance of fetched prices, followed by the findings and the failures.

    `spell` writes an argument that a message names; by default as in Python.
    """
    head = ["ticker", "first", "last", "rows", "currency", "fetched (UTC)"]
    rows = [
        [
            *(name, known["first"], known["last"], str(known["rows"])),
            *(str(known.get("currency") or ""), str(known.get("fetched") or "")[:16]),  # a source need not know them
        ]
        for name, known in about["tickers"].items()
    ]
    found = [
        f"{name}: {finding['severity']}: {finding['text']} [{finding['name']}]"
        for name, known in about["tickers"].items()
        for finding in known.get("findings", [])
    ]
    found += [f"{name}: {line}" for name, known in about["tickers"].items() for line in known.get("history", [])]
    failed = [f"missing: {words.spelled(spell)}" for words in about["failed"].values()]
    lines = [_format.wrapped(line, "  ") for line in [*found, *failed]]
    title = f"{about['source']}, {about['asked']}"
    return "\n".join([title, "", _format.text_table(head, rows), *([""] if lines else []), *lines])


def cache_record(entry: Entry) -> dict[str, Any]:
    """Return one file of the cache as plain data."""
    about = entry.about
    try:
        inner = about.get("about", {})
        covered = [f"{first} to {_before(last)}" for first, last in about.get("covered", [])]
        covered = covered or [f"nothing ({came}) as of {when[:16]}" for _, _, when, came in about.get("asked", [])][-1:]
        fetched, problem = inner.get("fetched") or about.get("fetched"), entry.problem
    except (ValueError, TypeError, AttributeError, IndexError):
        covered, fetched, problem = [], None, "is of another kind"
    return {
        "provider": entry.key.provider,
        "kind": entry.key.kind,
        "name": entry.key.name,
        "rows": about.get("rows"),
        "covered": covered,
        "fetched": fetched,
        "bytes": entry.n_bytes,
        "problem": problem,
        "ours": entry.ours,
        "file": str(entry.path),
    }


def _before(day: str) -> str:
    return str(dt.date.fromisoformat(day) - dt.timedelta(days=1))


def cache_summary(store: Store, entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the entries of the cache as plain data."""
    records = [cache_record(entry) for entry in entries]
    listed = zip(records, entries, strict=True)
    damaged = [record["file"] for record, entry in listed if record["problem"] and (entry.ours or entry.named)]
    return {
        "folder": str(store.root),
        "entries": records,
        "bytes": sum(entry.n_bytes for entry in entries if entry.ours),
        "damaged": damaged,
        "leftovers": [str(path) for path in store.leftovers()],
    }


def cache_table(summary: Mapping[str, Any]) -> str:
    """Return the entries of the cache as a table, followed by the damaged files."""
    head = ["provider", "kind", "name", "rows", "covered", "fetched (UTC)", "kB"]
    rows = [
        [
            r["provider"],
            r["kind"],
            r["name"],
            "-" if r["rows"] is None else str(r["rows"]),
            "; ".join(r["covered"]) or "-",
            (r["fetched"] or "-")[:16],
            f"{r['bytes'] / 1024:.1f}",
        ]
        for r in summary["entries"]
        if r["ours"]
    ]
    total = f"{len(rows)} files, {summary['bytes'] / 1024:.0f} kB, in {summary['folder']}"
    damaged = [
        f"{'damaged' if r['ours'] else 'left alone'}: {r['file']}: {r['problem']}"
        for r in summary["entries"]
        if r["problem"]
    ]
    left = [f"left over from an interrupted write: {path}" for path in summary["leftovers"]]
    table = [_format.text_table(head, rows, left=3), ""] if rows else []
    return "\n".join([*table, total, *damaged, *left])


def cleared_text(cleared: Mapping[str, Any], store: Store) -> str:
    """Return how many files were removed from the cache, and which were left and why."""
    left = [f"left: {path}: {why}" for path, why in cleared["left"].items()]
    return "\n".join([f"{cleared['removed']} files removed from {store.root}", *left])
