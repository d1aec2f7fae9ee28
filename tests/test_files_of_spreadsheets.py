"""Files as spreadsheets and people leave them: blank rows, lines for Excel alone, commas in names, hints in words."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.catalog.table import event_table
from marketshock.command.main import main
from marketshock.errors import InputError, PriceError
from marketshock.providers.files import read_events

DAYS = pd.bdate_range("2020-01-01", periods=300)
PANDAS = re.compile(r"\.\w+\(|df\[|\bpd\.|\bms\.")


def closes(*names: str) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    market = draw.normal(0, 0.01, len(DAYS))
    moves = {name: market + draw.normal(0, 0.01 * k, len(DAYS)) for k, name in enumerate(names)}
    return pd.DataFrame({k: 100 * np.cumprod(1 + v) for k, v in moves.items()}, pd.Index(DAYS, name="date"))


def shell(capsys, tmp_path, events: str, prices: str | None = None, *more: str, benchmark: str = "M"):
    """Run a study in the shell; return its JSON, or the sentence on stderr."""
    (tmp_path / "events.csv").write_text(events)
    (tmp_path / "prices.csv").write_text(closes("M", "A").to_csv() if prices is None else prices)
    files = ["--events", str(tmp_path / "events.csv"), "--prices", str(tmp_path / "prices.csv")]
    code = main(["study", *files, "--benchmark", benchmark, "--calendar", "index", "--json", *more])
    out, err = capsys.readouterr()
    return err if code else json.loads(out)


EVENTS = "ticker,date\nA,2021-02-01\n"


class TestLines:
    @pytest.mark.parametrize(
        ("content", "line"),
        [
            ("ticker,date\nA,2021-02-01\n,2021-02-02\n", 3),
            ("ticker,date\n\nA,2021-02-01\n\n,2021-02-02\n", 5),
            ("ticker,date\n,\nA,2021-02-01\n,\n,2021-02-02\n,\n", 5),
            ('ticker,date,note\nA,2021-02-01,"two\nlines"\n,2021-02-02,x\n', 4),
            ("ticker,date\r\nA,2021-02-01\r\n,2021-02-02\r\n", 3),
        ],
    )
    def test_of_events_are_those_of_the_file(self, tmp_path, content, line):
        path = tmp_path / "events.csv"
        path.write_bytes(content.encode())
        with pytest.raises(InputError, match=f"line {line} has no ticker"):
            event_table(read_events(path), None)

    def test_of_prices_too(self, tmp_path):
        path = tmp_path / "prices.csv"
        path.write_text("date,ticker,close\n2025-01-02,A,1\n,,\n2025-01-03,,1\n")
        with pytest.raises(InputError, match="line 4 has no ticker"):
            ms.read_prices(path)
        path.write_text("date,A\n2025-01-02,1\n\n,2\n")
        with pytest.raises(PriceError, match="line 4 has no date"):
            ms.read_prices(path)
        path.write_text("date,A\n2025-01-02,1\n\n2025-01-03,1,2\n")
        with pytest.raises(InputError, match="line 4 has more fields"):
            ms.read_prices(path)

    def test_of_own_windows_and_ids(self, tmp_path):
        path = tmp_path / "events.csv"
        path.write_text("ticker,date,window_first\nA,2021-02-01,-1\nA,2021-02-02,x\n")
        with pytest.raises(InputError, match="'x' in line 3"):
            event_table(read_events(path), None)

    def test_rows_that_are_wholly_empty_are_no_rows(self, tmp_path, capsys):
        plain = shell(capsys, tmp_path, EVENTS)
        assert shell(capsys, tmp_path, "ticker,date\n,\nA,2021-02-01\n,\n,\n") == plain
        rows = closes("M", "A").to_csv().splitlines()
        assert (
            shell(capsys, tmp_path, EVENTS, "\n".join([*rows[:9], ",,", *rows[9:], ",,", ",,"]))["car"] == plain["car"]
        )


class TestExcel:
    @pytest.mark.parametrize("head", ["sep=,\n", "sep=;\n", '"sep=,"\n', "SEP=,\r\n"])
    def test_a_line_for_excel_alone_is_named(self, tmp_path, capsys, head):
        for events, prices in ((head + EVENTS, None), (EVENTS, head + closes("M", "A").to_csv())):
            said = shell(capsys, tmp_path, events, prices)
            assert re.search(r"begins with 'sep=[,;]?', a line that only Excel reads; remove that line", said, re.I)

    def test_row_numbers_and_columns_of_nothing_are_left_out(self, tmp_path):
        path = tmp_path / "events.csv"
        pd.DataFrame({"ticker": ["A", "B"], "date": "2021-02-01"}).to_csv(path)
        assert list(read_events(path)) == ["ticker", "date"]
        path.write_text("ticker,date,,size\nA,2021-02-01,,1\n")
        table = event_table(read_events(path), None)
        assert list(table.traits) == ["size"]


class TestShell:
    def test_a_benchmark_with_a_comma(self, tmp_path, capsys):
        name = "S&P 500, TR"
        prices = closes(name, "A", "B").to_csv()
        one = shell(capsys, tmp_path, EVENTS, prices, benchmark=name)
        same = shell(capsys, tmp_path, EVENTS, closes("M", "A", "B").to_csv())
        assert one["car"] == same["car"]
        several = shell(capsys, tmp_path, EVENTS, prices, "--model", "factor", benchmark=f'"{name}", B')
        assert several["model"]["names"] == [name, "B"] if "names" in several.get("model", {}) else several["car"]
        assert "use --model factor for several" in shell(capsys, tmp_path, EVENTS, prices, benchmark="A,B")

    def test_columns_of_events_are_read(self, tmp_path, capsys):
        said = shell(capsys, tmp_path, "ticker,date,window_first\nA,2021-02-01,2021-01-29\n")
        assert "'2021-01-29' in line 2; give whole numbers, trading days relative to day 0" in said
        for column, meant in (("event_date", "date"), ("index_symbol", "benchmark"), ("exchange", "market")):
            said = shell(capsys, tmp_path, f"ticker,{column}\nA,2021-02-01\n")
            assert f"events.csv: column '{column}' is not read; name it '{meant}'" in said

    @pytest.mark.parametrize(
        "prices",
        [
            closes("M", "A")[::-1].to_csv(),
            closes("Close").to_csv(),
            closes("Open", "High", "Low", "Close").to_csv(),
            "date,ticker,close,price\n2020-01-01,A,1,1\n",
            "date,ticker,volume\n2020-01-01,A,1\n",
            "date,ticker,close\n2020-01-01,A,1\n2020-01-01,A,1\n",
            "date,A\n2020-01-01,1\n2020-01-01,1\n",
            "date,A,M\n2020-01-01,x,1\n",
            "date,A,M\n2020-01-01,1,1\n,2,2\n",
            "when,A,M\n2020-01-01,1,1\n",
            "date,A,A\n2020-01-01,1,1\n",
            "date,A,M\n20200101,1,1\n",
            "date,A,M\n2020-01-01,TRUE,1\n",
            "date;A;M\n2020-01-01;1;1\n",
            "date,A,M\n2020-01-01,-1,1\n",
            "date,A,\n2020-01-01,1,1\n",
        ],
    )
    def test_no_hint_asks_for_a_call_in_python(self, tmp_path, capsys, prices):
        for how in ("--prices", "--returns"):
            (tmp_path / "events.csv").write_text(EVENTS)
            (tmp_path / "market.csv").write_text(prices)
            files = ["--events", str(tmp_path / "events.csv"), how, str(tmp_path / "market.csv")]
            assert main(["study", *files, "--benchmark", "M"]) in (1, 2)
            said = capsys.readouterr().err.replace(str(tmp_path), "")
            assert not PANDAS.search(said), said
            assert not re.search(r"\w=(?!\w*')\W", said), said
