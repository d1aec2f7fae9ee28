"""Claims read from the [[claim]] tables of a catalog. Every error names the file, entry and field."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from ..errors import CatalogError, InputError
from .claim import Claim, Part, Stated, ordinal

_PART_FIELDS = ("kind", "what", "stated", "unit", "step", "wording", "reading", "parameters")
_CLAIM_FIELDS = ("id", "text", "document", "paragraph", "event", "needs", "part", *_PART_FIELDS)


def claim_of(entry: Mapping[str, Any], where: str) -> Claim:
    """Return the claim of a TOML table.

    Raises `CatalogError` if a field is missing, unknown or of the wrong type.

    Parameters
    ----------
    entry : mapping
        Table as parsed.
    where : str
        File and position of the entry, for error messages.
    """
    where = f"{where} ({entry['id']!r})" if entry.get("id") else where
    check_fields(entry, where, _CLAIM_FIELDS)
    for required in ("id", "text", "document"):
        if not isinstance(entry.get(required), str) or not entry[required]:
            raise CatalogError(f"{where}, field {required!r}", "is missing or not text", "every claim needs one")
    paragraph = entry.get("paragraph")
    if not isinstance(paragraph, int) or isinstance(paragraph, bool) or paragraph < 0:
        raise CatalogError(f"{where}, field 'paragraph'", f"got {paragraph!r}", "count the document's lines from 1")
    parts = tuple(_part({**_shared(entry), **table}, where) for table in _parts(entry, where))
    return Claim(
        id=entry["id"],
        text=entry["text"],
        document=entry["document"],
        paragraph=paragraph,
        parts=parts,
        event=entry.get("event", ""),
        needs=entry.get("needs", ""),
    )


def check_fields(table: Mapping[str, Any], where: str, allowed: tuple[str, ...]) -> None:
    """Raise `CatalogError` for a field that is not one of `allowed`."""
    for key in table:
        if key not in allowed:
            raise CatalogError(f"{where}, field {key!r}", "is unknown", f"allowed are {', '.join(allowed)}")


def _shared(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the claim that apply to all parts."""
    return {name: entry[name] for name in _PART_FIELDS if name in entry}


def _parts(entry: Mapping[str, Any], where: str) -> list[Mapping[str, Any]]:
    tables = entry.get("part", [{}])
    if not isinstance(tables, list) or not tables or not all(isinstance(t, dict) for t in tables):
        raise CatalogError(f"{where}, field 'part'", f"got {tables!r}", "write [[claim.part]] tables")
    for table in tables:
        check_fields(table, f"{where}, field 'part'", _PART_FIELDS)
    return [_merged(entry, table) for table in tables]


def _merged(entry: Mapping[str, Any], table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a part with its parameters merged over those of the claim."""
    parameters = {**entry.get("parameters", {}), **table.get("parameters", {})}
    return {**table, "parameters": parameters}


def _part(table: Mapping[str, Any], where: str) -> Part:
    if not isinstance(table.get("kind"), str):
        raise CatalogError(f"{where}, field 'kind'", "is missing or not text", "give a kind of check")
    try:
        stated = _stated(table) if "stated" in table else None
    except InputError as error:
        raise CatalogError(f"{where}, field {error.parameter!r}", error.problem, error.remedy) from error
    return Part(table["kind"], stated, table["parameters"], table.get("what", ""))


def _stated(table: Mapping[str, Any]) -> Stated:
    value = table["stated"]
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return Stated(ordinal(value), "date", 0.0, table.get("wording", ""), table.get("reading", ""))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError("stated", f"got {value!r}", "give a number, or a date without quotes")
    if "unit" not in table:
        raise InputError("unit", "is missing", "give the unit of the number, e.g. 'percent'")
    step = table.get("step", 0.0)
    if isinstance(step, bool) or not isinstance(step, (int, float)):
        raise InputError("step", f"got {step!r}", "give a number")
    return Stated(float(value), table["unit"], float(step), table.get("wording", ""), table.get("reading", ""))
