"""The tables of docs/fragility.md are what the program computes."""

from __future__ import annotations

import re

import pytest

import marketshock as ms

from .conftest import ROOT

PAGE = (ROOT / "docs" / "fragility.md").read_text("utf-8")
PERIOD = ("2025-01-01", "2025-02-12")
ORDINAL = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th"}


@pytest.fixture(scope="module")
def members() -> ms.types.IndexMembers:
    return ms.datasets.sp500()


def rows(first: str) -> list[list[str]]:
    """Return the cells of every row of a table whose first cell holds a text."""
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("|")]
    return [row for row in cells if first in row[0]]


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("about", ["zero", "mean"])
def test_conventions(members, log, about):
    top = ms.Membership.top(50, members.market_caps())
    measured = ms.fragility(members.prices, log=log, about=about)
    down, up = (measured.ranking(*PERIOD, direction=way, members=top) for way in ("down", "up"))
    ranked = []
    for table, ticker in ((down, "MRK"), (up, "PM")):
        own = table[table["ticker"] == ticker]
        ranked.append(f"{ORDINAL[own.index[0]]} ({own['z'].iloc[0]:+.2f})")
    counts = [str(measured.count("2025-01-27", by=by)) for by in ("firm", "listing")]
    ibm = f"{measured.z.loc['2025-01-30', 'IBM']:+.2f}"
    name = f"{'log' if log else 'simple'}, about {'zero' if about == 'zero' else 'the mean'}"
    assert [row[1:] for row in rows(name)] == [[*counts, ibm, *ranked]]


@pytest.mark.parametrize("n", [45, 46, 52, 53, 58, 59, 60])
def test_how_many_largest(members, n):
    measured = ms.fragility(members.prices, members=ms.Membership.top(n, members.market_caps()))
    down, up = (measured.ranking(*PERIOD, direction=way, n=None) for way in ("down", "up"))
    told = {45: "45", 46: "46 to 52", 52: "46 to 52", 53: "53 to 58", 58: "53 to 58", 59: "59, 60", 60: "59, 60"}[n]
    row = next(r for r in rows(told) if r[0] == told)
    assert row[1].startswith(ORDINAL[down.index[down["ticker"] == "MRK"][0]])
    found = up.index[(up["ticker"] == "PM") & (up["z"] > 7)]
    assert row[2] == (ORDINAL[found[0]] if len(found) else "not among them")
    assert up["ticker"].iloc[0] == "IBM"


@pytest.mark.parametrize("groups", [3, 5])
@pytest.mark.parametrize("as_of", [False, True])
def test_portfolios(members, groups, as_of):
    prices = members.prices.adj_close[members.of_sector("Information Technology")]
    joined = ms.Membership.from_frame(members.joined()) if as_of else None
    made = ms.volatility_portfolios(prices, groups=groups, start="2024-01-01", end=PERIOD[1], members=joined)
    name = "those already members at each sort" if as_of else "members of January 2025"
    for look in (126, 252):
        total = 100 * made.table["total_return"][look]
        figures = [total.iloc[0], total.iloc[-1], 100 * made.spread[look]]
        expected = [str(groups), str(look), *(f"{value:+.1f}" for value in figures)]
        assert expected in [row[1:] for row in rows(name)]


def test_years_clustering_and_contribution(members):
    top = ms.Membership.top(50, members.market_caps())
    measured = ms.fragility(members.prices, members=top)
    seven = ms.Membership.of(ms.MAGNIFICENT_SEVEN)
    text = " ".join(PAGE.split())
    a, b = (measured.by_year(members=m)["per_stock_year"].round(1).tolist() for m in (top, seven))
    assert f"{a[0]} events a stock-year in 2023 (from February), {a[1]} in 2024, {a[2]} in 2025" in text
    assert f"the Seven {b[0]}, {b[1]} and {b[2]}" in text
    told = measured.clustering()
    assert f"{told.observed} pairs where {told.expected:.0f} are expected, p = {told.pvalue:.3f}" in text
    s = ms.index_contribution(ms.MAGNIFICENT_SEVEN, "2025-01-27").summary
    assert f"{100 * s['group_contribution']:.2f} points of the index's {100 * s['index_return']:.2f} %" in text
    assert f"{100 * s['share_low']:.0f} to {100 * s['share']:.0f} % of that day's fall" in text


def test_the_python_of_the_page_runs():
    exec(compile(re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)[0], "fragility.md", "exec"), {})
