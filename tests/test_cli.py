"""The command line: what it prints and writes, its exit codes, and one sentence for each error."""

from __future__ import annotations

import json
import re
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.command.main import main


@pytest.fixture(scope="module")
def files(tmp_path_factory, prices):
    """A user's own files."""
    folder = tmp_path_factory.mktemp("user")
    prices.adj_close.to_csv(folder / "wide.csv")
    prices.adj_close[["NVDA", "AAPL", "^GSPC"]].to_parquet(folder / "wide.parquet")
    three = prices.adj_close[["NVDA", "AAPL", "^GSPC"]].reset_index(names="Date")
    long = three.melt("Date", var_name="Ticker", value_name="close")
    long.to_csv(folder / "long.csv", index=False)
    prices.adj_close.pct_change(fill_method=None).to_csv(folder / "returns.csv")
    (folder / "events.csv").write_text("Ticker,Date\nNVDA,2025-01-27\nAAPL,2025-02-03\n")
    return folder


def run(capsys, *argv: object) -> tuple[int, str, str]:
    code = main([str(a) for a in argv])
    out = capsys.readouterr()
    return code, out.out, out.err


def study(capsys, files, *more, prices="wide.csv"):
    return run(
        capsys, "study", "--events", files / "events.csv", "--prices", files / prices, "--benchmark", "^GSPC", *more
    )


class TestReproduce:
    def test_prints_all_of_it(self, capsys):
        code, out, err = run(capsys, "reproduce")
        assert (code, err) == (0, "")
        for words in (
            "What was done with the dates",
            "market closed: the next session",
            "Abnormal returns, deepseek-selloff, day 0 = 2025-01-27",
            "Abnormal returns, tariff-pause, day 0 = 2025-02-03",
            "joint F",
            "SQ p",
            "Market caps, 2025-01-27",
            "total",
            "589 = preliminary close x cover count filed 2024-11-20",
            "592.7 = official close x cover count filed 2024-11-20",
            "inference",
            "The windows overlap: day 0 of tariff-pause is day +5 of deepseek-selloff",
            "The index contains the seven firms",
        ):
            assert words in out, words

    def test_json_is_strict_and_holds_the_same_numbers(self, capsys, seven):
        code, out, _ = run(capsys, "reproduce", "--json")
        result = json.loads(out)
        assert code == 0
        first = {row["event_id"]: row for row in result["day_0"]}
        assert first["deepseek-selloff/NVDA"]["car"] == pytest.approx(seven.ar.loc["deepseek-selloff/NVDA", 0])
        assert result["market_cap"][0]["total"]["change_usd"] == pytest.approx(-650.6e9, abs=0.05e9)

    def test_out_writes_plots_and_json_again_to_the_byte(self, capsys, tmp_path):
        for name in ("a", "b"):
            code, out, _ = run(capsys, "reproduce", "--out", tmp_path / name)
            assert code == 0
            assert "car_by_firm.png" in out
        names = ["car_by_firm.png", "market_cap.png", "reproduce.json"]
        assert sorted(p.name for p in (tmp_path / "a").iterdir()) == names
        for name in names:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


class TestStudy:
    @pytest.mark.parametrize("source", ["wide.csv", "wide.parquet", "long.csv"])
    def test_same_numbers_from_every_kind_of_file(self, capsys, files, source, tmp_path):
        code, out, _ = study(capsys, files, "--out", tmp_path, prices=source)
        assert code == 0
        assert "AR(0)" in out
        car = pd.read_csv(tmp_path / "car.csv", index_col="event_id")
        expected = ms.event_study(
            pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-02-03"]}),
            prices=ms.snapshot(),
            model=ms.MarketModel("^GSPC"),
        ).car(-1, 5)
        np.testing.assert_allclose(car[["car", "se", "pvalue"]], expected[["car", "se", "pvalue"]], rtol=1e-9)

    def test_files_written(self, capsys, files, tmp_path):
        study(capsys, files, "--out", tmp_path, "--window=-2:3", "--estimation=-200:-21", "--model", "market-adjusted")
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            *("alignment.csv", "ar.csv", "car.csv", "events.csv", "exclusions.csv", "findings.csv"),
            *("spec.json", "tests.csv"),
        ]
        spec = json.loads((tmp_path / "spec.json").read_text())
        assert spec["window"] == [-2, 3]
        assert spec["estimation"] == [-200, -21]
        assert spec["model"] == {"class": "MarketAdjusted", "benchmark": "^GSPC", "variance": "about_mean"}
        assert list(pd.read_csv(tmp_path / "ar.csv").columns) == ["event_id", "-2", "-1", "0", "1", "2", "3"]

    def test_returns_factors_and_models(self, capsys, files):
        common = ("--events", files / "events.csv", "--returns", files / "returns.csv")
        for model in (
            ("--model", "constant-mean"),
            ("--model", "factor", "--benchmark", "Mkt-RF,SMB,HML", "--risk-free", "RF", "--factors", "bundled"),
            ("--model", "market", "--benchmark", "^GSPC", "--log"),
            ("--model", "ff3"),
            ("--model", "carhart"),
            ("--model", "capm", "--benchmark", "Mkt-RF", "--factors", "bundled"),
            ("--model", "scholes-williams", "--benchmark", "^GSPC"),
            ("--model", "dimson", "--benchmark", "^GSPC"),
            ("--model", "huber", "--benchmark", "^GSPC"),
        ):
            code, out, _ = run(capsys, "study", *common, *model, "--json")
            assert code == 0
            assert len(json.loads(out)["car"]) == 2

    def test_bundled_catalog(self, capsys):
        argv = (
            "study",
            "--events",
            "bundled",
            "--prices",
            "bundled",
            "--benchmark",
            "^GSPC",
            "--tickers",
            "NVDA",
            "--quiet",
        )
        code, out, err = run(capsys, *argv)
        assert code == 0
        assert "marketshock: note:" in err  # two events on one session: the second is left out, and it is said
        assert "deepseek-selloff" in out

    def test_left_out_events_are_told_and_the_rest_is_done(self, capsys, files, tmp_path):
        (tmp_path / "e.csv").write_text("ticker,date\nNVDA,2025-01-27\nNVDAA,2025-01-27\n")
        argv = ("study", "--events", tmp_path / "e.csv", "--prices", files / "wide.csv", "--benchmark", "^GSPC")
        code, out, err = run(capsys, *argv)
        assert code == 0
        assert "did you mean 'NVDA'?" in out
        assert "1 of 2 events excluded" in err

    def test_no_usable_event_is_exit_code_1(self, capsys, files, tmp_path):
        (tmp_path / "e.csv").write_text("ticker,date\nNVDAA,2025-01-27\n")
        argv = ("study", "--events", tmp_path / "e.csv", "--prices", files / "wide.csv", "--benchmark", "^GSPC")
        code, out, err = run(capsys, *argv)
        assert (code, out) == (1, "")
        assert err.count("\n") == 1
        assert "no usable event" in err


class TestBadInput:
    """One sentence on stderr, exit code 2, nothing on stdout, never a traceback."""

    CASES: ClassVar = {
        "missing file": ("prices", None, "no such file"),
        "empty file": ("prices", b"", "cannot be read as csv"),
        "no date column": ("prices", b"day,NVDA\n2025-01-27,1\n", "has no column 'date' .*'day'"),
        "text in numbers": (
            "prices",
            b"date,NVDA,^GSPC\n2025-01-24,142.62,6101\n2025-01-27,n.a.!,6012\n",
            "column 'NVDA' holds text",
        ),
        "dates as numbers": ("prices", b"date,NVDA\n20250127,118.42\n", "dates are numbers"),
        "dates of another order": ("prices", b"date,NVDA\n27.01.2025,118.42\n", "is no date"),
        "only a header": ("prices", b"date,NVDA,^GSPC\n", "is empty"),
        "latin-1": ("prices", "date,Prix à la clôture\n".encode("latin-1"), "not UTF-8"),
        "ragged": ("prices", b"date,A\n2025-01-27,1\n2025-01-28,1,2,3\n", r"line 3 has more fields .* \(4, not 2\)"),
        "duplicate long row": (
            "prices",
            b"date,ticker,close\n2025-01-27,A,1\n2025-01-27,A,2\n",
            "more than once for A",
        ),
        "long without a price": ("prices", b"date,ticker,volume\n2025-01-27,A,1\n", "without a column of prices"),
        "events without date": ("events", b"ticker,day\nNVDA,2025-01-27\n", "has no column 'date'"),
        "events with numbers": ("events", b"ticker,date\nNVDA,20250127\n", "'20250127' is no date"),
        "a column twice": ("prices", b"date,NVDA,^GSPC,NVDA\n2025-01-27,1,2,3\n", "has the column 'nvda' twice"),
        "rows longer than the header": (
            "events",
            b"ticker,date\nMSFT,NVDA,2025-01-27\n",
            "more fields than its header",
        ),
        "a month without a day": ("events", b"ticker,date\nNVDA,2025-01\n", "is no date"),
        "a date of its own twice": ("events", b"Date,date,ticker\n2025-01-27,2025-01-27,NVDA\n", "'date' twice"),
        "no ticker in a long row": ("prices", b"date,ticker,close\n2025-01-27,,1\n", "line 2 has no ticker"),
        "events on a weekend": ("events", b"ticker,date\nNVDA,2025-01-25\n", "a Saturday"),
        "events with a naive time": ("events", b"ticker,date\nNVDA,2025-01-27 10:00\n", "has no time zone"),
        "events without a row": ("events", b"ticker,date\n", "no rows"),
        "bad timing": ("events", b"ticker,date,timing\nNVDA,2025-01-27,noon\n", "allowed are"),
    }

    @pytest.mark.parametrize("case", CASES)
    def test_files(self, capsys, files, tmp_path, case):
        which, content, message = self.CASES[case]
        path = tmp_path / "bad.csv"
        if content is not None:
            path.write_bytes(content)
        given = {"events": files / "events.csv", "prices": files / "wide.csv", which: path}
        argv = ("study", "--events", given["events"], "--prices", given["prices"], "--benchmark", "^GSPC")
        self.check(*run(capsys, *argv), message)

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (("loss", "--ticker", "NVDAA", "--date", "2025-01-27"), "did you mean 'NVDA'"),
            (("loss", "--ticker", "NVDA", "--date", "2025-01-25"), "give 2025-01-24 or 2025-01-27"),
            (("loss", "--ticker", "NVDA", "--date", "soon"), "is no date"),
            (("loss", "--ticker", "NVDA", "--date", "2024-08-01"), "filed on 2024-08-28"),
            (("loss", "--ticker", "NVDA", "--date", "2025-01-27", "--reported", "-1"), "positive"),
            (("study", "--events", "bundled", "--prices", "bundled"), "--benchmark"),
            (("study", "--events", "bundled", "--prices", "bundled", "--benchmark", "^GSPC"), "is market-wide"),
            (
                ("study", "--events", "bundled", "--prices", "bundled", "--benchmark", "GSPC", "--tickers", "NVDA"),
                "GSPC",
            ),
            (
                ("study", "--events", "bundled", "--prices", "bundled", "--benchmark", "A,B", "--tickers", "NVDA"),
                "--model factor",
            ),
            (("reproduce", "--out", f"{__file__}/x"), "--out"),
        ],
    )
    def test_options(self, capsys, argv, message):
        self.check(*run(capsys, *argv), message)

    def check(self, code, out, err, message):
        assert code == 2, err
        assert err.startswith("marketshock: ")
        assert err.count("\n") == 1
        assert re.search(message, err), err
        assert "Traceback" not in err
        assert "In short" not in out or message == "--out"

    def test_argparse_errors_exit_2(self, capsys):
        for argv in (["study"], ["loss", "--ticker", "NVDA"], ["study", "--window", "x"], []):
            with pytest.raises(SystemExit) as caught:
                main(argv)
            assert caught.value.code == 2


def test_messages_name_the_options_of_the_shell(capsys, files, tmp_path):
    (tmp_path / "e.csv").write_text("ticker,date\nNVDA,2025-01-25\n")
    argv = ("study", "--events", tmp_path / "e.csv", "--prices", files / "wide.csv", "--benchmark", "^GSPC")
    _, _, err = run(capsys, *argv)
    assert "event 'NVDA@2025-01-25': 2025-01-25, a Saturday" in err
    assert "--on-closed next takes 2025-01-27" in err


def test_spec_says_what_was_taken(capsys, files, tmp_path):
    study(capsys, files, "--out", tmp_path)
    spec = json.loads((tmp_path / "spec.json").read_text())
    assert spec["calendar_taken"] == "NYSE"
    assert spec["sessions"] == ["2022-12-30", "2025-03-31", 563]
    assert set(spec["versions"]) == {"marketshock", "numpy", "pandas"}


class TestLoss:
    def test_prints_change_and_reconciliation(self, capsys):
        code, out, _ = run(capsys, "loss", "--ticker", "NVDA", "--date", "2025-01-27")
        assert code == 0
        assert "-592.7" in out
        assert "589 = preliminary close" in out

    def test_without_a_reported_figure_only_the_change(self, capsys):
        code, out, _ = run(capsys, "loss", "--ticker", "TSLA", "--date", "2025-02-03")
        assert code == 0
        assert "Reported" not in out

    def test_json(self, capsys):
        _, out, _ = run(capsys, "loss", "--ticker", "GOOG", "--date", "2025-01-27", "--json", "--reported", "101e9")
        result = json.loads(out)
        assert result["change"][0]["firm"] == "GOOGL"
        assert result["reconciliation"]["table"][0]["matches"] == [101e9]


def test_help_of_each_command_has_an_example(capsys):
    for command in ("reproduce", "study", "loss", "simulate"):
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        assert caught.value.code == 0
        assert "example: marketshock " in capsys.readouterr().out


class TestSimulate:
    def test_prints_rates_and_writes_them(self, capsys, tmp_path):
        argv = ("simulate", "--samples", 60, "--firms", 5, "--days", 60, "--tests", "bmp,joint_f", "--out", tmp_path)
        code, out, _ = run(capsys, *argv)
        assert code == 0
        assert "60 samples, seed 0" in out
        rates = pd.read_csv(tmp_path / "rejection_rates.csv")
        assert list(rates["test"].unique()) == ["bmp", "joint_f"]
        code, out, _ = run(capsys, *argv, "--json")
        assert len(json.loads(out)["rates"]) == 8

    @pytest.mark.parametrize(
        ("option", "value", "message"),
        [
            ("--correlation", 2, "--correlation: got 2"),
            ("--samples", 0, "positive"),
            ("--tests", "bpm", "did you mean 'bmp'"),
        ],
    )
    def test_bad_options(self, capsys, option, value, message):
        code, _, err = run(capsys, "simulate", option, value)
        assert code == 2
        assert message in err
