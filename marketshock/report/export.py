"""Tables for papers, notebooks and spreadsheets: LaTeX, Markdown, Excel."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .. import _format
from .._files import output_file, whole
from .._frame import Printable, PrintedTable, Printout, ReadableFrame
from ..backtests.result import Backtest
from ..errors import InputError
from ..study.results import StudyResult

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGGER = "\u2020"  # marks a note where stars mark p-values
STARS = ((0.01, "***"), (0.05, "**"), (0.1, "*"))
_NO_ESTIMATE = ("t", "df", "se", "s.e.", "sq p", "n")
_NUMBER = re.compile(r"[-+<]*[\d.,]+(e[-+]?\d+)?[ *%]*|\[.*\]|inf")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what Excel takes for the beginning of a formula
_SHEET = 31  # characters of a sheet's name in Excel
_MOST_ROWS, _MOST_COLUMNS, _MOST_TEXT = 1_048_576, 16_384, 32_767  # of a sheet; characters of a cell
_LATEX = {
    "\\": r"\textbackslash{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"$<$",
    ">": r"$>$",
    "\u00b1": r"$\pm$",
    "\u2020": r"$\dagger$",
}


def printed(result: Any) -> Printout:
    """Return the printed form of a result of this library, or of a frame.

    Raises
    ------
    InputError
        If it has none.
    """
    if isinstance(result, (Printable, ReadableFrame)) and (made := result.printout()) is not None:
        return made
    if isinstance(result, pd.DataFrame):
        return _of_frame(result)
    if hasattr(result, "to_frame"):
        return _of_frame(result.to_frame())
    remedy = "give a result of this library, or a DataFrame"
    raise InputError("result", f"got {type(result).__name__}, which has no table", remedy)


def to_latex(result: Any, *, stars: bool = False, caption: str = "", label: str = "") -> str:
    r"""Return a table for LaTeX with the rules of the booktabs package.

    Parameters
    ----------
    result : object
        A result of this library, one of its frames, or a DataFrame.
    stars : bool, optional
        Mark estimates by their p-values: three stars below 0.01, two below 0.05, one below 0.1; a note says so.
    caption : str, optional
        Instead of the result's own.
    label : str, optional
        For ``\ref``.

    Returns
    -------
    str
        A ``table`` environment; the preamble needs ``\usepackage{booktabs}``. Numbers are as printed, minus signs and
        special characters are escaped.

    Raises
    ------
    InputError
        If the result has no table, or stars are asked of one without p-values.
    """
    made = printed(result)
    table, notes = _starred(made) if stars else (made.tables[0], made.below)
    columns = "".join("l" if text else "r" for text in _is_text(table))
    lines = [r"\begin{table}[htbp]", r"\centering"]
    said = caption or " ".join(made.title)
    if said:
        lines.append(rf"\caption{{{latex(said)}}}")
    if label:
        lines.append(rf"\label{{{label}}}")
    lines += [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    lines += [" & ".join(map(latex, table.head)) + r" \\", r"\midrule"]
    lines += [" & ".join(map(latex, row)) + r" \\" for row in table.rows]
    lines += [r"\bottomrule", r"\end{tabular}"]
    if notes:
        below = r" \\ ".join(map(latex, notes))
        lines += [r"\par\smallskip", rf"\parbox{{\linewidth}}{{\footnotesize {below}}}"]
    return "\n".join([*lines, r"\end{table}", ""])


def to_markdown(result: Any, *, stars: bool = False) -> str:
    """Return a Markdown table, aligned in the source, with caption above and notes below.

    Parameters
    ----------
    result, stars
        As in `to_latex`.

    Returns
    -------
    str

    Raises
    ------
    InputError
        As `to_latex`.
    """
    made = printed(result)
    table, notes = _starred(made) if stars else (made.tables[0], made.below)
    cells = [[_markdown(cell) for cell in row] for row in [table.head, *table.rows]]
    widths = [max(3, *(len(row[k]) for row in cells)) for k in range(len(table.head))]
    text = _is_text(table)

    def line(row: Sequence[str]) -> str:
        parts = (c.ljust(w) if t else c.rjust(w) for c, w, t in zip(row, widths, text, strict=True))
        return f"| {' | '.join(parts)} |"

    rule = [("-" * w) if t else "-" * (w - 1) + ":" for w, t in zip(widths, text, strict=True)]
    above = [*made.title, ""] if made.title else []
    below = ["", *(f"- {_markdown(note)}" for note in notes)] if notes else []
    return "\n".join([*above, line(cells[0]), f"| {' | '.join(rule)} |", *map(line, cells[1:]), *below, ""])


def to_excel(result: Any, path: str | Path) -> Path:
    r"""Write a result to an Excel file: one sheet per frame, numbers unrounded, and a sheet "about" with its text.

    Text is written as text: a ticker, an id or a heading that begins with "=", "+", "-" or "@" is no formula. Control
    characters, which the format cannot hold, are written as escapes such as ``\x07``.

    Parameters
    ----------
    result : object
        A result of this library, a DataFrame, or a mapping of sheet name to either.
    path : str or Path
        An .xlsx file.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is nothing to write, more than a sheet or a cell of Excel holds, a name is no .xlsx file or cannot be
        written, two sheets get one name, or openpyxl is missing (``pip install 'marketshock[excel]'``).
    """
    path = output_file(path, "path", (".xlsx",), "give an .xlsx file")
    try:
        import openpyxl  # noqa: F401
    except ImportError as error:
        raise InputError("path", "Excel files need openpyxl", "pip install 'marketshock[excel]'") from error
    sheets: dict[str, pd.DataFrame] = {}
    for name, frame in _sheets(result):
        short = re.sub(r"[\[\]:*?/\\]", "_", _format.visible(name)).strip("'")[:_SHEET] or "table"
        if short.casefold() in {s.casefold() for s in sheets}:
            raise InputError("result", f"two sheets are called {short!r}", "give a mapping with names of their own")
        sheets[short] = _plain_cells(frame)
        _check_size(short, sheets[short])
    if not sheets:
        raise InputError("result", "holds nothing to write", "give a result of this library, or a DataFrame")
    with whole(path, "path") as part:
        part.write_bytes(_book(sheets))
    return path


def _book(sheets: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the bytes of an Excel file; raise `OSError` where the system does not let openpyxl make its sheets."""
    book = io.BytesIO()
    try:
        with pd.ExcelWriter(book, engine="openpyxl") as writer:
            for name, frame in sheets.items():
                frame.to_excel(writer, sheet_name=name, index=False)
                _text_stays_text(writer.sheets[name])
    except Exception as error:
        if type(error).__module__.startswith("lxml"):  # which openpyxl writes with if it is there: a full disk
            raise OSError(f"its sheets do not fit into the folder for temporary files ({error})") from error
        raise
    return book.getvalue()


def latex(text: str) -> str:
    """Return text with LaTeX's special characters escaped, and the minus sign of a number as one."""
    escaped = "".join(_LATEX.get(c, c) for c in _format.visible(str(text)))
    return re.sub(r"(?<![\w.])-(?=\d)", "$-$", escaped)


def _markdown(text: str) -> str:
    return _format.visible(str(text)).replace("|", "\\|").replace("\n", " ")


def _is_text(table: PrintedTable) -> list[bool]:
    """Return which columns are text: those in which no cell is a number."""
    return [not any(_NUMBER.fullmatch(str(row[k])) for row in table.rows) for k in range(len(table.head))]


def _starred(made: Printout) -> tuple[PrintedTable, list[str]]:
    """Return a table with stars on its estimates by the p-values beside them, and the lines below it."""
    table = made.tables[0]
    places = [k for k, name in enumerate(table.head) if re.fullmatch(r"p|p \(.*\)|p-?value", str(name).strip())]
    if not places:
        raise InputError("stars", "is asked of a table without p-values", "leave it out")
    rows = [list(row) for row in table.rows]
    for place in places:
        estimate = _estimate_before(table.head, place)
        for row in rows:
            stars = _stars(row[place])
            row[estimate] = row[estimate].removesuffix("*") + (DAGGER if row[estimate].endswith("*") else "") + stars
    note = "; ".join(f"{mark} p < {level:g}" for level, mark in STARS)
    notes = [re.sub(r"^\* ", f"{DAGGER} ", line) for line in made.below]
    return replace(table, rows=rows), [*notes, note]


def _estimate_before(head: Sequence[str], place: int) -> int:
    for k in range(place - 1, 0, -1):
        name = str(head[k]).strip().casefold()
        if name not in _NO_ESTIMATE and "interval" not in name and name != "distribution":
            return k
    return max(place - 1, 0)


def _stars(text: str) -> str:
    try:
        p = float(text.strip().lstrip("<"))
    except ValueError:
        return ""
    bound = text.strip().startswith("<")
    return next((mark for level, mark in STARS if p < level or (bound and p <= level)), "")


def _of_frame(frame: pd.DataFrame) -> Printout:
    """Return any frame as text: numbers to six digits, dates as days."""
    head = [str(c) for c in (frame.reset_index() if frame.index.names != [None] else frame).columns]
    return Printout((), (PrintedTable(head, [[_cell(v) for v in row.values()] for row in _format.rows(frame)]),))


def _cell(value: Any) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    if isinstance(value, (float, np.floating)):
        return _format.MISSING if np.isnan(value) else f"{value:.6g}"
    return str(value)


def _sheets(result: Any) -> Iterator[tuple[str, pd.DataFrame]]:
    if isinstance(result, Mapping):
        for name, one in result.items():
            inner = list(_sheets(one))
            alone = len([n for n, _ in inner if n != "about"]) == 1
            for sheet, frame in inner:
                if sheet == "about" and alone:
                    continue
                yield (str(name) if alone else f"{name} {sheet}"), frame
        return
    if isinstance(result, pd.DataFrame):
        yield "table", pd.DataFrame(result)
        return
    yield from _frames(result)
    yield "about", pd.DataFrame({"text": str(result).splitlines()})


def _frames(result: Any) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the frames of a result by name."""
    if isinstance(result, StudyResult):
        window = result.spec.window
        yield "car", result.car(window.first, window.last)
        yield "tests", result.tests(window.first, window.last)
        yield from ((name, getattr(result, name)) for name in ("ar", "events", "params", "exclusions", "alignment"))
    elif isinstance(result, Backtest):
        names = ("performance", "trades", "legs", "orders", "daily", "exclusions", "alignment")
        yield from ((name, getattr(result, name)) for name in names)
    elif hasattr(result, "to_frame"):
        yield "table", result.to_frame()
    else:
        remedy = "give a result of this library, or a DataFrame"
        raise InputError("result", f"got {type(result).__name__}, which has no frame", remedy)


def _plain_cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame, its index as columns, whose cells Excel knows: no tuples, time zones or control characters."""
    out = frame.reset_index(allow_duplicates=True) if frame.index.names != [None] else pd.DataFrame(frame).copy()
    names: list[Any] = list(out.columns)
    out.columns = pd.Index([_shown(_text(name) if isinstance(name, tuple) else name) for name in names])
    for at in range(out.shape[1]):
        column = out.iloc[:, at]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            out.isetitem(at, column.dt.tz_convert("UTC").dt.tz_localize(None))
        elif column.dtype == object or isinstance(column.dtype, (pd.StringDtype, pd.CategoricalDtype)):
            out.isetitem(at, [_plain_cell(v) for v in column.astype(object)])
    return out


def _check_size(sheet: str, frame: pd.DataFrame) -> None:
    """Raise `InputError` if a frame is more than a sheet holds: openpyxl would cut its text, or fail."""
    rows, columns = frame.shape
    texts = frame.select_dtypes(["object", "str"])
    longest = max((len(v) for at in range(texts.shape[1]) for v in texts.iloc[:, at] if isinstance(v, str)), default=0)
    for n, most, what in (
        (rows + 1, _MOST_ROWS, "rows"),
        (columns, _MOST_COLUMNS, "columns"),
        (longest, _MOST_TEXT, "characters in a cell"),
    ):
        if n > most:
            problem = f"sheet {sheet!r} would have {n:,} {what}, and Excel takes {most:,}"
            raise InputError("result", problem, "write it as CSV or Parquet, or give a part of it")


def _plain_cell(value: Any) -> Any:
    if value is pd.NA:
        return None
    return value if isinstance(value, (int, float, bool, type(None))) else _shown(_text(value))


def _shown(value: Any) -> Any:
    return _format.visible(value) if isinstance(value, str) else value


def _text_stays_text(sheet: Any) -> None:
    """Mark the text of a sheet as text: openpyxl takes "=F" for a formula and "#N/A" for an error."""
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type in ("f", "e"):
                cell.data_type = "s"
            if isinstance(cell.value, str) and cell.value.startswith(_FORMULA):
                cell.quotePrefix = True  # it stays text when it is edited there


def _text(value: Any) -> str:
    """Return any other cell as text, the parts of a tuple separated by commas."""
    if not isinstance(value, tuple):
        return str(value)
    return ", ".join(f"{v:g}" if isinstance(v, (int, float)) else str(v) for v in value)
