"""``marketshock fragility``: the document's figures out of one command, and one sentence for each error."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import marketshock as ms

from .test_cli import run

SEVEN = ",".join(ms.MAGNIFICENT_SEVEN)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A user's own prices and caps."""
    folder = tmp_path_factory.mktemp("own")
    members = ms.datasets.sp500()
    tickers = list(members.caps_usd.sort_values(ascending=False).index[:20])
    members.prices.adj_close.loc["2024-06-01":, tickers].to_csv(folder / "prices.csv")
    members.market_caps().loc["2024-06-01":, tickers].to_csv(folder / "caps.csv")
    members.market_caps().loc["2025-01-02":, tickers].to_csv(folder / "late.csv")
    return folder


def test_27_january(capsys):
    code, out, err = run(capsys, "fragility", "--date", "2025-01-27")
    assert (code, err) == (0, "")
    for words in (
        "2025-01-27      70  25    45  500  14.0 %",
        "log return / realized volatility about zero of the 21 sessions that end the day before",
        "survivors",
        "members of the S&P 500, one a firm",
        "The largest upward moves on 2025-01-27",
    ):
        assert words in out or words in " ".join(out.split()), words


def test_ranks_among_the_fifty(capsys):
    options = ("--start", "2025-01-01", "--end", "2025-02-12", "--top", 50, "--json")
    code, out, _ = run(capsys, "fragility", *options)
    told = json.loads(out)
    assert code == 0
    assert [r["ticker"] for r in told["ranking_absolute"][:3]] == ["IBM", "AVGO", "MRK"]
    assert [r["ticker"] for r in told["ranking_up"][:2]] == ["IBM", "PM"]
    assert [r["ticker"] for r in told["ranking_down"][:2]] == ["AVGO", "MRK"]
    assert told["members"] == "50 largest by market cap the session before"
    assert told["spec"] == {"window": 21, "threshold": 3.0, "log": True, "about": "zero", "min_obs": 21}


@pytest.mark.parametrize(
    ("options", "count"),
    [((), 70), (("--by", "listing"), 71), (("--about", "mean"), 69), (("--simple",), 68), (("--threshold", 5), 26)],
)
def test_conventions(capsys, options, count):
    _, out, _ = run(capsys, "fragility", "--date", "2025-01-27", "--json", *options)
    assert json.loads(out)["on_date"]["n_events"] == count


def test_a_group_and_its_part_in_the_index(capsys):
    code, out, _ = run(capsys, "fragility", "--date", "2025-01-27", "--group", SEVEN, "--clustering")
    assert code == 0
    for words in ("85 %, or 80 % if every missing firm", "Do they come together?", f"By year, {SEVEN}".split(",")[0]):
        assert words in " ".join(out.split()), words
    _, out, _ = run(capsys, "fragility", "--date", "2025-01-27", "--group", SEVEN, "--clustering", "--json")
    told = json.loads(out)
    assert told["contribution"]["summary"]["share"] == pytest.approx(0.852, abs=0.001)
    assert told["clustering"]["pvalue"] == 0.001
    assert len(told["contribution"]["firms"]) == 7


def test_out_writes_tables_and_plots_again_to_the_byte(capsys, tmp_path):
    options = ("--start", "2025-01-01", "--top", 50, "--out")
    for name in ("a", "b"):
        code, out, _ = run(capsys, "fragility", *options, tmp_path / name)
        assert code == 0
        assert "fragility.json" in out
    written = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert written == [
        "by_year.csv",
        "counts.csv",
        "counts.png",
        "events.csv",
        "fragility.json",
        "heatmap.png",
        "ranking.png",
        "ranking_absolute.csv",
        "ranking_down.csv",
        "ranking_up.csv",
        "z.csv",
    ]
    for name in written:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    z = pd.read_csv(tmp_path / "a" / "z.csv", index_col="date")
    assert z.loc["2025-01-30", "IBM"] == pytest.approx(14.18, abs=0.005)
    assert pd.read_csv(tmp_path / "a" / "events.csv")["ticker"].notna().all()


def test_own_files(capsys, files):
    prices, caps = files / "prices.csv", files / "caps.csv"
    code, out, err = run(capsys, "fragility", "--prices", prices, "--date", "2025-01-27", "--group", "NVDA,AAPL")
    assert (code, err) == (0, "")
    assert "who is not in them is not counted" in " ".join(out.split())
    assert "The group in the index" not in out
    code, out, _ = run(capsys, "fragility", "--prices", prices, "--caps", caps, "--top", 5, "--json")
    assert code == 0
    assert {r["n_securities"] for r in json.loads(out)["counts"][40:]} == {5}


def test_a_membership_that_begins_late_is_said_once(capsys, files):
    code, _, err = run(capsys, "fragility", "--prices", files / "prices.csv", "--caps", files / "late.csv", "--top", 5)
    assert code == 0
    notes = err.splitlines()
    assert len(notes) == 1
    assert "not known on" in notes[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--date", "2025-01-25"), "no session on 2025-01-25; give 2025-01-24 or 2025-01-27"),
        (("--date", "2025-01-27", "--start", "2025-01-02"), "--date: is given beside a period"),
        (("--window", 0), "--window: got 0"),
        (("--group", "NVDAA"), "did you mean 'NVDA'"),
        (("--top", 5000), "--top: got 5000; give a whole number from 1 to 347"),
        (("--rows", 0), "--rows: got 0"),
        (("--start", "soon"), "'soon' is no date"),
    ],
)
def test_bad_input_is_one_sentence(capsys, options, words):
    code, out, err = run(capsys, "fragility", *options)
    assert code == 2
    assert out == ""
    assert words in err
    assert err.count("\n") == 1


def test_top_of_own_prices_needs_caps(capsys, files):
    code, _, err = run(capsys, "fragility", "--prices", files / "prices.csv", "--top", 5)
    assert code == 2
    assert "give a file of them as --caps" in err
