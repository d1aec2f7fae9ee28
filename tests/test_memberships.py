"""Events in several groups: rows of a frame that differ only in their group."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.catalog.table import event_table, members

DAYS = pd.bdate_range("2020-01-01", periods=300)
OPTIONS = {"window": (-2, 5), "estimation": (-120, -11), "min_obs": 60, "calendar": "index"}
ROUNDING = {"rtol": 1e-10, "atol": 1e-14}  # sums of the same numbers in another order
FIRMS = [f"F{i}" for i in range(8)]


@pytest.fixture(scope="module")
def returns() -> pd.DataFrame:
    draw = np.random.default_rng(1)
    market = draw.normal(0, 0.01, 300)
    return pd.DataFrame({f: market + draw.normal(0, 0.02, 300) for f in FIRMS} | {"m": market}, DAYS)


def distinct(shared: bool = False) -> pd.DataFrame:
    """Eight events, on dates of their own or on two dates."""
    places = np.repeat([200, 250], 4) if shared else np.arange(150, 270, 15)
    return pd.DataFrame({"ticker": FIRMS, "date": DAYS[places]})


def grouped(shared: bool = False) -> pd.DataFrame:
    """The same events in the group all, five of them also in tech, two of these also in chips."""
    events = distinct(shared)
    parts = {"all": slice(0, 8), "tech": slice(1, 6), "chips": slice(2, 4)}
    return pd.concat([events[rows].assign(group=name) for name, rows in parts.items()], ignore_index=True)


def study(events: pd.DataFrame, returns: pd.DataFrame, **options) -> ms.StudyResult:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is excluded
        return ms.event_study(events, returns=returns, model=ms.MarketModel("m"), **{**OPTIONS, **options})


def streamed(events: pd.DataFrame, returns: pd.DataFrame) -> ms.StreamedStudy:
    return ms.summarize_events(events, returns=returns, model=ms.MarketModel("m"), **OPTIONS)


@pytest.mark.parametrize("shared", [False, True])
def test_each_group_is_tested_as_a_study_of_its_own(returns, shared):
    events = grouped(shared)
    table = study(events, returns).tests(by="group", which="all")
    assert list(dict.fromkeys(table.index.get_level_values("group"))) == ["all", "tech", "chips"]
    for name in ("all", "tech", "chips"):
        alone = study(events[events["group"] == name], returns).tests(which="all")
        pd.testing.assert_frame_equal(pd.DataFrame(table.loc[name]), pd.DataFrame(alone), check_exact=True)


def test_what_is_not_by_group_counts_an_event_once(returns):
    whole, plain = study(grouped(), returns), study(distinct(), returns)
    assert whole.exclusions.empty
    assert list(whole.events["group"]) == [
        "all",
        "all; tech",
        *["all; tech; chips"] * 2,
        *["all; tech"] * 2,
        "all",
        "all",
    ]
    pd.testing.assert_frame_equal(whole.tests(which="all"), plain.tests(which="all"), check_exact=True)
    for read in (lambda s: s.car(), lambda s: s.ar, lambda s: s.alignment, lambda s: s.aar(), lambda s: s.to_frame()):
        pd.testing.assert_frame_equal(read(whole), read(plain), check_exact=True)
    assert repr(whole) == repr(plain)


def test_a_streamed_study_has_the_same_groups(returns):
    whole, sums = study(grouped(), returns), streamed(grouped(), returns)
    assert sums.counts.to_dict() == {"n_given": 8, "n_moved": 0, "n_studied": 8}
    names = ["t_cross_sectional", "patell", "bmp", "sign"]
    for by in (None, "group"):
        mine, theirs = sums.tests(by=by, which=names), whole.tests(by=by, which=names)
        theirs = theirs.loc[mine.index]
        np.testing.assert_allclose(mine["statistic"], theirs["statistic"], **ROUNDING)
        assert list(mine["n_events"]) == list(theirs["n_events"])
        assert list(mine["note"]) == list(theirs["note"])
    pooled = streamed(distinct(), returns)
    np.testing.assert_allclose(sums.aar()[["aar", "se"]], pooled.aar()[["aar", "se"]], **ROUNDING)


def test_groups_that_overlap_are_told_apart_by_hand(returns):
    """On dates of their own, eight events less five of them: weights 1/8 and 1/8 - 1/5, a variance for each weight."""
    whole = study(grouped(), returns)
    row = ms.group_differences(whole, 0, 1).loc[("all", "tech")]
    car = whole.car(0, 1)["car"].to_numpy()
    inside = np.isin(np.arange(8), range(1, 6))
    variance = sum((w * n) ** 2 * car[own].var(ddof=1) / n for w, n, own in ((1 / 8, 3, ~inside), (-3 / 40, 5, inside)))
    np.testing.assert_allclose(row["difference"], car.mean() - car[inside].mean(), rtol=1e-10)
    np.testing.assert_allclose(row["se"], np.sqrt(variance), rtol=1e-10)
    assert (row["n_1"], row["n_2"], row["method"]) == (8, 5, "Welch")


def test_groups_that_overlap_on_one_date_are_a_contrast_of_its_regressions(returns):
    events = distinct().assign(date=DAYS[250])
    parts = [events.assign(group="all"), events[1:6].assign(group="tech")]
    whole = study(pd.concat(parts), returns, window=(0, 0))
    row = ms.group_differences(whole).loc[("all", "tech")]
    weights = np.full(8, 1 / 8) - np.isin(np.arange(8), range(1, 6)) / 5
    days = np.arange(250 - 120, 250 - 10)
    y, x = returns[FIRMS].to_numpy() @ weights, np.column_stack([np.ones(300), returns["m"]])
    coefficients, rss, *_ = np.linalg.lstsq(x[days], y[days], rcond=None)
    spread = rss[0] / (len(days) - 2) * (1 + x[250] @ np.linalg.inv(x[days].T @ x[days]) @ x[250])
    np.testing.assert_allclose(row["difference"], y[250] - x[250] @ coefficients, rtol=1e-10)
    np.testing.assert_allclose(row["se"], np.sqrt(spread), rtol=1e-10)
    assert row["method"] == "contrast on one date"


def test_the_order_of_the_rows_does_not_matter(returns):
    whole = study(grouped(True), returns)
    other = study(grouped(True).sample(frac=1, random_state=4), returns)
    a, b = (s.tests(by="group", which=["patell", "bmp", "portfolio"]) for s in (whole, other))
    np.testing.assert_allclose(a["statistic"], b.loc[a.index, "statistic"], rtol=1e-8)
    assert list(a["n_events"]) == list(b.loc[a.index, "n_events"])
    mine, theirs = (s.events["group"].str.split("; ").map(set).sort_index() for s in (whole, other))
    pd.testing.assert_series_equal(mine, theirs)


def test_the_groups_are_text_that_parquet_keeps_and_a_study_reads(returns):
    pytest.importorskip("pyarrow")
    whole = study(grouped(), returns)
    stored = io.BytesIO()
    whole.events.to_parquet(stored)
    back = pd.read_parquet(stored)
    assert list(back["group"]) == list(whole.events["group"])
    again = study(back[["ticker", "date", "group"]], returns)
    pd.testing.assert_frame_equal(again.tests(by="group"), whole.tests(by="group"), check_exact=True)


class TestTable:
    def frame(self, *rows: tuple, columns=("ticker", "date", "group", "event_id")) -> pd.DataFrame:
        frame = pd.DataFrame([(*row, *["x"] * 4)[: len(columns)] for row in rows], columns=list(columns))
        return frame.drop(columns="event_id") if "event_id" in columns and len(rows[0]) == 3 else frame

    def test_a_row_repeated_with_its_group_is_a_second_event(self):
        day = "2021-03-01"
        table = event_table(self.frame(("A", day, "x"), ("A", day, "y"), ("B", day, "x"), ("A", day, "x")), None)
        assert list(table.event_id) == [f"A@{day}", f"B@{day}", f"A@{day}#2"]
        assert list(table.group) == ["x; y", "x", "x"]

    def test_ids_of_their_own_keep_rows_apart_and_one_id_joins_them(self):
        day = "2021-03-01"
        apart = event_table(self.frame(("A", day, "x", "one"), ("A", day, "y", "two")), None)
        assert list(apart.group) == ["x", "y"]
        joined = event_table(self.frame(("A", day, "x", "one"), ("A", day, "y", "one")), None)
        assert (list(joined.event_id), list(joined.group)) == (["one"], ["x; y"])
        with pytest.raises(ms.errors.InputError, match="more than once"):
            event_table(self.frame(("A", day, "x", "one"), ("B", day, "y", "one")), None)

    def test_rows_with_another_time_timing_or_rule_are_other_events(self):
        for name, values in (("timing", ("", "after_close")), ("on_closed", ("", "next"))):
            frame = self.frame(("A", "2021-03-01", "x"), ("A", "2021-03-01", "y"))
            assert list(event_table(frame.assign(**{name: values}), None).group) == ["x", "y"]
        times = ["2021-03-01T10:00:00-05:00", "2021-03-01T11:00:00-05:00"]
        assert len(event_table(self.frame(*[("A", t, g) for t, g in zip(times, "xy", strict=True)]), None)) == 2
        assert len(event_table(self.frame(*[("A", times[0], g) for g in "xy"]), None)) == 1

    def test_no_group_is_no_further_membership(self):
        table = event_table(self.frame(("A", "2021-03-01", None), ("A", "2021-03-01", "x")), None)
        assert list(table.group) == ["x"]

    def test_market_wide_rows_are_merged_for_each_ticker(self):
        frame = pd.DataFrame({"date": ["2021-03-01"] * 2, "group": ["x", "y"]})
        table = event_table(frame, ["A", "B"])
        assert list(table.event_id) == ["2021-03-01/A", "2021-03-01/B"]
        assert list(table.group) == ["x; y"] * 2

    def test_the_frame_given_stays_as_it_is(self):
        frame = self.frame(("A", "2021-03-01", "x"), ("A", "2021-03-01", "y"))
        event_table(frame, None)
        assert list(frame["group"]) == ["x", "y"]

    def test_members(self):
        found = members(np.array(["b", "b; a", "", "a"], dtype=object))
        assert {name: list(at) for name, at in found.items()} == {"b": [0, 1], "a": [1, 3], "": [2]}
        assert members(np.array([], dtype=object)) == {}
        assert list(members(np.array(["x; y"], dtype=object), "event")) == ["x; y"]


def test_a_line_for_each_group_in_the_plot(returns):
    plt = pytest.importorskip("matplotlib.pyplot")
    ax = ms.plots.caar(study(grouped(), returns), by="group")
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["all (8 events)", "tech (5 events)", "chips (2 events)"]
    assert ax.get_title(loc="left").startswith("Mean CAR of 8 events by group")
    plt.close("all")


def test_a_calendar_of_other_events_keeps_its_rows(returns):
    whole = study(distinct(), returns)
    calendar = grouped().assign(
        title=[f"entry {k}" for k in range(15)], date=lambda f: f["date"] + pd.Timedelta(days=1)
    )
    calendar["event_id"] = calendar["title"]
    found = whole.confounders(calendar)
    assert (found["confounder"] == found["title"]).all()
    assert len(found[found["ticker"] == "F2"]) == 3


def test_a_backtest_trades_the_event_once(returns):
    closes = 100 * (1 + returns).cumprod()
    seen = []

    def rule(event):
        seen.append((event.ticker, event.group))
        return 1.0

    own = ms.rules.Own(3, function=rule, entry="next_close")
    run = {"rule": own, "calendar": "index"}
    result = ms.backtest(grouped(), prices=closes, **run)
    plain = ms.backtest(distinct(), prices=closes, **run)
    assert seen[:3] == [("F0", "all"), ("F1", "all; tech"), ("F2", "all; tech; chips")]
    assert list(result.trades["group"])[:3] == ["all", "all; tech", "all; tech; chips"]
    pd.testing.assert_frame_equal(result.trades.drop(columns="group"), plain.trades.drop(columns="group"))
