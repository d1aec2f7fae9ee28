"""Names with blanks, characters that are not seen, dollar signs and equals signs, in every table that is read."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.catalog.table import event_table
from marketshock.errors import InputError

DAYS = pd.DatetimeIndex(pd.bdate_range("2020-01-01", periods=300), name="date")
UNSEEN = ["A\tB", "A\nB", "A\x07B", "A\u200bB", "A\u00a0B", "A\x00B"]


def closes(*names: str) -> pd.DataFrame:
    draw = np.random.default_rng(2)
    market = draw.normal(0, 0.01, len(DAYS))
    moves = [market + draw.normal(0, 0.01 * k, len(DAYS)) for k, _ in enumerate(names)]
    return pd.DataFrame(dict(enumerate(100 * np.cumprod(1 + m) for m in moves)), DAYS).set_axis(list(names), axis=1)


def long(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.reset_index().melt("date", var_name="ticker", value_name="close")


def two_levels(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat({"Close": frame, "Open": frame}, axis=1)


def study(ticker: str, benchmark: str = "M", **market) -> ms.StudyResult:
    events = pd.DataFrame({"ticker": [ticker], "date": [DAYS[280]]})
    options = {"calendar": "index", "window": (-1, 2), "estimation": (-200, -11)}
    return ms.event_study(events, model=ms.MarketModel(benchmark), **options, **market)


@pytest.fixture(params=["wide", "long", "two levels", "csv", "long csv"])
def read(request, tmp_path):
    """A function that reads closes by the shape."""
    make = {"wide": lambda f: f, "long": long, "two levels": two_levels}.get(request.param)
    if make is not None:
        return lambda frame: ms.Prices.from_frame(make(frame))

    def from_file(frame):
        path = tmp_path / "prices.csv"
        frame = frame if request.param == "csv" else long(frame).set_index("date")
        path.write_text(frame.to_csv(), "utf-8")
        return ms.read_prices(path)

    return from_file


@pytest.mark.parametrize("blank", [" A", "A ", "  A  ", "\tA", "A\n", "A\u00a0"])
def test_blanks_around_names_of_prices_are_no_part_of_them(read, blank):
    given = read(closes("M", blank, "C"))
    assert given.tickers == ["M", "A", "C"]
    np.testing.assert_array_equal(given.close.to_numpy(), read(closes("M", "A", "C")).close.to_numpy())
    assert all(list(frame.columns) == given.tickers for frame in given.extra.values())


def test_two_spellings_of_a_name_are_refused(read):
    with pytest.raises(InputError, match=r"'A' stands there (with and without blanks|more than once)|twice"):
        read(closes("M", "A", "A "))


@pytest.mark.parametrize("name", UNSEEN[2:5])
def test_what_is_not_seen_is_refused_by_its_number(read, name):
    with pytest.raises(InputError, match=r"a character that is not seen \(U\+[0-9A-F]{4}\); remove it"):
        read(closes("M", name))


@pytest.mark.parametrize("name", UNSEEN)
def test_the_same_in_returns_factors_events_and_counts(name):
    returns = closes("M", "A").pct_change().iloc[1:]
    with pytest.raises(InputError, match=r"returns: the name .* is not seen"):
        study("A", returns=returns.assign(**{name: 0.0}))
    with pytest.raises(InputError, match=r"factors: the name .* is not seen"):
        study("A", returns=returns, factors=returns[["M"]].rename(columns={"M": name}))
    with pytest.raises(InputError, match=r"events: the name .* is not seen"):
        study(name, returns=returns)
    with pytest.raises(InputError, match=r"events: the name .* is not seen"):
        event_table(pd.DataFrame({"ticker": ["A"], "date": ["2021-01-27"], name: [1]}), None)
    counts = {"firm": [name], "shares": [1e9], "as_of": ["2020-01-01"], "filed": ["2020-02-01"]}
    with pytest.raises(InputError, match=r"shares: the name .* is not seen"):
        ms.SharesTable.from_frame(pd.DataFrame(counts))


def test_blanks_in_returns_factors_events_and_counts():
    returns = closes("M", "A").pct_change().iloc[1:]
    plain = study("A", returns=returns).car()
    spaced = returns.rename(columns={"A": " A", "M": "M "})
    pd.testing.assert_frame_equal(study("A", returns=spaced).car(), plain)
    of_factors = study("A", returns=returns[["A"]], factors=returns[["M"]].rename(columns={"M": " M "})).car()
    pd.testing.assert_frame_equal(of_factors, plain)
    with pytest.raises(ms.errors.NoUsableEventsError, match=r"no .* of 'A ': did you mean 'A'"):
        study("A ", returns=returns)
    with pytest.raises(InputError, match="row 0 has no ticker"):
        event_table(pd.DataFrame({"ticker": ["  "], "date": ["2021-01-27"]}), None)
    assert list(event_table(pd.DataFrame({"ticker": ["A"], "date": ["2021-01-27"], " size ": [1]}), None).traits) == [
        "size"
    ]
    counts = {"firm": [" A "], "shares": [1e9], "as_of": ["2020-01-01"], "filed": ["2020-02-01"]}
    table = ms.SharesTable.from_frame(pd.DataFrame(counts))
    assert table.firms == ["A"]
    assert list(table.table["priced_at"]) == ["A"]


@pytest.mark.parametrize("name", ["us$_adj_x_$", "$A$", "$\\frac{$", "=F", "=1+1", "ES=F", "BRK.B", "^GSPC", "a_b^c"])
def test_signs_of_vendors_are_part_of_a_name_and_break_no_picture(name):
    found = study(name, prices=closes("M", name, "C"))
    assert found.car().iloc[0]["ticker"] == name
    plots = [
        lambda **kw: ms.plots.car(found, **kw),
        lambda **kw: ms.plots.ar_heatmap(found, **kw),
        lambda **kw: ms.plots.forest(found, **kw),
        lambda **kw: ms.plots.caar(found, by="ticker", **kw),
        lambda **kw: ms.plots.price_path(found, found.events.index[0], **kw),
    ]
    import matplotlib.pyplot as plt

    for draw in plots:
        _, theirs = plt.subplots()
        theirs.set_title("before")
        theirs.text(0, 0, r"$\alpha$")
        for ax in (draw(), draw(ax=theirs)):
            ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
        assert theirs.texts[0].get_parse_math()
        plt.close("all")
    model = study("C", benchmark=name, prices=closes("M", name, "C"))
    ms.plots.residuals(model, model.events.index[0])[0].figure.savefig(io.BytesIO(), format="png", dpi=30)
    plt.close("all")
