"""One file of Kenneth R. French's data library, from bytes to decimals: no web, no cache, no other file."""

from __future__ import annotations

import calendar
import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray

Frequency: TypeAlias = Literal["daily", "weekly", "monthly"]

UNKNOWN = "unknown"
"""The vintage of a file that names none."""

MISSING_CODES = {"-99.99": -99.99, "-999": -999.0}
"""Percent that stand for a missing value, as the files' own preambles say."""

_DAILY, _MONTHLY, _ANNUAL = 8, 6, 4  # digits of a row's date
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)")
_VINTAGE = re.compile(r"using\s+the\s+(\d{6})\s+(\w+)\s+database", re.IGNORECASE)
LARGEST = 200_000_000
"""Bytes of a file, unpacked; the library's largest have some tens of millions."""

_MOST_LINES, _LONGEST_LINE = 2_000_000, 100_000  # the library's have some hundred thousand, of some thousand characters
_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85"  # what `str.splitlines` cuts latin-1 text at


class LayoutError(Exception):
    """Bytes that are no such file. Whoever knows where they are from says it as an error of the public tree."""

    def __init__(self, problem: str, remedy: str = "give the file as the data library publishes it") -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}; {remedy}")


@dataclass(frozen=True, slots=True)
class FrenchTable:
    """The content of a file."""

    # (n_dates, n_columns): decimals (0.01 is one percent), NaN where the file has a missing code. The index, named
    # "date", holds the days; of a monthly file the last calendar day of each month.
    frame: pd.DataFrame
    # {"daily", "weekly", "monthly"}: by the length of the dates; eight digits that are mostly more than four days apart
    # are weeks
    frequency: Frequency
    # YYYYMM of the CRSP database the file was made from; with the name of the database if it is another, such as
    # "202510 Bloomberg"; "unknown" if the preamble names none, or several
    vintage: str
    member: str  # name of the CSV file inside the zip, "" of a plain one
    missing: dict[str, int]  # how often each missing code was found
    not_read: tuple[str, ...]  # titles of the annual blocks, which were left


@dataclass(slots=True)
class _Block:
    title: str
    line: int
    header: list[str]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)

    @property
    def digits(self) -> int:
        return len(self.rows[0][1][0]) if self.rows else 0

    @property
    def annual(self) -> bool:
        return self.digits == _ANNUAL or (not self.rows and "annual" in self.title.casefold())


def french_table(payload: bytes, name: str) -> FrenchTable:
    """Read the one daily or monthly table of a file in the published layout.

    Free text, a header line that begins with a comma, rows of YYYYMMDD or YYYYMM and percent, a blank line; after it an
    annual block (not read) and a line of copyright. Raises `LayoutError` if it is no such file: a damaged zip, no table
    or several, a row that is none, a date twice or out of order.

    Parameters
    ----------
    payload : bytes
        A zip with one CSV file in it, or that CSV file (latin-1).
    name : str
        File name or address: bytes that are no zip are read only if it ends with ".csv".
    """
    member, text = _csv(payload, name)
    if sum(map(text.count, _BREAKS)) > _MOST_LINES:
        raise LayoutError(f"has more than {_MOST_LINES:,} lines")
    lines = text.splitlines()
    if max(map(len, lines), default=0) > _LONGEST_LINE:
        raise LayoutError(f"has a line of more than {_LONGEST_LINE:,} characters")
    blocks = _blocks(lines)
    block = _only_table(blocks, lines)
    days = _days(block)
    values, missing = _values(block)
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days, name="date"), columns=_columns(block))
    return FrenchTable(
        frame,
        _frequency(block, days),
        _vintage(lines[: blocks[0].line - 1]),
        member,
        missing,
        tuple(b.title or "annual" for b in blocks if b.annual),
    )


def _csv(payload: bytes, name: str) -> tuple[str, str]:
    if payload.startswith(b"PK"):
        member, payload = _unzipped(payload)
    elif name.casefold().endswith(".csv"):
        member = ""
    else:
        raise LayoutError(f"is no zip file: it begins with {_beginning(payload.decode('latin-1').splitlines())}")
    return member, payload.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _unzipped(payload: bytes) -> tuple[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as packed:
            member = _only_csv(packed)
            return member.filename, packed.read(member)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise LayoutError(f"is a zip file that is cut or damaged ({error})", "fetch it again") from error
    except (NotImplementedError, RuntimeError) as error:  # a method zipfile does not know; a password
        raise LayoutError(f"is a zip file that cannot be unpacked ({error})") from error


def _only_csv(packed: zipfile.ZipFile) -> zipfile.ZipInfo:
    held = [i for i in packed.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
    tables = [i for i in held if i.filename.casefold().endswith(".csv")]
    if len(tables) != 1:
        listed = ", ".join(i.filename for i in held[:4]) or "nothing"
        what = f"{len(tables)} CSV files" if tables else "no CSV file"
        raise LayoutError(f"holds {what} ({listed})", "give a zip with one, or the path of the one that is meant")
    if tables[0].file_size > LARGEST:
        raise LayoutError(f"would unpack to {tables[0].file_size:,} bytes, {LARGEST:,} are allowed")
    return tables[0]


def _blocks(lines: Sequence[str]) -> list[_Block]:
    """Split a file at its header lines and blank lines; a line of the wrong kind inside a table is refused."""
    blocks: list[_Block] = []
    current: _Block | None = None
    above = ""
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line.rstrip(", \t").split(",")]
        if cells == [""]:
            if current and current.rows:
                current = None
        elif cells[0] == "":
            current = _Block(above, number, cells[1:])
            blocks.append(current)
        elif _is_row(line, cells):
            if current is None and (current := _headless(blocks, above, number, cells[0])):
                blocks.append(current)
            if current:
                current.rows.append((number, cells))
        else:
            if current and current.rows and ("," in line or cells[0][0].isdigit()):
                raise LayoutError(f"line {number} ({line.strip()[:40]!r}) is no row of the table that begins above")
            current = None
        above = "" if cells[0] == "" or _is_row(line, cells) else ", ".join(cells)
    return blocks


def _is_row(line: str, cells: Sequence[str]) -> bool:
    """Tell rows of figures (or cut off after their date) from text such as "202406, the 1-month rate is ..."."""
    figures = len(cells) == 1 or any(_NUMBER.fullmatch(cell) for cell in cells[1:])
    return cells[0].isdecimal() and "," in line and figures


def _headless(blocks: list[_Block], above: str, number: int, date: str) -> _Block | None:
    """Return the block a row without a header begins: an annual one; None for text that begins with a number."""
    if len(date) in (_DAILY, _MONTHLY):
        raise LayoutError(f"line {number} ({date}) has figures, but no header line that begins with a comma above them")
    return _Block(above, number, []) if blocks and len(date) == _ANNUAL else None


def _only_table(blocks: Sequence[_Block], lines: Sequence[str]) -> _Block:
    if not blocks:
        raise LayoutError(f"has no header line that begins with a comma; it begins with {_beginning(lines)}")
    tables = [block for block in blocks if not block.annual]
    if len(tables) > 1:
        titles = "; ".join(block.title or f"line {block.line}" for block in tables[:4])
        raise LayoutError(
            f"holds {len(tables)} tables that are not annual ({titles}), and nothing says which one is meant",
            "save the one that is meant, with the text above the first, as a CSV file of its own",
        )
    if not tables:
        raise LayoutError("holds annual figures only", "give a daily or a monthly file")
    if not tables[0].rows:
        raise LayoutError(f"has a header in line {tables[0].line} and no row of figures below it")
    return tables[0]


def _beginning(lines: Sequence[str]) -> str:
    return repr(next((line.strip()[:40] for line in lines if line.strip()), "nothing"))


def _columns(block: _Block) -> list[str]:
    """Return the names as the bundled factors have them; the five-factor SMB is another series than SMB."""
    five = {"RMW", "CMA"} <= set(block.header)
    known = {"Mom": "MOM"} | ({"SMB": "SMB5"} if five else {})
    names = [known.get(name, name) for name in block.header]
    if "" in names or len(set(names)) < len(names):
        raise LayoutError(f"the header in line {block.line} has a column without a name, or one twice: {names}")
    return names


def _days(block: _Block) -> DateArray:
    days = np.array([_day(block, number, cells[0]) for number, cells in block.rows], dtype="datetime64[ns]")
    late = np.flatnonzero(np.diff(days) <= np.timedelta64(0))
    if len(late):
        number, cells = block.rows[late[0] + 1]
        what = "stands there twice" if days[late[0] + 1] == days[late[0]] else "is out of order"
        raise LayoutError(f"the date {cells[0]} in line {number} {what}")
    return days


def _day(block: _Block, number: int, text: str) -> dt.date:
    year, month = int(text[:4]), int(text[4:6] or 0)
    try:
        if len(text) != block.digits or block.digits not in (_DAILY, _MONTHLY) or not 1800 <= year <= 2200:
            raise ValueError
        return dt.date(year, month, int(text[6:]) if block.digits == _DAILY else calendar.monthrange(year, month)[1])
    except ValueError:  # a month of 13, a day of 31 April; IllegalMonthError is one too
        wanted = "YYYYMM" if block.digits == _MONTHLY else "YYYYMMDD"
        raise LayoutError(f"line {number}: {text} is no date of the form {wanted}") from None


def _frequency(block: _Block, days: DateArray) -> Frequency:
    if block.digits == _MONTHLY:
        return "monthly"
    apart = np.diff(days).astype("timedelta64[D]").astype(float)
    return "weekly" if len(apart) and np.median(apart) > 4 else "daily"


def _values(block: _Block) -> tuple[FloatArray, dict[str, int]]:
    percent = np.empty((len(block.rows), len(block.header)))
    for at, (number, cells) in enumerate(block.rows):
        if len(cells) != 1 + len(block.header):
            named = f"the header names {len(block.header)} columns"
            raise LayoutError(f"line {number} ({cells[0]}) has {len(cells) - 1} values, {named}")
        bad = [cell for cell in cells[1:] if not _NUMBER.fullmatch(cell)]
        if bad:
            raise LayoutError(f"line {number} ({cells[0]}): {bad[0]!r} is no number")
        percent[at] = [float(cell) for cell in cells[1:]]
    found = {code: percent == value for code, value in MISSING_CODES.items()}
    missing = {code: int(where.sum()) for code, where in found.items() if where.any()}
    return np.where(np.logical_or.reduce(list(found.values())), np.nan, percent / 100), missing


def _vintage(preamble: Sequence[str]) -> str:
    named = {(m[1], m[2]) for m in _VINTAGE.finditer(" ".join(preamble))}  # the sentence may go over two lines
    if len(named) != 1:
        return UNKNOWN
    month, database = named.pop()
    return month if database.upper() == "CRSP" else f"{month} {database}"
