"""A vendor's counts, cleaned by stated rules; what was done stands in the notes. All counts are made up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from marketshock.errors import InputError, NoData, SharesError
from marketshock.providers.plausible import implausible, jumps, unit_of
from marketshock.providers.vendor_shares import vendor_counts

TEN = (("2024-06-10", 10.0),)


def counts(*rows) -> pd.Series:
    """A series as yfinance gives it: in the exchange's zone, at midnight there."""
    days = pd.DatetimeIndex([r[0] for r in rows]).tz_localize("America/New_York")
    return pd.Series([r[1] for r in rows], index=days)


def clean(*rows, splits=()):
    frame = pd.DataFrame(splits, columns=["date", "ratio"])
    made = vendor_counts("X", counts(*rows), frame, "Yahoo Finance")
    found = dict(zip(made.table["as_of"].astype(str).str.slice(0, 10), made.table["shares"], strict=True))
    return found, made


YEARS = [("2023-11-20", 2.47e9), ("2024-03-01", 2.5e9), ("2024-08-28", 24.5e9), ("2024-11-20", 24.4e9)]


def test_a_row_of_the_table():
    _, made = clean(*YEARS, splits=TEN)
    row = made.table.iloc[0]
    assert (row["firm"], row["priced_at"], row["share_class"], row["basis"]) == ("X", "X", "not said", "vendor")
    assert (row["form"], row["rounding"], made.source) == ("Yahoo Finance", 1e7, "Yahoo Finance")
    assert made.table["filed"].isna().all()
    assert str(row["as_of"]) == "2023-11-20 00:00:00"
    assert made.notes == ()


def test_nothing_came():
    for nothing in (None, pd.Series(dtype=float)):
        with pytest.raises(NoData, match="X: asked for share counts of V; it has none"):
            vendor_counts("X", nothing, None, "V")
    with pytest.raises(NoData, match="none is usable"):
        clean(("2024-01-02", 100), ("2024-01-03", np.nan))
    with pytest.raises(SharesError, match="got a list"):
        vendor_counts("X", [1e9], None, "V")
    with pytest.raises(InputError, match="no positive ratio"):
        clean(*YEARS, splits=[("2024-06-10", 0)])


def test_the_input_is_left_as_it_was():
    given, splits = counts(*YEARS[::-1]), pd.DataFrame(TEN, columns=["date", "ratio"])
    before = given.copy(), splits.copy()
    vendor_counts("X", given, splits, "V")
    pd.testing.assert_series_equal(given, before[0])
    pd.testing.assert_frame_equal(splits, before[1])


def test_order_is_restored_with_a_word():
    found, made = clean(*YEARS[::-1], splits=TEN)
    assert list(found.values()) == [2.47e9, 2.5e9, 24.5e9, 24.4e9]
    assert made.notes == ("X: the counts were not in order of their dates, and were sorted",)


def test_what_is_no_count_is_left_out():
    found, made = clean(
        ("2024-01-02", 1e9), ("2024-01-03", 0), ("2024-01-04", np.nan), ("2024-01-05", 1000), (None, 1e9)
    )
    assert list(found) == ["2024-01-02"]
    assert [note.split(":")[1] for note in made.notes] == [
        " left out 0 of 2024-01-03",
        " left out nan of 2024-01-04",
        " left out 1000 of 2024-01-05",
        " left out 1e+09 of NaT",
    ]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_counts_of_a_day_the_nearest_to_the_last_is_taken(order):
    found, made = clean(("2024-11-20", 24.49e9), *[("2025-01-15", 24.49e9), ("2025-01-15", 24.34e9)][::order])
    assert found == {"2024-11-20": 24.49e9, "2025-01-15": 24.49e9}
    assert made.notes == ("X: 2025-01-15 has several counts: took 24,490,000,000, left out 24,340,000,000",)


def test_on_the_first_day_the_next_one_tells():
    found, _ = clean(("2024-11-20", 20e9), ("2024-11-20", 24.3e9), ("2025-01-15", 24.3e9))
    assert found["2024-11-20"] == 24.3e9


def test_the_same_count_twice_a_day_is_one():
    _, made = clean(("2024-11-20", 24.49e9), ("2024-11-20", 24.49e9))
    assert (len(made.table), made.notes) == (1, ())


@pytest.mark.parametrize("around", [YEARS, YEARS[:2], YEARS[2:]], ids=["both sides", "before", "after"])
def test_a_switch_of_units_early_or_late_is_put_right(around):
    """Counts of 20 May in new shares, and of 20 June in old ones: each into the shares of its own date."""
    moved = [("2024-05-20", 24.6e9), ("2024-05-29", 2.46e9), ("2024-06-20", 2.45e9), ("2024-07-20", 24.5e9)]
    found, made = clean(*sorted([*around, *moved]), splits=TEN)
    assert [found[day] for day, _ in moved] == [2.46e9, 2.46e9, 24.5e9, 24.5e9]
    assert [n.split(" is in")[0] for n in made.notes] == [
        "X: 24,600,000,000 of 2024-05-20",
        "X: 2,450,000,000 of 2024-06-20",
    ]
    assert list(made.table["rounding"][made.table["as_of"] == "2024-06-20"]) == [1e8]
    in_new = made.table["shares"] * np.where(made.table["as_of"] < "2024-06-10", 10, 1)
    assert in_new.between(24.3e9, 25.1e9).all()


def test_old_shares_until_the_next_filing():
    """A count a week in old shares, until the quarterly report eleven weeks after the split."""
    weeks = [(str(day.date()), 2.46e9) for day in pd.date_range("2024-06-10", "2024-08-26", freq="7D")]
    found, _ = clean(*YEARS[:2], *weeks, *YEARS[2:], splits=TEN)
    assert {found[day] for day, _ in weeks} == {24.6e9}
    assert found["2024-03-01"] == 2.5e9


def test_old_and_new_shares_on_the_day_of_the_split_are_one_count():
    found, _ = clean(*YEARS[:2], ("2024-06-10", 2.45e9), ("2024-06-10", 24.5e9), *YEARS[2:], splits=TEN)
    assert found["2024-06-10"] == 24.5e9
    assert len(found) == 5


def test_a_reverse_split():
    rows = [("2023-01-03", 8e8), ("2023-06-01", 8e8), ("2023-06-20", 8e8), ("2023-12-01", 1e8)]
    found, made = clean(*rows, splits=[("2023-06-12", 1 / 8)])
    assert found["2023-06-20"] == 1e8
    assert len(made.notes) == 1


def test_two_splits():
    rows = [("2020-01-02", 1e8), ("2021-01-04", 4e8), ("2022-01-03", 4e8), ("2022-07-01", 4e8), ("2023-01-03", 8e9)]
    found, _ = clean(*rows, splits=[("2020-08-31", 4.0), ("2022-06-06", 20.0)])
    assert list(found.values()) == [1e8, 4e8, 4e8, 8e9, 8e9]


def test_counts_that_are_adjusted_for_a_split_already_are_left_out_before_it():
    """2.5e10 throughout: multiplied by 10 before the split they would be 2.5e11."""
    found, made = clean(("2024-01-02", 25e9), ("2024-05-20", 25e9), ("2024-12-02", 25e9), splits=TEN)
    assert list(found) == ["2024-12-02"]
    assert "do not follow the split of 2024-06-10 (10 for one): left out all 2 before it" in made.notes[0]


def test_counts_that_end_soon_after_a_split_are_taken_to_be_late():
    found, made = clean(("2024-01-02", 2.5e9), ("2024-05-20", 2.5e9), ("2024-06-20", 2.5e9), splits=TEN)
    assert list(found.values()) == [2.5e9, 2.5e9, 25e9]
    assert len(made.notes) == 1


def test_a_spin_off_that_is_listed_as_a_split_changes_no_count():
    """Closes of before are divided by 1.28, and the count is multiplied by it: the old firm's value."""
    found, made = clean(
        ("2023-01-03", 1.09e9), ("2024-03-20", 1.09e9), ("2024-09-02", 1.08e9), splits=[("2024-04-02", 1.28)]
    )
    assert list(found.values()) == [1.09e9, 1.09e9, 1.08e9]
    assert "may be a spin-off" in made.notes[0]


def test_a_split_of_three_for_two_needs_both_sides():
    rows = [("2023-01-03", 1e8), ("2024-05-20", 1.5e8), ("2024-12-02", 1.5e8)]
    assert clean(*rows, splits=[("2024-06-10", 1.5)])[0]["2024-05-20"] == 1e8
    assert clean(*rows[1:], splits=[("2024-06-10", 1.5)])[0]["2024-05-20"] == 1.5e8


def test_splits_outside_the_counts_matter_not():
    rows = [("2023-01-03", 1e8), ("2023-02-03", 1.01e8)]
    found, made = clean(*rows, splits=[("2001-01-02", 3.0), ("2024-06-10", 10.0)])
    assert (list(found.values()), made.notes) == ([1e8, 1.01e8], ())


def test_a_jump_that_reverts_is_left_out_and_one_that_stays_is_named():
    rows = [("2023-01-03", 1e8), ("2023-02-03", 4e8), ("2023-03-03", 1e8), ("2023-04-03", 6e8), ("2023-05-03", 6.1e8)]
    found, made = clean(*rows)
    assert list(found.values()) == [1e8, 1e8, 6e8, 6.1e8]
    assert made.notes == (
        "X: left out 400,000,000 of 2023-02-03: a jump that no split explains",
        "X: jump to 600,000,000 on 2023-04-03, which no split explains and which stays: kept",
    )


@pytest.mark.parametrize(
    ("row", "bad"),
    [
        ([1], []),
        ([1, 900], [1]),
        ([900, 1], [1]),
        ([1, 1, 1.9, 1], []),
        ([1, 900, 1, 1], [1]),
        ([1, 900, 901, 1, 1], [1, 2]),
        ([900, 1, 1, 1], [0]),
        ([1, 1, 1, 0.001], [3]),
        ([1, 1, 5], []),
        ([1, 5, 5, 5], []),
        ([5, 1, 1, 1], []),
        ([1, 5, 1.01, 5, 5], [1]),
        ([1, 4, 1, 6, 6.1], [1]),
        ([1, 1, 900, 900, 900], []),
    ],
)
def test_implausible(row, bad):
    assert list(np.flatnonzero(implausible(np.array(row, dtype=float) * 1e6))) == bad


def test_jumps():
    assert jumps(np.array([1.0, 2.9, 9.0, 2.0])) == [2, 3]


@pytest.mark.parametrize(
    ("count", "unit"),
    [(24_490_000_000, 1e7), (24_400_000_000, 1e8), (15_115_823_000, 1000), (3_210_059_600, 1), (12_345, 1)],
)
def test_rounding_is_read_off_trailing_zeros(count, unit):
    assert unit_of(count) == unit
