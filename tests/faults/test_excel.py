"""What a sheet of Excel cannot hold is refused by name or written as something that it can."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest

from marketshock.errors import InputError
from marketshock.report.export import to_excel


def rows_of(frame, path):
    book = openpyxl.load_workbook(to_excel(frame, path))
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        (pd.DataFrame({"note": ["short", "x" * 32_768]}), "32,768 characters in a cell, and Excel takes 32,767"),
        (pd.DataFrame(np.zeros((1, 16_385))), "16,385 columns, and Excel takes 16,384"),
        (pd.DataFrame({"a": np.zeros(1_048_576)}), "1,048,577 rows, and Excel takes 1,048,576"),
    ],
)
def test_nothing_is_cut(frame, what, tmp_path):
    with pytest.raises(InputError, match=what):
        to_excel(frame, tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


def test_the_longest_text_comes_back(tmp_path):
    assert rows_of(pd.DataFrame({"note": ["x" * 32_767]}), tmp_path / "a.xlsx")[1] == ["x" * 32_767]


class TestShapes:
    def test_days_with_a_zone_as_the_index(self, tmp_path):
        index = pd.DatetimeIndex(["2024-01-02T15:00"], tz="America/New_York", name="time")
        rows = rows_of(pd.DataFrame({"v": [1.5]}, index=index), tmp_path / "a.xlsx")
        assert rows == [["time", "v"], [pd.Timestamp("2024-01-02T20:00"), 1.5]]

    def test_headings_of_two_lines(self, tmp_path):
        columns = pd.MultiIndex.from_tuples([("close", "=A"), ("close", "B")])
        assert rows_of(pd.DataFrame([[1, 2]], columns=columns), tmp_path / "a.xlsx") == [
            ["close, =A", "close, B"],
            [1, 2],
        ]

    def test_tuples_of_text_and_numbers(self, tmp_path):
        assert rows_of(pd.DataFrame({"a": [(1, "x"), (-1.0, 5)]}), tmp_path / "a.xlsx")[1:] == [["1, x"], ["-1, 5"]]

    def test_an_index_of_two_names_one_of_which_is_a_column_too(self, tmp_path):
        index = pd.MultiIndex.from_tuples([("=a", "@b"), ("=a", "c")], names=["x", "=n"])
        rows = rows_of(pd.DataFrame({"x": [1, 2]}, index=index), tmp_path / "a.xlsx")
        assert rows == [["x", "=n", "x"], ["=a", "@b", 1], ["=a", "c", 2]]
