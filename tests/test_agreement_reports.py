"""Agreement of pages, exports, printed forms and the shell with the frames they are made of."""

from __future__ import annotations

import io
import json
import math
import re
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

import marketshock as ms
from marketshock.command.main import main
from marketshock.report.files import write_study
from marketshock.report.reproduce import overlap_notes

from .made_markets import ESTIMATION, MIN_OBS, WINDOW, markets, study
from .pages import tables_of

PERCENT, SHARE, P, NUMBER = 0.51e-4, 0.51e-3, 0.51e-4, 0.51e-2  # half a unit of the last digit printed
CAR = f"CAR({WINDOW[0]},{WINDOW[1]})"
FEW = settings(max_examples=3)


def number(text: str) -> float:
    """Read a printed number; percent becomes decimal, a bound its bound, a dash NaN."""
    text = text.strip().rstrip("*\u2020 ").replace(",", "").replace("$-$", "-").replace("\\%", "%").replace("$<$", "<")
    if text == "-":
        return math.nan
    return float(text.lstrip("<").removesuffix("%")) / (100 if text.endswith("%") else 1)


def assert_printed(cells: list[str], values: pd.Series, within: float) -> None:
    """Compare printed numbers with unrounded ones."""
    values = values.to_numpy(float)
    shown = np.array([number(cell) for cell in cells])
    bound = np.array([cell.strip().startswith(("<", "$<$")) for cell in cells])
    assert (values[bound] < 1e-4).all()
    np.testing.assert_allclose(shown[~bound], values[~bound], rtol=1e-12, atol=within)


def columns_of(head: list[str], rows: list[list[str]], name: str, which: int = 0) -> list[str]:
    """Return the cells of the column of a name, of the `which`-th of that name."""
    place = [k for k, label in enumerate(head) if label == name][which]
    return [row[place] for row in rows]


def assert_tests(head: list[str], rows: list[list[str]], frame: pd.DataFrame, labels: list[str]) -> None:
    """Compare a printed table of tests with the frame."""
    frame = frame.reset_index()
    assert columns_of(head, rows, head[0]) == labels
    assert_printed(columns_of(head, rows, "statistic"), frame["statistic"], NUMBER)
    p = next(name for name in head if name == "p" or name.startswith("p ("))
    assert_printed(columns_of(head, rows, p), frame["pvalue"], P)
    cells = columns_of(head, rows, "distribution")
    for cell, distribution, df in zip(cells, frame["distribution"], frame[["df", "df2"]].to_numpy(), strict=True):
        if cell != "-":
            assert cell.startswith(distribution)
            shown = [float(d) for d in re.findall(r"[\d.]+", cell)]
            expected = [d for d in df if d == d]
            np.testing.assert_allclose(shown, expected, rtol=1e-5)


@given(market=markets(patterns=("one date",)))
@settings(max_examples=1)
def test_the_page_holds_the_frames(tmp_path_factory, market):
    ids = market.events["event_id"]
    market = market.only([*ids[:2], *ids[ids.str.startswith("lost")]])  # a page of many events takes seconds to parse
    whole = study(market)
    path = ms.report.html(whole, tmp_path_factory.mktemp("page") / "page.html")
    tables = {table.caption: table for table in tables_of(path.read_text("utf-8"))}

    def found(start: str):
        return next(table for caption, table in tables.items() if caption.startswith(start))

    firms = found("Abnormal returns of day 0")
    day_0, window = whole.car(0, 0), whole.car(*WINDOW)
    assert columns_of(firms.head, firms.rows, "event") == list(whole.panel.event_id)
    for name, values, within in (
        ("return", whole.to_frame().xs(0, level="day")["return"], PERCENT),
        ("AR(0)", day_0["car"], PERCENT),
        ("t", day_0["t"], NUMBER),
        ("p", day_0["pvalue"], P),
        ("SQ p", whole.tests(0, 0, which="sq").set_index("event_id")["pvalue"].loc[day_0.index], P),
        (CAR, window["car"], PERCENT),
        ("t, CAR", window["t"], NUMBER),
        ("p, CAR", window["pvalue"], P),
    ):
        assert_printed(columns_of(firms.head, firms.rows, name), values, within)
    for cell, (low, high) in zip(
        columns_of(firms.head, firms.rows, "95 % interval"), day_0[["ci_low", "ci_high"]].to_numpy(), strict=True
    ):
        shown = [math.nan] * 2 if cell == "-" else [float(bound) for bound in cell.strip("[]").split(", ")]
        np.testing.assert_allclose(shown, [100 * low, 100 * high], rtol=0, atol=100 * SHARE)
    average, aar = found("Average abnormal return"), whole.aar()
    for name, column in (("AAR", "aar"), ("se", "se"), ("CAAR", "caar")):
        assert_printed(columns_of(average.head, average.rows, name), aar[column], PERCENT)
    assert columns_of(average.head, average.rows, "events") == list(aar["n_events"].astype(str))
    for days, said in (((0, 0), "day 0"), (WINDOW, f"days {WINDOW[0]} to {WINDOW[1]}")):
        table, frame = found(f"All events: tests of {said}"), whole.tests(*days)
        assert_tests(table.head, table.rows, frame, [ms.TESTS[name].label for name in frame.index])
        assert columns_of(table.head, table.rows, "n") == list(frame["n_events"].astype(str))
    dates = found("What was done with each date")
    alignment = whole.alignment
    assert columns_of(dates.head, dates.rows, "event") == list(alignment.index)
    assert [int(cell) for cell in columns_of(dates.head, dates.rows, "moved")] == list(alignment["moved"])
    if len(whole.exclusions):
        left = found("Events left out")
        assert columns_of(left.head, left.rows, "reason") == list(whole.exclusions["reason"])


@given(market=markets())
@FEW
def test_printed_exported_and_derived_tables_are_one(market):
    """repr, Markdown and LaTeX of car() and tests() hold the numbers of the frame."""
    whole = study(market)
    for days in ((0, 0), WINDOW):
        car, label = whole.car(*days), f"CAR({days[0]},{days[1]})"
        tests = whole.tests(*days)
        labels = [
            ms.TESTS[name].label if event_id == "(all)" else f"{ms.TESTS[name].label}: {event_id}"
            for name, event_id in zip(tests.index, tests["event_id"], strict=True)
        ]
        applied = (~tests["note"].str.startswith("does not apply")).to_numpy()
        for split in (in_text, in_markdown, in_latex):
            head, rows = split(car)
            assert columns_of(head, rows, "event") == [split_name(split, name) for name in car.index]
            for name, column, within in (
                (label, "car", PERCENT), ("se", "se", PERCENT), ("t", "t", NUMBER), ("df", "df", 0), ("p", "pvalue", P),
            ):  # fmt: skip
                assert_printed(columns_of(head, rows, name), car[column], within)
            head, rows = split(tests)
            shown = [split_name(split, name) for name, there in zip(labels, applied, strict=True) if there]
            assert_tests(head, rows, tests[applied], shown)


def split_name(split, name: str) -> str:
    return name.replace("_", r"\_") if split is in_latex else name


def in_text(frame) -> tuple[list[str], list[list[str]]]:
    """Read a printed table: cells are two spaces apart or more."""
    lines = repr(frame).splitlines()
    rule = [match.span() for match in re.finditer("-+", lines[1])]
    rows = [[line[a:b].strip() for a, b in rule] for line in lines[2:] if line and not line.startswith("*")]
    end = next((k for k, line in enumerate(lines[2:]) if not line), len(lines))
    return [lines[0][a:b].strip() for a, b in rule], rows[:end]


def in_markdown(frame) -> tuple[list[str], list[list[str]]]:
    lines = [line for line in ms.report.to_markdown(frame).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return cells[0], cells[2:]


def in_latex(frame) -> tuple[list[str], list[list[str]]]:
    body = ms.report.to_latex(frame).split(r"\toprule")[1].split(r"\bottomrule")[0]
    lines = [line.removesuffix(r" \\") for line in body.splitlines() if line.endswith(r"\\")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)&", line)] for line in lines]
    return [cell.replace(r"\%", "%").replace("$-$", "-") for cell in cells[0]], cells[1:]


@given(market=markets())
@FEW
def test_the_first_line_of_a_study_is_its_table(market):
    whole = study(market)
    lines = repr(whole).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("---"))
    rule = [match.span() for match in re.finditer("-+", lines[start])]
    cells = [[line[a:b].strip() for a, b in rule] for line in lines[start + 1 : start + 1 + len(whole)]]
    head = [lines[start - 1][a:b].strip() for a, b in rule]
    assert f"{len(whole)} of {len(market.events)} events" in lines[0]
    for k, days, label in ((0, (0, 0), "AR(0)"), (1, WINDOW, CAR)):
        car = whole.car(*days)
        assert_printed(columns_of(head, cells, label), car["car"], PERCENT)
        assert_printed(columns_of(head, cells, "t", k), car["t"], NUMBER)
        assert_printed(columns_of(head, cells, "p", k), car["pvalue"], P)
        starred = [cell.endswith("*") for cell in columns_of(head, cells, label)]
        assert starred == list(car["note"] != "")


@given(market=markets())
@settings(max_examples=2)
def test_files_hold_the_frames(tmp_path_factory, market):
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    whole, folder = study(market), tmp_path_factory.mktemp("files")
    sheets = pd.read_excel(ms.report.to_excel(whole, folder / "study.xlsx"), sheet_name=None, index_col=0)
    frames = {"car": whole.car(*WINDOW), "tests": whole.tests(*WINDOW), "ar": whole.ar}
    tables = {**frames, "exclusions": whole.exclusions, "alignment": whole.alignment}
    write_study(whole, folder)
    for name, frame in tables.items():
        csv = pd.read_csv(folder / f"{name}.csv", index_col=0)
        for read in (csv, sheets[name]):
            assert list(map(str, read.index)) == list(map(str, frame.index))
            assert list(map(str, read.columns)) == list(map(str, frame.columns))
            for column in frame.columns:
                if pd.api.types.is_float_dtype(frame[column]) or pd.api.types.is_integer_dtype(frame[column]):
                    at = list(frame.columns).index(column)
                    np.testing.assert_allclose(read.iloc[:, at].astype(float), frame[column].astype(float), rtol=1e-13)
    for name in ("params", "events"):
        numbers = getattr(whole, name).select_dtypes("number")
        np.testing.assert_allclose(sheets[name][list(numbers.columns)].astype(float), numbers, rtol=1e-13)


@given(market=markets(calendars=("NYSE",), patterns=("mixed", "two dates")))
@settings(max_examples=2)
def test_the_shell_says_what_the_library_says(tmp_path_factory, market):
    folder = tmp_path_factory.mktemp("shell")
    market.prices.to_csv(folder / "prices.csv", index_label="date")
    market.events.to_csv(folder / "events.csv", index=False)
    spans = [f"--{name}={a}:{b}" for name, (a, b) in (("window", WINDOW), ("estimation", ESTIMATION))]
    files = ["--events", str(folder / "events.csv"), "--prices", str(folder / "prices.csv")]
    model = ["--model", "market", "--benchmark", "m", "--min-obs", str(MIN_OBS), "--on-closed", "next"]
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()):
        status = main(["study", "--json", *files, *model, *spans])
    told = json.loads(out.getvalue())
    assert status == 0
    whole = study(market, returns=None, prices=market.prices)
    for name, frame in (("car", whole.car(*WINDOW)), ("tests", whole.tests(*WINDOW))):
        read = pd.DataFrame(told[name]).set_index(frame.index.name)
        assert list(read.index) == list(frame.index)
        for column in frame.select_dtypes("number").columns:
            np.testing.assert_allclose(read[column].astype(float), frame[column].astype(float), rtol=1e-9, atol=1e-12)
    for name, frame in (("exclusions", whole.exclusions), ("alignment", whole.alignment)):
        assert [row["event_id"] for row in told[name]] == list(frame.index)
    assert [row["code"] for row in told["exclusions"]] == list(whole.exclusions["code"])


@given(market=markets(patterns=("mixed", "two dates", "own dates")))
@settings(max_examples=12)
def test_the_note_on_overlaps_names_the_confounders(market):
    """Windows overlap for the page where one event is a confounder of another in the event window."""
    whole = study(market)
    found = whole.confounders(estimation_days=0).query("kind == 'study' and in_window == 'event'")
    pairs = {frozenset(pair) for pair in zip(found.index, found["confounder"], strict=True)}
    named = re.findall(r"day 0 of (\S+) is day ([+-]\d+) of (\S+);", " ".join(overlap_notes(whole)))
    assert {frozenset((a, b)) for a, _, b in named} == pairs
    days = {(a, b): int(day) for a, day, b in named}
    for (a, b), day in days.items():
        at = market.returns.index.get_indexer(whole.events.loc[[a, b], "date"])
        assert at[0] - at[1] == day
