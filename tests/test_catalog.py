"""The bundled catalog and the loader's errors."""

from __future__ import annotations

import datetime as dt

import pytest

import marketshock as ms
from marketshock.errors import CatalogError, InputError, UnknownNameError

from .conftest import ROOT

DOCUMENTS = ROOT.parent / "shared" / "documents"

DATED = {
    "deepseek-v3": "2024-12-26",
    "deepseek-r1": "2025-01-20",
    "arena-ranking": "2025-01-24",
    "deepseek-selloff": "2025-01-27",
    "fed-hold-january": "2025-01-29",
    "tariff-order": "2025-02-01",
    "mexico-pause": "2025-02-03",
    "canada-pause": "2025-02-03",
    "tariff-pause": "2025-02-03",
    "google-call": "2025-02-04",
    "tariffs-in-force": "2025-03-04",
}


@pytest.mark.parametrize(("event_id", "day"), DATED.items())
def test_dates(catalog, event_id, day):
    when = catalog[event_id].when
    assert str(when.date() if isinstance(when, dt.datetime) else when) == day


def test_every_event_has_a_source_with_its_paragraph(catalog):
    for event in catalog.values():
        assert event.sources, event.id
        assert all(s.document.endswith(".txt") and s.paragraph >= 1 for s in event.sources)


def test_order_is_by_date(catalog):
    ids = list(catalog)
    assert ids.index("deepseek-v3") == 0
    assert ids[-1] == "tariffs-in-force"
    assert "deepseek-selloff" in repr(catalog)


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the documents are not beside the project")
def test_sources_exist_and_no_sentence_is_copied(catalog):
    text = {
        p.name: [line for line in p.read_text("utf-8").splitlines() if line.strip()] for p in DOCUMENTS.glob("*.txt")
    }
    for event in catalog.values():
        for source in event.sources:
            assert source.paragraph <= len(text[source.document]), event.id
    ours = (ROOT / "data" / "catalog" / "two_documents.toml").read_text("utf-8")
    assert ours.isascii()  # the documents are Chinese


ENTRY = {"id": '"x"', "title": '"t"', "date": "2025-01-27", "kind": '"policy"'}


def write(tmp_path, **fields):
    entry = {**ENTRY, **fields}
    lines = [f"{key} = {value}" for key, value in entry.items() if value is not None]
    path = tmp_path / "mine.toml"
    path.write_text("[[event]]\n" + "\n".join(lines), encoding="utf-8")
    return path


def test_own_catalog(tmp_path):
    event = ms.load_catalog(write(tmp_path, tickers='["NVDA"]'))["x"]
    assert event.tickers == ("NVDA",)
    assert not event.market_wide
    assert ms.load_catalog(tmp_path)["x"] == event


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": '"gossip"'}, r"mine.toml, entry 1 \('x'\), field 'kind'.*allowed are 'release'"),
        ({"kind": None}, "field 'kind': is missing"),
        ({"id": None}, "entry 1, field 'id': is missing"),
        ({"timing": '"noon"'}, "field 'timing'.*allowed are"),
        ({"on_closed": '"slide"'}, "field 'on_closed'.*allowed are"),
        ({"date": '"2025-01-27"'}, "without quotes"),
        ({"date": "2025-01-27T10:00:00-05:00"}, "without quotes"),
        ({"date": None}, "exactly one of the two"),
        ({"timestamp": "2025-01-27T10:00:00-05:00"}, "exactly one of the two"),
        ({"date": None, "timestamp": "2025-01-27T10:00:00"}, "has no time zone"),
        ({"date": None, "timestamp": '"10:00"'}, "without quotes"),
        ({"tickers": '"NVDA"'}, "field 'tickers'.*list"),
        ({"sources": "5"}, "field 'sources'.*list of tables"),
        ({"date": None, "timestamp": "2025-01-27T10:00:00-05:00", "on_closed": '"drop"'}, "with the timestamp"),
        ({"colour": '"red"'}, "field 'colour': is unknown; allowed are id, title"),
        ({"sources": '[{ document = "a.txt" }]'}, "document .text. and paragraph"),
        ({"sources": '[{ document = "a.txt", paragraph = 1, page = 2 }]'}, "'page': is unknown"),
    ],
)
def test_loader_names_file_entry_and_field(tmp_path, fields, message):
    with pytest.raises(CatalogError, match=message):
        ms.load_catalog(write(tmp_path, **fields))


def test_files_that_are_no_catalog(tmp_path):
    with pytest.raises(CatalogError, match="no such file"):
        ms.load_catalog(tmp_path / "none.toml")
    with pytest.raises(CatalogError, match=r"no \.toml file"):
        ms.load_catalog(tmp_path)
    for text, message in (
        ("event = 3", "contains no"),
        ('event = ["a"]', "contains no"),
        ("= 3", "not valid TOML"),
        ("[other]", "unknown table 'other'"),
        ("", "contains no"),
    ):
        (tmp_path / "bad.toml").write_text(text)
        with pytest.raises(CatalogError, match=message):
            ms.load_catalog(tmp_path / "bad.toml")
    (tmp_path / "bad.toml").write_bytes("title = 'é'".encode("latin-1"))
    with pytest.raises(CatalogError, match="UTF-8"):
        ms.load_catalog(tmp_path / "bad.toml")


def test_same_id_twice(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text() * 1 + "\n" + path.read_text())
    with pytest.raises(CatalogError, match="entry 2, field 'id': 'x' is used twice"):
        ms.load_catalog(path)


def test_event_checks_itself():
    with pytest.raises(InputError, match="time zone"):
        ms.Event("x", "t", dt.datetime(2025, 1, 27, 10))
    with pytest.raises(InputError, match="with the timestamp"):
        ms.Event("x", "t", dt.datetime(2025, 1, 27, 10, tzinfo=dt.UTC), timing="during")
    with pytest.raises(UnknownNameError):
        ms.load_catalog()["nothing-like-it"]


@pytest.mark.parametrize("when", ["2025-01-27", None, 20250127, dt.time(10)])
def test_event_takes_dates_only(when):
    with pytest.raises(InputError, match="give a date, or a datetime"):
        ms.Event("x", "t", when)
