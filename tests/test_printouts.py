"""One printed form per result: text, notebook, exports and page show the same lines and cells."""

from __future__ import annotations

import ast
import html
import re

import pandas as pd
import pytest

import marketshock as ms
from marketshock._frame import Printable, PrintedTable, Printout
from marketshock.report.export import printed

from .conftest import ROOT


@pytest.fixture(scope="module")
def results(seven, prices) -> dict[str, Printable]:
    closes = prices.adj_close.drop(columns="^GSPC")
    event = ms.load_catalog()["deepseek-selloff"]
    models = [ms.MarketModel("^GSPC"), ms.ConstantMean(), ms.FactorModel(["^GSPC", "NONE"])]
    return {
        "study": seven,
        "change": ms.market_cap_change("2025-01-27", study=seven),
        "reconciliation": ms.reconcile("NVDA", "2025-01-27"),
        "claims": ms.verify_claims(),
        "placebo": ms.placebo(seven, None, 0, 0),
        "pretrend": ms.pretrend(seven),
        "curve": ms.specification_curve(event, models=models[:2], tickers=["NVDA"], prices=prices),
        "fragility": ms.fragility(closes),
        "portfolios": ms.volatility_portfolios(closes, lookback=20, groups=2, start="2024-06-01"),
        "contribution": ms.index_contribution(["NVDA", "AAPL"], "2025-01-27"),
    }


NAMES = (
    *("study", "change", "reconciliation", "claims", "placebo"),
    *("pretrend", "curve", "fragility", "portfolios", "contribution"),
)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", NAMES)
class TestEveryResult:
    def test_text_and_notebook_have_every_line(self, results, name):
        made = results[name].printout()
        text, notebook = flat(repr(results[name])), html.unescape(results[name]._repr_html_())
        for line in [*made.title, *made.below]:
            assert flat(line) in text, line
            assert line in notebook, line

    def test_exports_have_every_line_once(self, results, name):
        made, markdown = results[name].printout(), ms.report.to_markdown(results[name])
        for line in made.title:
            assert markdown.splitlines().count(line) == 1
        for line in made.below:
            shown = line.replace("|", "\\|")
            assert markdown.splitlines().count(f"- {shown}") == made.below.count(line), line

    def test_cells_are_the_same_in_text_and_export(self, results, name):
        table = results[name].printout().tables[0]
        assert printed(results[name]).tables[0] == table
        text = repr(results[name])
        for row in table.rows:
            assert all(cell.strip() in text for cell in row), row


class TestLayout:
    TABLE = PrintedTable(["a", "b"], [["x", "1.5"], ["yy", "-"]], marks=["* a mark"])

    def test_parts_stand_apart(self):
        text = Printout(["Title", "second line"], [self.TABLE, self.TABLE], ["a note"], bullet="- ").text()
        table = "a     b\n--  ---\nx   1.5\nyy    -\n* a mark"
        assert text == f"Title\nsecond line\n\n{table}\n\n{table}\n\n- a note"

    def test_folding(self):
        long = "word " * 30
        made = Printout([long], [self.TABLE], [long], folded=True)
        assert made.text().splitlines()[1].startswith("  word")
        assert Printout([long], [self.TABLE]).text().splitlines()[0] == long
        assert max(map(len, made.text().splitlines())) <= 100

    def test_notebook(self):
        notebook = Printout(["<T>"], [self.TABLE, self.TABLE], ["n"]).html()
        assert re.findall("<caption[^>]*>(.*?)</caption>", notebook) == ["&lt;T&gt;<br>* a mark<br>n", "* a mark"]


def test_a_frame_that_was_changed_has_no_printed_form(seven):
    frame = seven.car(0, 0)
    assert frame.printout().tables[0].rows[0][1] == "AAPL"
    del frame["car"]
    assert frame.printout() is None
    assert repr(frame) == repr(pd.DataFrame(frame))
    assert "| ticker |" in ms.report.to_markdown(frame)


def private_calls(path) -> list[str]:
    """Return calls of private methods on anything but self, cls or a module."""
    tree = ast.parse(path.read_text("utf-8"))
    modules = {a.asname or a.name for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names}
    calls = (n.func for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute))
    private = (
        c for c in calls if c.attr.startswith("_") and not c.attr.startswith("__") and isinstance(c.value, ast.Name)
    )
    return [ast.unparse(c) for c in private if c.value.id not in {"self", "cls"} | modules]


def test_no_page_or_export_calls_a_private_method():
    rooms = ("report", "plots", "claims", "derivation", "explained")
    paths = [p for room in rooms for p in sorted((ROOT / "marketshock" / room).rglob("*.py"))]
    found = {p.name: calls for p in paths if (calls := private_calls(p))}
    assert not found
