"""Company facts of the SEC: what is a count, when it was known, and how the files are had. All firms are made up."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import (
    BadData,
    CacheWarning,
    InputError,
    LookAheadError,
    NoData,
    OfflineMiss,
    RateLimited,
    ShareCountWarning,
    SharesError,
    Unavailable,
)
from marketshock.providers.download import Download
from marketshock.providers.retry import Retry
from marketshock.providers.sec import Addresses, _share_counts
from marketshock.providers.store import Key, Store, store_of

from .loopback.files import FileServer

AGENT = "Jane Doe jane@example.org"
FACTS = "/api/xbrl/companyfacts/CIK0000001234.json"
TICKERS = "/files/company_tickers.json"


def fact(val, end, filed, form="10-Q", accn=None) -> dict:
    """One row as the SEC publishes it."""
    number = accn or f"0000001234-{filed[2:4]}-{filed[5:7]}{filed[8:]}00"
    return {"end": end, "val": val, "accn": number, "fy": int(filed[:4]), "fp": "Q1", "form": form, "filed": filed}


GOOD = [
    fact(24_560_000_000, "2024-02-16", "2024-02-21", "10-K"),
    fact(24_530_000_000, "2024-05-24", "2024-05-29"),
    fact(24_490_000_000, "2024-08-23", "2024-08-28"),
    fact(24_481_123_456, "2024-11-15", "2024-11-20"),
]


def company(cover=GOOD, sheet=None, last_filing="2024-11-20", cik=1234) -> bytes:
    """A company-facts document of the published layout, other facts included."""
    gaap = {"Assets": {"label": "Assets", "units": {"USD": [fact(5e9, "2024-10-27", last_filing)]}}}
    if sheet:
        gaap["CommonStockSharesOutstanding"] = {"label": "Shares", "units": {"shares": sheet}}
    dei = {"EntityPublicFloat": {"label": "Float", "units": {"USD": [fact(1e12, "2023-07-28", "2024-02-21")]}}}
    if cover is not None:
        dei["EntityCommonStockSharesOutstanding"] = {"label": "Shares", "description": "", "units": {"shares": cover}}
    return json.dumps({"cik": cik, "entityName": "Made Up Corp", "facts": {"dei": dei, "us-gaap": gaap}}).encode()


@pytest.fixture
def read(tmp_path):
    def reader(*cover, balance_sheet=False, **company_options) -> ms.SharesTable:
        (tmp_path / "facts.json").write_bytes(company(list(cover) or GOOD, **company_options))
        return ms.sec_share_counts(tmp_path / "facts.json", "X", balance_sheet=balance_sheet)

    return reader


def counts(table) -> list[tuple[float, str, str]]:
    t = table.table
    return [(s, str(a)[:10], str(f)[:10]) for s, a, f in zip(t["shares"], t["as_of"], t["filed"], strict=True)]


class TestCounts:
    def test_rows_of_the_table(self, read):
        made = read()
        assert counts(made) == [(row["val"], row["end"], row["filed"]) for row in GOOD]
        row = made.table.iloc[0]
        assert (row["firm"], row["priced_at"], row["share_class"], row["basis"]) == ("X", "X", "common", "cover")
        assert (row["form"], row["rounding"], made.table["rounding"].iloc[-1]) == ("10-K", 1e7, 1)
        assert (made.source, made.notes) == ("SEC company facts (facts.json)", ())

    def test_the_count_known_before_an_event_is_taken(self, read):
        known = read().known_on("X", np.datetime64("2024-08-28"))
        assert known["shares"].item() == 24_530_000_000
        with pytest.raises(LookAheadError, match="first count of X was filed on 2024-02-21"):
            read().known_on("X", np.datetime64("2024-02-21"))

    def test_what_a_later_filing_repeats_is_known_from_the_first(self, read):
        again = fact(24_530_000_000, "2024-05-24", "2024-08-28", "10-Q/A", accn="0000001234-24-000001")
        made = read(*GOOD[:2], again, fact(24_490_000_000, "2024-08-23", "2024-09-30", "10-Q/A"))
        assert counts(made)[1] == (24_530_000_000, "2024-05-24", "2024-05-29")
        assert made.notes == ("X: 1 cover counts repeated by later filings: kept as first filed",)

    def test_another_value_of_the_same_date_is_known_from_its_own_filing(self, read):
        made = read(*GOOD[:2], fact(24_550_000_000, "2024-05-24", "2024-06-20", "10-Q/A"))
        assert [made.known_on("X", np.datetime64(d))["shares"].item() for d in ("2024-06-20", "2024-06-21")] == [
            24_530_000_000,
            24_550_000_000,
        ]

    def test_a_value_that_is_taken_back(self, read):
        """First 24.53, then 24.55, then 24.53 again: the third is news."""
        made = read(
            *GOOD[:2], *[fact(v, "2024-05-24", f"2024-0{m}-20") for v, m in ((24_550_000_000, 6), (24_530_000_000, 7))]
        )
        assert made.known_on("X", np.datetime64("2024-08-01"))["shares"].item() == 24_530_000_000

    def test_of_two_filed_on_one_day_the_later_is_kept(self, read):
        made = read(*GOOD, fact(24_000_000_000, "2024-02-10", "2024-08-28", "10-K/A"))
        assert counts(made) == counts(read())
        assert made.notes == (
            "X: left out the cover count 24,000,000,000 dated 2024-02-10, filed 2024-08-28 (10-K/A): "
            "another count filed that day is later, or nearer to the last one",
        )

    @pytest.mark.parametrize("order", [1, -1])
    def test_of_two_of_one_day_and_date_the_one_near_the_last_is_kept(self, read, order):
        made = read(*GOOD, *[fact(v, "2025-02-21", "2025-02-26") for v in (24_400_000_000, 20_000_000_000)[::order]])
        assert counts(made)[-1][0] == 24_400_000_000
        assert len(made.notes) == 1

    @pytest.mark.parametrize(
        ("row", "why"),
        [
            (fact(24_490_000_000, "2024-12-23", "2024-08-28"), "dated after its filing"),
            (fact(0, "2024-08-23", "2024-08-28"), "no count of a listed firm"),
            (fact(1000, "2024-08-23", "2024-08-28"), "no count of a listed firm"),
            (fact(-24_490_000_000, "2024-08-23", "2024-08-28"), "no count of a listed firm"),
            (fact(None, "2024-08-23", "2024-08-28"), "cannot be read"),
            (fact("many", "2024-08-23", "2024-08-28"), "cannot be read"),
            (fact(float("inf"), "2024-08-23", "2024-08-28"), "cannot be read"),
            (fact(24_490_000_000, "2024-13-23", "2024-08-28"), "cannot be read"),
            (fact(24_490_000, "2024-08-23", "2024-08-28"), "far off the counts around it"),
            (fact(24_490_000_000_000, "2024-08-23", "2024-08-28"), "far off the counts around it"),
            (fact(2_449_000_000, "2024-08-23", "2024-08-28"), "far off the counts around it"),
        ],
    )
    def test_what_is_no_count_is_left_out_with_a_word(self, read, row, why):
        made = read(*GOOD[:2], row, *GOOD[3:])
        assert counts(made) == [counts(read())[i] for i in (0, 1, 3)]
        assert len(made.notes) == 1
        assert made.notes[0].endswith(why)

    def test_a_last_count_in_thousands(self, read):
        made = read(*GOOD[:3], fact(24_481_123, "2024-11-15", "2024-11-20"))
        assert len(made.table) == 3
        assert "24,481,123" in made.notes[0]

    def test_a_split_stays(self, read):
        made = read(fact(2_460_000_000, "2024-01-05", "2024-01-10"), *GOOD)
        assert len(made.table) == 5
        assert made.notes[0].startswith("X: jump of the cover count 24,560,000,000 dated 2024-02-16")

    def test_the_balance_sheet_only_when_asked(self, read):
        sheet = [
            fact(24_500_000_000, "2024-07-28", "2024-08-28"),
            fact(24_500_000_000, "2024-07-28", "2024-11-20"),
            fact(24_477_000_000, "2024-10-27", "2024-11-20"),
        ]
        assert set(read(sheet=sheet).table["basis"]) == {"cover"}
        made = read(sheet=sheet, balance_sheet=True)
        assert list(made.table["basis"]) == ["cover"] * 4 + ["balance sheet"] * 2
        assert made.known_on("X", np.datetime64("2024-12-02"))["basis"].item() == "cover"

    def test_a_firm_of_several_classes_has_no_count_of_all(self, tmp_path):
        (tmp_path / "facts.json").write_bytes(company(None, [fact(12e9, "2024-10-27", "2024-11-20")]))
        with pytest.raises(
            SharesError, match=r"X: no usable count of all shares of Made Up Corp; .*leave out; give the c"
        ):
            ms.sec_share_counts(tmp_path / "facts.json", "X")
        made = ms.sec_share_counts(tmp_path / "facts.json", "X", balance_sheet=True)
        closes = pd.DataFrame({"X": [10.0, 9.0]}, index=pd.to_datetime(["2025-01-24", "2025-01-27"]))
        row = ms.market_cap_change("2025-01-27", closes, made).table.loc["X"]
        assert (row["change_usd"], row["basis"], row["note"]) == (-12e9, "balance sheet", "balance sheet count")

    def test_a_firm_all_of_whose_counts_are_left_out(self, read):
        with pytest.raises(SharesError, match=r"1 left out, such as: left out the cover count 5 dated"):
            read(fact(5, "2024-08-23", "2024-08-28"))

    def test_counts_that_ended_years_ago(self, read):
        with pytest.warns(ShareCountWarning, match=r"X: cover counts end with the filing of 2024-11-20, .* 2029-02-01"):
            made = read(last_filing="2029-02-01")
        assert "it may report by class since: give the counts of its classes" in made.notes[0]

    @pytest.mark.parametrize("form", ["20-F", "20-F/A", "40-F", "6-K"])
    def test_a_foreign_filer_is_warned_of(self, read, form):
        with pytest.warns(ShareCountWarning, match=rf"X: the last filing is a {form} of a foreign firm: .*\(ADRs\)"):
            made = read(fact(5_186_000_000, "2024-12-31", "2025-04-18", form))
        assert made.notes == (
            f"X: the last filing is a {form} of a foreign firm: they count ordinary shares, and prices in the US may "
            "be of receipts (ADRs), each of which may stand for several; divide the counts by that number if so",
        )

    def test_a_firm_that_was_a_foreign_filer_is_noted(self, read):
        """The last filing of all is a 10-Q."""
        made = read(fact(5_186_000_000, "2023-12-31", "2024-04-18", "20-F"))
        assert made.notes[0].startswith("X: some counts are of a foreign firm's filings: they count ordinary shares")


class TestFiles:
    @pytest.mark.parametrize(
        ("payload", "message"),
        [
            (b"", "it is empty"),
            (b"<html>no</html>", "it is an HTML page"),
            (company()[:-20], "it is no whole JSON"),
            (b"\xff\xfe\x00", "it is no whole JSON"),
            (b"[1, 2]", "but no company facts"),
            (b'{"cik": 1}', "but no company facts"),
            (b'{"facts": {"dei": []}}', "not laid out as company facts are"),
            (b'{"facts": {"dei": {"X": {"units": {"shares": [5]}}}}}', "not laid out as company facts are"),
            (b'{"facts": {}}', "no usable count"),
        ],
    )
    def test_one_sentence_on_each_bad_file(self, tmp_path, payload, message):
        (tmp_path / "facts.json").write_bytes(payload)
        with pytest.raises(SharesError, match=message) as caught:
            ms.sec_share_counts(str(tmp_path / "facts.json"), "X")
        assert "\n" not in str(caught.value)

    def test_no_such_file(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            ms.sec_share_counts(tmp_path / "facts.json", "X")
        with pytest.raises(InputError, match="cannot be read"):
            ms.sec_share_counts(tmp_path, "X")

    def test_the_ticker_is_not_in_the_file(self, tmp_path):
        (tmp_path / "facts.json").write_bytes(company())
        with pytest.raises(InputError, match=r"ticker: not given for .*facts\.json, and company facts hold none"):
            ms.sec_share_counts(tmp_path / "facts.json")

    def test_several_files(self, tmp_path):
        for name in ("a.json", "b.json"):
            (tmp_path / name).write_bytes(company())
        files = [tmp_path / "a.json", tmp_path / "b.json"]
        made = ms.sec_share_counts(files, ["X", "Y"])
        assert made.firms == ["X", "Y"]
        assert made.source == "SEC company facts (a.json); SEC company facts (b.json)"
        with pytest.raises(InputError, match="names X twice"):
            ms.sec_share_counts(files, ["X", "X"])
        with pytest.raises(InputError, match="got 1 for 2 sources"):
            ms.sec_share_counts(files, "X")


@pytest.fixture
def sec():
    listed = {"0": (1234, "XYZ"), "1": (5678, "BRK-Q"), "2": (5678, "BRK-R")}
    tickers = {key: {"cik_str": cik, "ticker": name, "title": "Made Up"} for key, (cik, name) in listed.items()}
    files = {FACTS: company(), TICKERS: json.dumps(tickers).encode()}
    files[FACTS.replace("1234", "5678")] = company(cik=5678)
    with FileServer(files) as server:
        yield server


@pytest.fixture
def ask(sec, tmp_path):
    """Ask the stand-in, with quick repeats and a cache of this test."""

    def asker(source="XYZ", ticker=None, **options):
        agent, balance_sheet = options.pop("user_agent", AGENT), options.pop("balance_sheet", False)
        store = store_of(options.pop("cache", tmp_path / "cache"))
        download = Download(store, **{"retry": Retry(2, 0.01, 0.01), **options})
        addresses = Addresses(sec.base + FACTS.rsplit("/", 1)[0], sec.base + TICKERS)
        return _share_counts(source, ticker, agent, balance_sheet, download, addresses)

    return asker


class TestWeb:
    def test_a_ticker_is_looked_up_and_every_request_says_who_asks(self, sec, ask):
        made = ask("xyz")
        assert made.firms == ["XYZ"]
        assert made.source.startswith("SEC company facts, CIK0000001234, fetched 20")
        assert [path for path, _ in sec.requests] == [TICKERS, FACTS]
        assert {headers["User-Agent"] for _, headers in sec.requests} == {AGENT}

    @pytest.mark.parametrize("cik", [1234, "1234", "CIK0000001234", "cik0000001234"])
    def test_a_cik_needs_no_look_up(self, sec, ask, cik):
        assert ask(cik, "X").firms == ["X"]
        assert [path for path, _ in sec.requests] == [FACTS]
        with pytest.raises(InputError, match="ticker: not given for"):
            ask(cik)

    def test_several_at_once(self, sec, ask):
        made = ask(["XYZ", "BRK.Q"])
        assert made.firms == ["XYZ", "BRK.Q"]
        assert len(sec.requests) == 3
        with pytest.raises(InputError, match=r"BRK-Q and BRK-R are one firm \(CIK 5678\)"):
            ask(["BRK-Q", "BRK-R"])

    @pytest.mark.parametrize("agent", [None, "", "Jane Doe", "jane@example.org", "Jane\r\nX: y jane@example.org", 5])
    def test_who_does_not_say_so_is_not_sent(self, sec, ask, agent):
        with pytest.raises(
            InputError, match=r"the SEC refuses requests .*; give your own, such as user_agent=\"Jane Doe"
        ):
            ask(user_agent=agent)
        assert sec.requests == []

    @pytest.mark.parametrize("agent", ["Jane Doe (jane@example.org)", "Example Inc. AdminContact@example.com"])
    def test_ways_to_say_so(self, ask, agent):
        assert ask(user_agent=agent).firms == ["XYZ"]

    def test_who_asked_is_kept_nowhere(self, sec, ask, tmp_path):
        made = ask()
        kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
        assert kept
        assert b"jane" not in kept.lower()
        assert "jane" not in f"{made}{made.source}{made.notes}{made.table}".lower()
        sec.fail(FACTS, "500", 2)
        with pytest.raises(Unavailable) as caught:
            ask(cache=False)
        assert "jane" not in str(caught.value)

    def test_the_cache_serves_and_offline_opens_no_connection(self, sec, ask):
        first = ask()
        assert len(sec.requests) == 2
        for options in ({}, {"offline": True}, {"offline": True, "user_agent": None}):
            pd.testing.assert_frame_equal(ask(**options).table, first.table)
        assert len(sec.requests) == 2
        ask(cache=False)
        assert len(sec.requests) == 4

    def test_offline_without_a_cached_file(self, sec, ask):
        with pytest.raises(OfflineMiss, match="fetch it once without offline"):
            ask(offline=True)
        assert sec.requests == []

    def test_an_old_file_serves_where_the_newer_one_cannot_be_had(self, sec, ask, tmp_path):
        ask(1234, "X")
        store, key = Store(tmp_path / "cache"), Key("sec", "facts", "CIK0000001234")
        held = store.read(key)
        store.write(key, {**held.about, "fetched": "2025-01-02T03:04:05+00:00"}, held.payload)
        sec.fail(FACTS, "500", 2)
        with pytest.warns(CacheWarning, match="The cached file of 2025-01-02"):
            made = ask(1234, "X")
        assert "X: as fetched on 2025-01-02; a newer file was not had (HTTP 500" in made.notes[-1]

    def test_the_refusal_of_the_sec_says_what_to_do(self, sec, ask):
        sec.fail(FACTS, "403", 5)
        with pytest.raises(Unavailable, match=r"HTTP 403.*refuses a user_agent .*check yours, or wait ten minutes"):
            ask()

    def test_refused_for_rate(self, sec, ask):
        sec.fail(FACTS, "429", 1)
        assert ask().firms == ["XYZ"]
        sec.fail(FACTS, "429", 2)
        with pytest.raises(RateLimited, match="HTTP 429"):
            ask(cache=False)

    def test_nothing_there(self, sec, ask):
        with pytest.raises(NoData, match=r"HTTP 404.*check the CIK; funds"):
            ask(99, "X")
        with pytest.raises(
            NoData, match=r"no such ticker there \(did you mean XYZ\?\); give the firm's CIK and ticker="
        ):
            ask("XYZZ")
        with pytest.raises(NoData, match="no such ticker there; give"):
            ask("QQQQQQ")

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (company()[:-30], "no whole JSON"),
            (b"<!DOCTYPE html><html></html>", "an HTML page"),
            (b"", "it is empty"),
            (company(cik=77), "it is of CIK 77"),
            (b"{}", "no company facts"),
        ],
    )
    def test_a_bad_body_is_an_error_and_is_not_served_again(self, sec, ask, body, message):
        good, sec.files[FACTS] = sec.files[FACTS], body
        with pytest.raises(BadData, match=message):
            ask()
        sec.files[FACTS] = good
        assert ask().firms == ["XYZ"]

    def test_a_bad_list_of_tickers(self, sec, ask):
        good, sec.files[TICKERS] = sec.files[TICKERS], b"<html></html>"
        with pytest.raises(BadData, match="no list of tickers came"):
            ask()
        sec.files[TICKERS] = good
        assert ask().firms == ["XYZ"]

    @pytest.mark.parametrize("fault", ["short", "reset", "500"])
    def test_a_fault_is_repeated(self, sec, ask, fault):
        sec.fail(FACTS, fault, 1)
        assert len(ask().table) == 4
        assert len(sec.requests) == 3

    @pytest.mark.parametrize("source", [None, 1.5, True, "", "not a ticker", -5, "12345678901", 123456789012])
    def test_what_is_no_source(self, ask, source):
        with pytest.raises(
            InputError, match=r"give a company-facts \.json file, a CIK of up to ten digits, or a ticker"
        ):
            ask(source)

    def test_no_source_at_all(self, ask):
        with pytest.raises(InputError, match="names no firm"):
            ask([])
