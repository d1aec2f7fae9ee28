"""Names that no file can hold are refused with their place; all other text stays what it is."""

from __future__ import annotations

import datetime as dt

import numpy as np
import openpyxl
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError
from marketshock.plots import bare_figure
from marketshock.plots.svg import inline_svg
from marketshock.providers.files import read_events
from marketshock.report.export import to_excel
from marketshock.report.files import csv_text, write_frame, write_text

DAYS = pd.bdate_range("2024-01-01", periods=300)
HIDDEN = (
    "\x00",
    "\x07",
    "\x0b",
    "\x0c",
    "\x1b",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\x85",
    "\ufffe",
    "\u2028",
    "\u202e",
    "\u200b",
)
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1+1)", "=cmd|' /C calc'!A0", "\t=1+1", "\r=1+1", "#N/A")


def prices(tickers=("AAA", "BBB", "MKT")) -> pd.DataFrame:
    moves = np.random.default_rng(7).normal(0, 0.01, (len(DAYS), len(tickers)))
    return 100 * (1 + pd.DataFrame(moves, index=DAYS, columns=pd.Index(tickers, dtype=object))).cumprod()


def studied(**columns: object) -> ms.StudyResult:
    events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": DAYS[280], **columns})
    return ms.event_study(
        events, prices=prices(), model=ms.MarketModel("MKT"), estimation=(-200, -11), calendar="index"
    )


@pytest.mark.parametrize("column", ["event_id", "group", "market", "benchmark"])
@pytest.mark.parametrize("hidden", HIDDEN)
def test_names_in_columns_are_refused_with_their_place(column, hidden):
    with pytest.raises(InputError) as caught:
        studied(**{column: ["MKT", f"a{hidden}b"]})
    found = f"in row 1 of column '{column}' has a character that is not seen (U+{ord(hidden):04X}); remove it"
    assert found in str(caught.value)
    assert str(caught.value).isprintable()


def test_of_a_file_the_line_is_named(tmp_path):
    (tmp_path / "e.csv").write_text(
        f"ticker,date,event_id\nAAA,{DAYS[280]:%F},a\nA\x0bA,{DAYS[280]:%F},profit\x0bwarning\n"
    )
    events = read_events(tmp_path / "e.csv")
    with pytest.raises(InputError, match=r"the name 'A\\x0bA' in line 3 has a character that is not seen"):
        ms.event_study(events, prices=prices(), model=ms.MarketModel("MKT"))
    with pytest.raises(InputError, match=r"'profit\\x0bwarning' in line 3 of column 'event_id' has a character"):
        ms.event_study(events.assign(ticker="AAA"), prices=prices(), model=ms.MarketModel("MKT"))


@pytest.mark.parametrize("hidden", HIDDEN)
def test_events_of_a_catalog(hidden):
    with pytest.raises(InputError, match=r"id: the name .* has a character that is not seen"):
        ms.Event(f"a{hidden}b", "title", dt.date(2025, 1, 27))
    with pytest.raises(InputError, match=r"tickers: the name .* has a character that is not seen"):
        ms.Event("a", "title", dt.date(2025, 1, 27), tickers=(f"A{hidden}B",))


def test_half_a_character_is_refused_in_every_column():
    for column in ("event_id", "group", "remark"):
        with pytest.raises(InputError, match=r"U\+D83D"):
            studied(**{column: pd.Series(["a", "\ud83d"], dtype=object)})
    path_like = "\udcff.csv"  # what Python makes of a file name that is no UTF-8
    assert not path_like.isprintable()


def test_half_a_character_in_a_title_is_written_as_its_escape(tmp_path):
    write_text(tmp_path / "a.html", "a\udcffb")
    assert (tmp_path / "a.html").read_text("utf-8") == "a\\udcffb"


@pytest.mark.parametrize(
    "text", ["a\rb", "a\nb", "a\r\nb", "\r", 'a"b', "a,b", "\x0b", "\x00", "=1+1", "-1", "'", " a "]
)
def test_csv_holds_every_text_as_it_is(tmp_path, text):
    frame = pd.DataFrame({"x": [text, "plain"], "y": [1.5, 0.1]})
    read = pd.read_csv(write_frame(tmp_path / "a.csv", frame), keep_default_na=False)
    assert read["x"].tolist() == [text, "plain"]
    assert read["y"].tolist() == [1.5, 0.1]


def test_csv_without_carriage_returns_has_quotes_where_they_are_needed():
    assert csv_text(pd.DataFrame({"x": ["a", "b,c"], "y": [1, 2]}), index=False) == 'x,y\na,1\n"b,c",2\n'


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula_in_excel(tmp_path, text):
    frame = pd.DataFrame({text: [text, "x"], "n": [-1.0, 2.0]}, index=pd.Index([text, "y"], name=text))
    visible = {text: frame, "groups": studied(remark=[text, "x"])}
    book = openpyxl.load_workbook(to_excel(visible, tmp_path / "a.xlsx"))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not {cell.data_type for cell in cells} & {"f", "e"}
    held = [cell for cell in cells if cell.value is not None and str(cell.value).strip() == text.strip()]
    assert len(held) >= 5  # heading, index, its name, the cell, and the trait of an event
    assert all(cell.data_type == "s" for cell in held)
    if text != "#N/A":
        assert all(cell.quotePrefix for cell in held)
    assert -1.0 in [cell.value for cell in cells]


@pytest.mark.parametrize("text", ["\x0b", "\x00", "\x1b[31m", "\ufffe", "]]>", "<script>"])
@pytest.mark.filterwarnings("ignore:Glyph")
def test_a_picture_in_a_page_holds_any_text(text):
    figure = bare_figure()
    figure.add_subplot().set_title(f"a{text}b", parse_math=False)
    svg = inline_svg(figure, "x", f"a{text}b", text)
    assert "<script>" not in svg
    assert text not in svg or text == "]]>"
