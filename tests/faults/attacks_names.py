"""Names and texts of the user, hostile to files, pages, spreadsheets and terminals, through every output."""

from __future__ import annotations

import json
import random
import re
import tempfile
import warnings
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

import marketshock as ms
from marketshock.plots import bare_figure
from marketshock.plots.svg import inline_svg
from marketshock.report.export import to_excel, to_latex, to_markdown
from marketshock.report.files import write_study, write_text

from . import Attack, Kind

_PIECES = (
    *("\x00", "\x07", "\x0b", "\x0c", "\x1b[31m", "\x7f", "\x85", "\ufffe", "\uffff", "\ud800", "\udfff", "\u2028"),
    *("\r", "\n", "\r\n", "\t", " ", "\u00a0", "\u200b", "\u202e", "\u0301", "\U0010ffff"),
    *("=1+1", "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "#N/A", "'", '"', ",", ";", "|", "`", "\\", "%s{0}"),
    *("$\\frac{1$", "$5_", "^", "~", "&amp;", "<script>", "</title>", "]]>", "--", "/", "..", "nan", "None", "1e5"),
)
_HALVES = re.compile("[\ud800-\udfff]")
_DAYS = pd.bdate_range("2024-01-01", periods=300)
_AT = _DAYS[280]
_ROLES = ("ticker", "event_id", "group", "trait", "trait name", "title", "sheet", "column", "event")


@cache
def _closes() -> np.ndarray:
    return 100 * np.cumprod(1 + np.random.default_rng(5).normal(0, 0.01, (len(_DAYS), 4)), axis=0)


def _study(role: str, name: str) -> ms.StudyResult:
    tickers = [name if role == "ticker" else "AAA", "BBB", "CCC"]
    prices = pd.DataFrame(_closes(), index=_DAYS, columns=pd.Index([*tickers, "MKT"], dtype=object))
    model = ms.MarketModel("MKT")
    if role == "event":
        events: object = [ms.Event(name, name, _AT.date(), tickers=("AAA", "BBB", "CCC"), note=name)]
    else:
        events = pd.DataFrame(
            {
                "ticker": pd.Series(tickers, dtype=object),
                "date": _AT,
                "event_id": pd.Series([name if role == "event_id" else "e0", "e1", "e2"], dtype=object),
                "group": pd.Series([name if role == "group" else "g", "g", "h"], dtype=object),
                name if role == "trait name" else "remark": pd.Series(
                    [name if role == "trait" else "r", "x", "x"], dtype=object
                ),
            }
        )
    return ms.event_study(events, prices=prices, model=model, estimation=(-200, -11))


def _csv_comes_back(study: ms.StudyResult, folder: Path) -> None:
    write_study(study, folder)
    for name, frame in {"car": study.car(), "events": study.events}.items():
        read = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        assert len(read) == len(frame), f"{name}.csv has other rows"
        texts = pd.DataFrame(frame).reset_index().select_dtypes(["object", "str"])
        for column in texts:
            assert read[column].tolist() == texts[column].astype(str).tolist(), f"{name}.csv: {column}"
    json.loads((folder / "spec.json").read_bytes())


def _excel_has_no_formula(result: object, path: Path) -> None:
    book = openpyxl.load_workbook(to_excel(result, path))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert not kinds & {"f", "e"}, kinds


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


def _outputs(role: str, name: str, folder: Path) -> None:
    study = _study(role, name)
    car = study.car(0, 1)
    by = study.tests(0, 1, by=name if role == "trait name" else "remark") if role.startswith("trait") else car
    for shown in (study, car, by):
        str(shown).encode("utf-8")
        tags = _Tags()
        tags.feed(shown._repr_html_())
        assert not tags.seen & {"script", "img", "svg"}
    title = name if role == "title" else ""
    for text in (to_latex(by, caption=title, label=title), to_markdown(by)):
        write_text(folder / "a.txt", text)
    _csv_comes_back(study, folder)
    sheets = {name: car} if role == "sheet" else {"s": pd.DataFrame({name: [name]})} if role == "column" else study
    _excel_has_no_formula(sheets, folder / "a.xlsx")
    figure = bare_figure()
    figure.add_subplot().set_title(_HALVES.sub("?", name), parse_math=False)
    inline_svg(figure, "x", name, name)


def hostile_names(rng: random.Random) -> Iterator[Attack]:
    """A name is refused in a sentence, or comes out of every output as text."""
    while True:
        role = rng.choice(_ROLES)
        name = "".join(rng.choice(("A", *rng.sample(_PIECES, 3))) for _ in range(rng.randrange(1, 4)))
        if role in ("trait name", "column"):
            name = _HALVES.sub("?", name)  # pandas makes no such column

        def attack(role: str = role, name: str = name) -> None:
            with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                said = ""
                try:
                    _outputs(role, name, Path(folder))
                except ms.errors.InputError as error:
                    said = str(error)
                assert said.isprintable()

        yield f"{role} {name!r}", attack


KINDS = (Kind("names: hostile, through every output", hostile_names, 10, 600),)
