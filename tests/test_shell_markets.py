"""The shell on events of two markets: prices in two files, a benchmark of each event, findings by name."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import InputError

from .test_other_markets import american, german

EVENTS = """ticker,date,benchmark,region
NVDA,2024-06-12,^GSPC,US
SAP.DE,2024-06-12,^GDAXI,EU
SIE.DE,2024-05-15,^GDAXI,EU
"""


@pytest.fixture
def files(tmp_path):
    american().rename_axis("date").to_csv(tmp_path / "us.csv")
    german().rename_axis("date").to_csv(tmp_path / "eu.csv")
    american()[["NVDA"]].rename_axis("date").to_csv(tmp_path / "again.csv")
    (tmp_path / "events.csv").write_text(EVENTS)
    return tmp_path


def shell(capsys, files, *more, events="events.csv", prices=("us.csv", "eu.csv")):
    given = [part for name in prices for part in ("--prices", ",".join(str(files / n) for n in name.split(",")))]
    code = main(["study", "--events", str(files / events), *given, *more])
    return code, *capsys.readouterr()


def test_two_files_and_no_benchmark(files, capsys):
    code, out, _ = shell(capsys, files)
    joined = ms.event_study(
        pd.read_csv(files / "events.csv"),
        prices=american().join(german(), how="outer").rename_axis("date"),
        model=ms.MarketModel("^GSPC"),
    )
    assert code == 0
    assert out.startswith(str(joined))
    assert "market model (^GSPC, ^GDAXI)" in out


def test_commas_are_the_same(files, capsys):
    assert shell(capsys, files, prices=["us.csv,eu.csv"])[1] == shell(capsys, files)[1]


def test_the_same_ticker_in_two_files_is_refused(files, capsys):
    code, _, err = shell(capsys, files, prices=["us.csv", "again.csv"])
    assert code == 2
    assert "'NVDA' is in" in err
    assert "us.csv and in" in err
    assert "again.csv" in err
    with pytest.raises(InputError, match=r"path: 'NVDA' is in us\.csv and in again\.csv"):
        ms.read_prices([files / "us.csv", files / "again.csv"])


def test_files_are_joined_by_date(files):
    prices = ms.read_prices([files / "us.csv", str(files / "eu.csv")])
    pd.testing.assert_frame_equal(
        prices.close,
        american().join(german(), how="outer"),
        check_freq=False,
        check_names=False,
        check_index_type=False,
    )
    assert prices.provenance["source"] == "us.csv, eu.csv"


def test_currencies_and_splits_of_each(files):
    long = american().rename_axis("date").reset_index().melt("date", None, "ticker", "close")
    long.assign(currency="USD", split=0.0).to_csv(files / "long.csv", index=False)
    with pytest.raises(InputError, match=r"splits are known in long\.csv and not in eu\.csv"):
        ms.read_prices([files / "long.csv", files / "eu.csv"])
    long.assign(currency="USD").to_csv(files / "long.csv", index=False)
    prices = ms.read_prices([files / "long.csv", files / "eu.csv"])
    assert prices.provenance["currency"] == {"^GSPC": "USD", "NVDA": "USD"}


def test_returns_of_each_are_its_own(files):
    closes = german()
    factor = pd.Series(1.0, closes.index).where(closes.index >= "2024-05-20", 0.97)
    own = pd.concat({"Close": closes, "Adj Close": closes.mul(factor, axis=0)}, axis=1)
    own.rename_axis("Date").to_parquet(files / "two.parquet")
    alone, both = ms.read_prices(files / "two.parquet"), ms.read_prices([files / "us.csv", files / "two.parquet"])
    one, other = (p.reinvested["SAP.DE"].dropna().pct_change().dropna() for p in (alone, both))
    pd.testing.assert_series_equal(one, other, check_freq=False)


def test_two_frames_are_refused_with_the_way(files):
    events = pd.read_csv(files / "events.csv")
    with pytest.raises(InputError, match=r'prices: got a list of 2; join them: one\.join\(other, how="outer"\)'):
        ms.event_study(events, prices=[american(), german()], model=ms.MarketModel("^GSPC"))


def test_an_event_without_a_benchmark(files, capsys):
    (files / "some.csv").write_text("ticker,date,benchmark\nNVDA,2024-06-12,\nSAP.DE,2024-06-12,^GDAXI\n")
    code, _, err = shell(capsys, files, events="some.csv")
    assert code == 2
    assert "--benchmark" in err
    assert "of an event that names none" in err
    (files / "none.csv").write_text("ticker,date\nNVDA,2024-06-12\n")
    code, _, err = shell(capsys, files, events="none.csv")
    assert code == 2
    assert "column benchmark" in err
    assert shell(capsys, files, "--benchmark", "^GSPC", events="some.csv")[0] == 0


@pytest.mark.parametrize(("said", "meant"), [("xetr", "XETR"), ("XETRA", "XETR"), ("Xetra", "XETR"), ("LSE", "XLON")])
def test_an_exchange_by_another_name(files, capsys, said, meant):
    (files / "named.csv").write_text(f"ticker,date,market,benchmark\nSAP.DE,2024-06-12,{said},^GDAXI\n")
    code, _, err = shell(capsys, files, events="named.csv")
    assert code == 2
    assert f"did you mean {meant!r}?" in err
    assert "use an exchange's code such as XETR, or 24/7" in err
    assert "ms." not in err
    code, _, err = shell(capsys, files, "--calendar", said)
    assert code == 2
    assert f"did you mean {meant!r}?" in err
    assert "an exchange's code such as XETR, XLON" in err


def test_tests_by_a_column(files, capsys):
    out = shell(capsys, files, "--by", "region", "--json")[1]
    assert {row["region"] for row in json.loads(out)["tests"]} == {"US", "EU"}
    code, _, err = shell(capsys, files, "--by", "regions")
    assert code == 2
    assert "--by" in err


def test_findings_are_named(files, capsys):
    (files / "us_index.csv").write_text("ticker,date\nSAP.DE,2024-06-12\n")
    code, out, _ = shell(capsys, files, "--benchmark", "^GSPC", events="us_index.csv")
    assert code == 0
    assert "Checks:" in out
    assert "warn: SAP.DE" in out


def test_what_is_written_names_the_benchmark_of_each(files, capsys):
    code, out, _ = shell(capsys, files, "--out", str(files / "out"), "--json")
    assert code == 0
    for name in ("events", "car"):
        frame = pd.read_csv(files / "out" / f"{name}.csv").set_index("ticker")
        assert frame["benchmark"].to_dict() == {"NVDA": "^GSPC", "SAP.DE": "^GDAXI", "SIE.DE": "^GDAXI"}
        assert frame["calendar"].to_dict() == {"NVDA": "NYSE", "SAP.DE": "index", "SIE.DE": "index"}
        records = json.loads(out)[name]
        assert {row["ticker"]: row["benchmark"] for row in records} == frame["benchmark"].to_dict()
