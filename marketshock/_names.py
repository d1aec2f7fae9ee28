"""Names of securities, factors and columns: one rule for every table that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .errors import InputError


def clean_names(parameter: str, names: Iterable[Any]) -> list[str]:
    """Return names as text without surrounding blanks.

    Everything else stays: dots, dollar signs and a leading equals sign belong to names that vendors use.

    Raises
    ------
    InputError
        If a name has a character that is not seen (a tab, a line break, a zero-width space) between others, or two
        names differ in nothing but surrounding blanks.
    """
    given = [str(name) for name in names]
    clean = [name.strip() for name in given]
    if clean == given and all(map(str.isprintable, given)):
        return given
    refuse_unseen(parameter, clean)
    spelled: dict[str, str] = {}
    for name, old in zip(clean, given, strict=True):
        if spelled.setdefault(name, old) != old:
            what = f"{name!r} stands there with and without blanks around it"
            raise InputError(parameter, what, "keep one of the two")
    return clean


def refuse_unseen(parameter: str, names: Iterable[str], where: Callable[[int], str] | None = None) -> None:
    """Raise `InputError` if a name has a character that is not seen, between others or around them.

    `where` returns the words for the place of a name by its number.
    """
    for at, name in enumerate(names):
        if not name.isprintable():
            hidden = next(c for c in name if not c.isprintable())
            place = f" in {where(at)}" if where else ""
            what = f"the name {name!r}{place} has a character that is not seen (U+{ord(hidden):04X})"
            raise InputError(parameter, what, "remove it")
