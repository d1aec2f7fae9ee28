"""Claims: what agrees with what was stated, each check by hand, and the verdicts on the two documents."""

from __future__ import annotations

import csv
import datetime as dt
import importlib.util
import json
import math

import pandas as pd
import pytest

import marketshock as ms
from marketshock.catalog.claim import Part
from marketshock.claims.finding import Answer, Measure, judge
from marketshock.claims.registry import KINDS, parameters
from marketshock.claims.verdict import combine
from marketshock.command.main import main
from marketshock.errors import CatalogError, InputError, UnknownNameError

from .conftest import ROOT

SHARED = ROOT.parent / "shared"
beside = pytest.mark.skipif(not SHARED.is_dir(), reason="the documents are not beside the project")


@pytest.fixture(scope="session")
def claims() -> ms.types.Claims:
    return ms.verify_claims()


@pytest.fixture
def check(save):
    """Return a function that writes one claim and returns its verdict."""

    def verdict(body: str, **evidence: object) -> ms.types.Verdict:
        head = '[[claim]]\nid = "X"\ntext = "x"\ndocument = "d.txt"\nparagraph = 1\n'
        return ms.verify_claims(ms.load_catalog(save(head + body, "claims.toml")), **evidence)["X"]

    return verdict


class TestStated:
    @pytest.mark.parametrize(
        ("wording", "value", "step", "inside", "outside"),
        [
            ("", -0.17, 0.01, [-0.165, -0.1697, -0.175], [-0.1649, -0.1751]),
            ("nearly", -0.17, 0.01, [-0.1697, -0.1601, -0.1749], [-0.1599, -0.1751, 0.1697]),
            ("nearly", 0.17, 0.01, [0.1601, 0.1749], [0.1599, 0.1751]),
            ("about", 14, 1, [13, 14.18, 15], [12.99, 15.01]),
            ("more_than", 0.05, 0, [0.0521], [0.05, 0.0499]),
            ("less_than", -0.019, 0, [-0.0193], [-0.019, -0.0189, 0.02]),
            ("at_least", 2, 0, [2, 3], [1.99]),
            ("at_most", 1993, 0, [1993], [1997]),
        ],
    )
    def test_intervals(self, wording, value, step, inside, outside):
        stated = ms.Stated(value, "ratio", step, wording)
        assert all(stated.agrees(v) for v in inside)
        assert not any(stated.agrees(v) for v in [*outside, math.nan])

    def test_counts_are_exact(self):
        assert ms.Stated(70, "count").agrees(70)
        assert not ms.Stated(70, "count").agrees(71)

    def test_a_rounded_figure_needs_its_step(self):
        with pytest.raises(InputError, match=r"step: got 0.*0\.01"):
            ms.Stated(0.17, "percent")
        with pytest.raises(InputError, match="unit"):
            ms.Stated(0.17, "furlongs", 0.1)  # type: ignore[arg-type]


class TestJudge:
    PART = Part("return", ms.Stated(-0.17, "percent", 0.01))

    @pytest.mark.parametrize(
        ("answer", "status"),
        [
            (Answer((Measure("a", -0.17), Measure("b", -0.3))), "reproduced"),
            (Answer((Measure("a", -0.17), Measure("b", -0.3)), equal=True), "reproduced_by_convention"),
            (Answer((Measure("a", -0.17), Measure("b", -0.17)), equal=True), "reproduced"),
            (Answer((Measure("a", -0.3), Measure("b", -0.17))), "reproduced_by_convention"),
            (Answer((Measure("a", -0.3), Measure("b", -0.2))), "contradicted"),
            (Answer((Measure("a", -0.3),), stand_in="others"), "not_reproduced"),
            (Answer((Measure("a", -0.17),), stand_in="others"), "reproduced_by_convention"),
            (Answer((Measure("a", -0.17), Measure("b", -0.3)), stand_in="others"), "not_reproduced"),
            (Answer((Measure("a", -0.17),), cause="results"), "misleading"),
            (Answer((Measure("a", -0.3),), cause="results"), "contradicted"),
            (Answer((Measure("a", -0.17),), missing="years"), "not_checkable"),
            (Answer((Measure("a", -0.3),), missing="years"), "contradicted"),
            (Answer((Measure("a", math.nan),)), "not_checkable"),
            (Answer(missing="no prices"), "not_checkable"),
        ],
    )
    def test_status(self, answer, status):
        assert judge(self.PART, answer).status == status

    def test_the_worst_part_counts_and_what_cannot_be_checked_does_not(self):
        good, bad, none = (
            judge(self.PART, answer)
            for answer in (Answer((Measure("a", -0.17),)), Answer((Measure("a", 0.0),)), Answer(missing="nothing"))
        )
        claim = ms.Claim("X", "x", "d", 1, (self.PART,))
        assert combine(claim, [good, bad]).status == "contradicted"
        assert combine(claim, [good, none]).status == "reproduced"
        assert "nothing" in combine(claim, [good, none]).reason
        assert combine(claim, [none, none]).status == "not_checkable"


# Read by eye against the documents; the figures beside them are from the press and the publishers, not from our code.
EXPECTED = {
    "reproduced": "A04 A05 A07 A08 A10 A12 A15 A19 A20 A22 A26 A28 A31 B01 B02 B03 B04 B05 B07 B11 B13 B14 B15 B16 "
    "B18 B20 B22 B23 B26",
    "reproduced_by_convention": "A11 A13 A17 A21 A24 A27 B08 B10 B17 B19 B21 B24",
    "contradicted": "A06 A18 A23 A25 B09 B25",
    "misleading": "A14",
    "not_reproduced": "A29 A30",
    "not_checkable": "A01 A02 A03 A09 A16 A32 B06 B12",
}


class TestTheTwoDocuments:
    @pytest.mark.parametrize("status", EXPECTED)
    def test_verdicts_read_by_eye(self, claims, status):
        assert sorted(EXPECTED[status].split()) == sorted(v.claim.id for v in claims.values() if v.status == status)

    def test_all_58(self, claims):
        assert list(claims) == [*(f"A{n:02}" for n in range(1, 33)), *(f"B{n:02}" for n in range(1, 27))]

    @beside
    def test_ids_and_documents_are_those_of_the_list(self, claims):
        with (SHARED / "facts" / "claims_in_documents.csv").open(encoding="utf-8") as file:
            listed = {row["id"]: row["document"] for row in csv.DictReader(file)}
        assert {i: v.claim.document for i, v in claims.items()} == listed

    @beside
    def test_paragraphs_hold_what_is_claimed_and_no_sentence_is_copied(self, claims):
        with (SHARED / "facts" / "claims_in_documents.csv").open(encoding="utf-8") as file:
            quotes = {row["id"]: row["quote_zh"] for row in csv.DictReader(file)}
        for name in {v.claim.document for v in claims.values()}:
            lines = [x for x in (SHARED / "documents" / name).read_text("utf-8").splitlines() if x.strip()]
            for verdict in claims.of_document(name).values():
                assert verdict.claim.paragraph <= len(lines)
                said = quotes[verdict.claim.id].replace('""', '"')
                at = [n for n, line in enumerate(lines, start=1) if said in line]
                assert not at or verdict.claim.paragraph in at, verdict.claim.id
        assert (ROOT / "data" / "catalog" / "claims.toml").read_text("utf-8").isascii()

    def test_events_are_those_of_the_catalog(self, claims, catalog):
        assert {v.claim.event for v in claims.values()} - {""} <= set(catalog)

    @pytest.mark.parametrize(
        ("claim", "convention", "value"),
        [
            ("A10", "close to close", 118.42 / 142.62 - 1),
            ("A11", "official close x cover count filed 2024-11-20", -(142.62 - 118.42) * 24.49e9),
            ("A11", "preliminary close x cover count filed 2024-11-20", -(142.62 - 118.58) * 24.49e9),
            ("A21", "log returns, about zero, firms", 70),
            ("A21", "log returns, about zero, listings", 71),
            ("B10", "close to close, first session after the announcement (2025-02-05)", 0.0521),
            ("B08", "open against the close before", 124.80 / 142.62 - 1),
            ("B17", "series before that revision", 2024),
        ],
    )
    def test_measures_by_hand(self, claims, claim, convention, value):
        measures = {m.convention: m.value for f in claims[claim].findings for m in f.answer.measures}
        assert measures[convention] == pytest.approx(value, rel=3e-3)

    def test_every_reading_of_a_loss_is_tried_once_the_plain_one_first(self, claims):
        tried = [m.convention for f in claims["A11"].findings for m in f.answer.measures]
        covers = [f"official close x cover count filed {day}" for day in ("2024-11-20", "2024-08-28")]
        assert tried[:2] == covers
        assert len(tried) == len(set(tried)) == len(ms.reconcile("NVDA", "2025-01-27").table)

    def test_ibm_and_the_ranks_come_out_of_fragility(self, claims):
        index = ms.datasets.sp500()
        measured = ms.fragility(index.prices)
        assert measured.count("2025-01-27") == 70
        assert measured.z.loc["2025-01-30", "IBM"] == pytest.approx(14.18, abs=0.005)
        top = ms.Membership.top(50, index.market_caps())
        span = ("2025-01-01", "2025-02-12")
        assert measured.ranking(*span, members=top)["ticker"].iloc[0] == "IBM"
        assert measured.ranking(*span, direction="down", members=top)["ticker"].iloc[1] == "MRK"
        assert measured.ranking(*span, direction="up", members=top)["ticker"].iloc[1] == "PM"
        assert claims["A27"].convention == "log returns, about zero"

    def test_results_not_the_shock_made_most_of_the_fall(self, claims):
        assert "results (-6.2 % on 2025-01-30)" in claims["A14"].reason

    def test_the_dow_is_named_as_not_checked(self, claims):
        assert "^DJI" in claims["B16"].reason

    def test_the_page_is_what_is_computed(self):
        spec = importlib.util.spec_from_file_location("page", ROOT / "docs" / "scripts" / "claims.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert (ROOT / "docs" / "claims_of_the_documents.md").read_text("utf-8") == module.page()


class TestYourOwn:
    def test_a_false_sentence_is_contradicted(self, check):
        body = 'kind = "return"\nparameters = { ticker = "NVDA", date = 2025-01-27 }\nstated = 0.05\n'
        verdict = check(body + 'unit = "percent"\nstep = 0.01\n')
        assert (verdict.status, verdict.computed) == ("contradicted", "-16.97 %")

    @pytest.mark.parametrize(
        ("parameters", "said"),
        [
            ('{ ticker = "NOPE", date = 2025-01-27 }', "no close of NOPE"),
            ('{ ticker = "NVDA", date = 2031-01-27 }', "NYSE table"),
            ('{ ticker = "NVDA", date = 2020-01-27 }', "have no 2020-01-27"),
            ('{ ticker = "NVDA", date = 2022-12-30 }', "begin on 2022-12-30"),
            ('{ ticker = "NVDA", date = 2025-01-27, price = "bid" }', "no bid of NVDA"),
        ],
    )
    def test_what_is_lacking_is_a_reason(self, check, parameters, said):
        verdict = check(f'kind = "return"\nparameters = {parameters}\nstated = 0.05\nunit = "percent"\nstep = 0.01\n')
        assert verdict.status == "not_checkable"
        assert said in verdict.reason

    @pytest.mark.parametrize(
        ("kind", "parameters", "said"),
        [
            ("index_weight", 'tickers = ["ZZZ"], date = 2025-01-27', "no market cap of ZZZ"),
            ("comovement", 'group = ["ZZZ"], among = 50, start = 2025-01-03, end = 2025-01-27', "0 listings"),
            ("comovement", 'group = ["NVDA"], among = 50, start = 2020-01-03, end = 2020-01-27', "0 sessions"),
            ("fragility_record", "group = 50, year = 1999, end = 2025-01-27, years = 3", "no moves of 1999"),
            ("rises_after", 'tickers = ["^GSPC"], date = 2025-03-31', "no closes of ^GSPC after"),
            ("sigma_count", "date = 2024-12-02, threshold = 2.0", "not from 2"),
            ("shock_frequency", 'group = "nobody", year = 2024, against = 2023', "unknown: 'nobody'"),
            ("fact_ratio", 'fact = "adp-2025-01", per = "fed-change-2025-01"', ""),
        ],
    )
    def test_no_figures_no_verdict(self, check, kind, parameters, said):
        verdict = check(f'kind = "{kind}"\nparameters = {{ {parameters} }}\nstated = 1\nunit = "ratio"\nstep = 1\n')
        assert verdict.status == "not_checkable"
        assert said in verdict.reason

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ('kind = "retrun"\nstated = 1\nunit = "count"\n', "did you mean 'return'"),
            ('kind = "return"\nstated = 1\nunit = "count"\n', "missing: ticker, date"),
            ('kind = "range"\nstated = 1\nunit = "count"\nparameters = { tikcer = "A" }\n', "unknown: tikcer"),
            (
                'kind = "sigma_count"\nparameters = { date = "2025-01-27" }\nstated = 1\nunit = "count"\n',
                "without quotes",
            ),
            (
                'kind = "range"\nparameters = { ticker = 3, start = 2025-01-02, end = 2025-01-06 }',
                "a text",
            ),
            (
                'kind = "range"\nparameters = { ticker = "A", start = 2025-01-06, end = 2025-01-02 }',
                "swap",
            ),
            (
                'kind = "pared"\nstated = 1\nunit = "count"\nparameters = { tickers = [], date = 2025-01-06 }',
                "a list such as",
            ),
            ('kind = "sigma_count"\nparameters = { date = 2025-01-27 }\n', "field 'stated'.*is missing"),
            ('kind = "fact"\nstated = 1\n', "field 'unit'.*is missing"),
            ('kind = "fact"\nstated = 1.5\nunit = "percent"\n', "field 'step'"),
            ('kind = "fact"\nstated = "1.5"\n', "give a number"),
            ('kind = "fact"\nstatd = 1\n', "field 'statd'.*is unknown"),
            ("stated = 1\n", "field 'kind'"),
            ('kind = "fact"\npart = 3\n', "field 'part'"),
        ],
    )
    def test_a_claim_that_cannot_be_read_is_refused(self, check, body, said):
        with pytest.raises(CatalogError, match=said):
            check(body)

    def test_a_catalog_without_claims(self, save):
        text = '[[event]]\nid = "e"\ntitle = "t"\ndate = 2025-01-27\nkind = "macro"\n'
        with pytest.raises(CatalogError, match="no \\[\\[claim\\]\\]"):
            ms.verify_claims(ms.load_catalog(save(text, "e.toml")))

    def test_own_prices_and_facts(self, check, save):
        days = pd.bdate_range("2025-01-21", periods=3, name="date")
        closes = pd.DataFrame({"XYZ": [10.0, 11.0, 9.9]}, index=days)
        body = 'kind = "return"\nparameters = { ticker = "XYZ", date = 2025-01-22 }\nstated = 0.1\n'
        assert check(body + 'unit = "percent"\nstep = 0.01\n', prices=closes).status == "reproduced"
        facts = "id,what,period,value,unit,published,vintage,source\nx,x,2025,3,count,2025-01-02,first,me\n"
        table = ms.datasets.recorded_facts(save(facts, "facts.csv"))
        body = 'kind = "fact"\nparameters = { fact = "x" }\nstated = 3\nunit = "count"\n'
        assert check(body, facts=table).status == "reproduced"
        body = 'kind = "fact"\nparameters = { fact = "y" }\nstated = 3\nunit = "count"\n'
        assert "no fact 'y'" in check(body, facts=table).reason.casefold()

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("id,value\nx,1\n", "no column 'what'"),
            ("id,what,period,value,unit,published,vintage,source\nx,x,2025,3,count,2025-01-02,first,\n", "no source"),
            (
                "id,what,period,value,unit,published,vintage,source\n" + 2 * "x,x,2025,3,count,2025-01-02,first,me\n",
                "'x' twice",
            ),
        ],
    )
    def test_facts_that_cannot_be_read(self, save, text, said):
        with pytest.raises(InputError, match=said):
            ms.datasets.recorded_facts(save(text, "facts.csv"))

    def test_every_kind_is_used_and_documented(self, catalog):
        used = {part.kind for claim in catalog.claims.values() for part in claim.parts}
        page = (ROOT / "docs" / "claims.md").read_text("utf-8")
        assert set(KINDS) - used <= {"fact_change"}
        for kind in KINDS:
            assert f"`{kind}`" in page
            assert KINDS[kind].__doc__
            assert [name for name in parameters(kind) if name not in page] == [], kind

    def test_facts_have_a_source_and_a_date(self):
        facts = ms.datasets.recorded_facts()
        for day in facts["published"]:
            dt.datetime.fromisoformat(day)
        assert (facts["source"].str.len() > 5).all()


class TestCommand:
    def test_table_and_summary(self, capsys):
        assert main(["claims"]) == 0
        printed = capsys.readouterr().out
        assert "58 claims: 29 reproduced, 12 reproduced by convention" in printed
        assert "A25  contradicted" in printed

    def test_one_document(self, capsys):
        assert main(["claims", "--document", "003"]) == 0
        printed = capsys.readouterr().out
        assert "26 claims" in printed
        assert "A10" not in printed

    def test_one_claim_in_full(self, capsys):
        assert main(["claims", "--id", "A11"]) == 0
        printed = capsys.readouterr().out
        assert "-592.7 bn USD      no" in printed
        assert "-588.7 bn USD     yes" in printed

    def test_json_of_all(self, capsys):
        assert main(["claims", "--json"]) == 0
        record = json.loads(capsys.readouterr().out)
        assert len(record["claims"]) == 58
        assert record["summary"]["contradicted"] == 6

    def test_json_and_markdown(self, capsys):
        assert main(["claims", "--json", "--id", "B21"]) == 0
        record = json.loads(capsys.readouterr().out)["claims"][0]
        assert record["parts"][0]["interval"] == pytest.approx([1.135, 1.145])
        assert [t["agrees"] for t in record["parts"][0]["tried"]] == [False, True]
        assert main(["claims", "--markdown", "--document", "003"]) == 0
        assert "| B25 | contradicted |" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("argv", "said"),
        [
            (["--id", "Z9"], "unknown: 'Z9'"),
            (["--document", "nope"], "unknown: 'nope'"),
            (["--catalog", "nowhere.toml"], "no such file"),
        ],
    )
    def test_bad_input(self, capsys, argv, said):
        assert main(["claims", *argv]) == 2
        assert said in capsys.readouterr().err

    def test_reproduce_ends_with_the_summary(self, capsys):
        assert main(["reproduce"]) == 0
        last = capsys.readouterr().out.split("What the documents state")[1]
        assert "58 claims: 29 reproduced" in last
        assert "contradicted: A06, A18, A23, A25, B09, B25" in last

    def test_unknown_claim(self, claims):
        with pytest.raises(UnknownNameError, match="'A99'"):
            claims["A99"]

    def test_readable(self, claims):
        assert "58 claims" in repr(claims)
        assert "<table>" in claims._repr_html_()
        assert list(claims.table.columns)[:3] == ["document", "paragraph", "text"]
