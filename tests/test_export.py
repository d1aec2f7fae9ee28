"""Tables for papers and spreadsheets: the numbers printed, nothing that breaks LaTeX, figures unrounded in Excel."""

from __future__ import annotations

import builtins
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError
from marketshock.report import to_excel, to_latex, to_markdown
from marketshock.report.export import latex, printed

from .test_backtest import RULES, made_events, made_prices, quiet


@pytest.fixture(scope="module")
def results(seven) -> dict[str, object]:
    """One result of every kind that prints a table."""
    backtest = quiet(made_events(20), made_prices(), RULES["hold"])
    return {
        "study": seven,
        "car": seven.car(0, 1),
        "tests": seven.tests(0, 0),
        "caps": ms.market_cap_change("2025-01-27", study=seven),
        "placebo": ms.placebo(seven, None, 0, 0),
        "reconcile": ms.reconcile("NVDA", "2025-01-27"),
        "backtest": backtest,
        "trades": backtest.trades,
        "rules": ms.compare_rules([backtest], draws=19),
        "random": ms.placebo_trades(backtest, 19),
        "frame": seven.params,
    }


def markdown_cells(text: str) -> list[list[str]]:
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in (rows[0], *rows[2:])]


def latex_cells(text: str) -> list[list[str]]:
    rows = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\")]
    plain = {"$-$": "-", r"\%": "%", r"\_": "_", "$<$": "<", r"\textasciicircum{}": "^", r"$\pm$": "±", r"\&": "&"}
    out = []
    for row in rows:
        cells = []
        for cell in row.split(" & "):
            for code, sign in plain.items():
                cell = cell.replace(code, sign)
            cells.append(cell)
        out.append(cells)
    return out


@pytest.mark.parametrize(
    "name", ["study", "car", "tests", "caps", "placebo", "reconcile", "backtest", "trades", "rules"]
)
def test_cells_are_those_printed(results, name):
    table = printed(results[name]).tables[0]
    wanted = [list(map(str, table.head)), *([str(c) for c in row] for row in table.rows)]
    assert markdown_cells(to_markdown(results[name])) == [[c.strip() for c in row] for row in wanted]
    assert latex_cells(to_latex(results[name])) == wanted


def test_a_car_is_the_frames(seven):
    frame = seven.car(0, 1)
    row = markdown_cells(to_markdown(frame))[5]
    nvda = frame.loc["deepseek-selloff/NVDA"]
    assert row[3:] == [
        f"{100 * nvda['car']:+.2f} %",
        f"{100 * nvda['se']:.2f} %",
        f"[{100 * nvda['ci_low']:+.1f}, {100 * nvda['ci_high']:+.1f}]",
        f"{nvda['t']:.2f}",
        "248",
        f"{nvda['pvalue']:.4f}",
    ]


def test_stars_only_when_asked(seven):
    assert "*" not in to_latex(seven.car(0, 0))
    cells = markdown_cells(to_markdown(seven.car(0, 0), stars=True))
    p = seven.car(0, 0)["pvalue"]
    wanted = ["***" if v < 0.01 else "**" if v < 0.05 else "*" if v < 0.1 else "" for v in p]
    assert [row[3].split("%")[1] for row in cells[1:]] == wanted
    assert "*** p < 0.01; ** p < 0.05; * p < 0.1" in to_markdown(seven.car(0, 0), stars=True)
    both = markdown_cells(to_markdown(seven, stars=True))
    nvda = next(row for row in both if row[1] == "NVDA")
    assert (nvda[3], nvda[6]) == ("-13.26 %***", "-16.97 %**")
    with pytest.raises(InputError, match="without p-values"):
        to_latex(seven.params, stars=True)


def test_special_characters():
    assert latex("a_b & 50 % of $1 #2 {x} ~ ^GSPC < -1.5 a-b") == (
        r"a\_b \& 50 \% of \$1 \#2 \{x\} \textasciitilde{} \textasciicircum{}GSPC $<$ $-$1.5 a-b"
    )
    frame = pd.DataFrame({"a|b": [1.5, np.nan]}, index=pd.Index(["x_1", "y|2"], name="who"))
    assert r"| y\|2 |" in to_markdown(frame)
    assert r"x\_1 & 1.5 \\" in to_latex(frame)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
def test_latex_compiles(results, tmp_path):
    body = "\n".join(to_latex(result, label=f"tab:{name}") for name, result in results.items())
    text = f"\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{body}\\end{{document}}"
    (tmp_path / "tables.tex").write_text(text, "utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_excel_holds_the_unrounded_figures(results, tmp_path, seven):
    path = to_excel(results["study"], tmp_path / "study.xlsx")
    sheets = pd.read_excel(path, sheet_name=None)
    assert list(sheets) == ["car", "tests", "ar", "events", "params", "exclusions", "alignment", "about"]
    car = seven.car(-1, 5)
    np.testing.assert_allclose(sheets["car"]["car"], car["car"], rtol=1e-15)  # Excel keeps 16 digits
    assert sheets["car"]["date"].tolist() == car["date"].tolist()
    assert sheets["about"]["text"][0].startswith("Event study: 7 of 7")
    assert to_excel({"n": results["caps"], "backtest": results["backtest"]}, tmp_path / "two.xlsx").exists()
    names = list(pd.read_excel(tmp_path / "two.xlsx", sheet_name=None))
    assert names[:3] == ["n", "backtest performance", "backtest trades"]
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_what_cannot_be_written(seven, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"give an \.xlsx file"):
        to_excel(seven, tmp_path / "study.xls")
    with pytest.raises(InputError, match="cannot be written"):
        to_excel(seven, tmp_path / "nowhere" / "study.xlsx")
    with pytest.raises(InputError, match="two sheets"):
        to_excel({"a" * 40: seven.params, "a" * 41: seven.params}, tmp_path / "s.xlsx")
    for export in (to_latex, to_markdown):
        with pytest.raises(InputError, match="which has no table"):
            export(5)
    with pytest.raises(InputError, match="which has no frame"):
        to_excel(5, tmp_path / "s.xlsx")
    real = builtins.__import__

    def without(name, *rest, **named):
        if name == "openpyxl":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"marketshock\[excel\]"):
        to_excel(seven, tmp_path / "s.xlsx")


def test_an_interrupted_picture_leaves_nothing(tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    from marketshock.report.files import save_figure

    figure = Figure()
    figure.add_subplot().plot([1, 2])
    path = save_figure(figure, tmp_path / "a.png")
    first = path.read_bytes()
    assert save_figure(figure, tmp_path / "b.png").read_bytes() == first

    def interrupted(self, part, **_):
        part.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Figure, "savefig", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_figure(figure, path)
    assert path.read_bytes() == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_the_mark_of_a_note_is_no_star_of_significance(prices):
    closes = prices.close[["NVDA", "^GSPC"]].copy()
    closes.loc["2025-01-28", "NVDA"] = np.nan
    events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
    study = ms.event_study(events, prices=ms.Prices.from_frame(closes, adjusted=False), model=ms.MarketModel("^GSPC"))
    plain, starred = (markdown_cells(to_markdown(study.car(0, 1), stars=stars))[1][3] for stars in (False, True))
    assert plain.endswith(" %*")
    assert starred.endswith(" %†***")
    assert "† NVDA@2025-01-27: 1 of 2 days" in to_markdown(study.car(0, 1), stars=True)
    assert r"$\dagger$***" in to_latex(study.car(0, 1), stars=True)


NAMES = ["=F", "=1+2", "+F", "-F", "@SUM(A1)", '=HYPERLINK("x")', "#N/A", "#REF!", "A\x07B"]


@pytest.mark.parametrize("dtype", [object, "str", "category"])
def test_text_stays_text_in_every_sheet(tmp_path, dtype):
    """Names of others: in cells, in headings, in the index, and in the lines of the text."""
    openpyxl = pytest.importorskip("openpyxl")
    rows = pd.DataFrame({"ticker": pd.Series(NAMES, dtype=dtype), "x": np.arange(len(NAMES), dtype=float)})
    wide = pd.DataFrame([[1.0] * len(NAMES)], columns=NAMES).rename_axis("=date")
    keyed = pd.DataFrame({"x": 1.0}, index=pd.MultiIndex.from_product([NAMES, ["=day"]], names=["=id", "@b"]))
    path = to_excel({"rows": rows, "wide": wide, "'=keyed\x07": keyed}, tmp_path / "names.xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["rows", "wide", "=keyed_x07"]
    cells = [c for sheet in book.worksheets for row in sheet.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for c in cells if isinstance(c.value, str)} == {"s"}
    assert all(c.quotePrefix for c in cells if isinstance(c.value, str) and c.value[0] in "=+-@")
    shown = [name.replace("\x07", r"\x07") for name in NAMES]
    assert [c.value for c in book["rows"]["A"]][1:] == shown
    assert [c.value for c in book["wide"][1]][1:] == shown
    assert pd.read_excel(path, sheet_name="rows", keep_default_na=False)["x"].tolist() == rows["x"].tolist()


def test_a_study_of_such_names(tmp_path, prices):
    openpyxl = pytest.importorskip("openpyxl")
    close = prices.adj_close.rename(columns={"NVDA": "=F", "AAPL": "@A"})
    events = pd.DataFrame({"ticker": ["=F", "@A"], "date": "2025-01-27", "event_id": ["+1", "=2"]})
    study = ms.event_study(events, prices=close, model=ms.MarketModel("^GSPC"))
    book = openpyxl.load_workbook(to_excel(study, tmp_path / "study.xlsx"))
    kinds = {c.data_type for s in book.worksheets for row in s.iter_rows() for c in row if isinstance(c.value, str)}
    assert kinds == {"s"}
    assert "=F" in [c.value for row in book["car"].iter_rows() for c in row]


def test_control_characters_are_shown():
    frame = pd.DataFrame({"name": ["a\x07b", "c\x1b[31m"], "x": [1.0, 2.0]})
    for text in (to_latex(frame), to_markdown(frame)):
        assert not re.search("[\x00-\x08\x0b-\x1f]", text)
    assert r"a\x07b" in to_markdown(frame)
