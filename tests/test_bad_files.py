"""Whatever a file holds, the command line ends with an exit code and at most one short sentence of its own."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketshock.command.main import main

DAYS = pd.bdate_range("2024-01-02", "2024-12-31")
OPTIONS = ("--prices", "--returns", "--events", "--factors")
SHORT = 700  # characters of a sentence

DATES = st.sampled_from(
    [
        *("2024-11-01", "2024-11-04", "2024-11-02", "20241101", "01/11/2024", "1 Nov 2024", "2024-11", "0001-01-01"),
        *("9999-12-31", "1700-01-01", "2024-11-01T10:00", "2024-11-01T10:00:00-05:00", "", "NaN", "soon", "1e5"),
    ]
)
NUMBERS = st.sampled_from(
    [
        *("1", "0.01", "-0.02", "0", "-1", "", "NA", ".", "n.a.!", "inf", "-inf", "nan", "1e999", "1e308", "1e-320"),
        *("9" * 400, "1,5", '"1,5"', "1.234.567", "0x10", "\uff11", "\x00", "é", '"', '"a', "'", ";", "1_000", " 1 "),
    ]
)
NAMES = st.sampled_from(
    [
        *(
            "date",
            "Date",
            "ticker",
            "symbol",
            "close",
            "Adj Close",
            "Open",
            "ret",
            "A",
            "B",
            "M",
            "m",
            "",
            " ",
            "Price",
        ),
        *("event_id", "timing", "on_closed", "group", "é", "x" * 300, '"A', "Unnamed: 0", "True"),
    ]
)
FIELDS = st.one_of(DATES, NUMBERS, NAMES, st.text(max_size=8))


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, object]:
    """A study that runs, of two firms and a market."""
    folder = tmp_path_factory.mktemp("good")
    values = np.random.default_rng(1).normal(0, 0.01, (len(DAYS), 3))
    returns = pd.DataFrame(values, index=DAYS, columns=list("ABM")).rename_axis("date")
    returns.to_csv(folder / "returns.csv")
    (100 * (1 + returns).cumprod()).to_csv(folder / "prices.csv")
    returns[["M"]].rename(columns={"M": "F"}).to_csv(folder / "factors.csv")
    (folder / "events.csv").write_text("ticker,date\nA,2024-11-01\nB,2024-11-04\n")
    return {f"--{name}": folder / f"{name}.csv" for name in ("events", "prices", "returns", "factors")}


def run(good, option: str, path: object) -> int:
    given_files = {**good, option: path}
    del given_files["--prices" if option == "--returns" else "--returns"]
    argv = [str(part) for pair in given_files.items() for part in pair]
    benchmark = "F" if option == "--factors" else "M"
    return main(["study", *argv, "--benchmark", benchmark, "--estimation=-120:-11", "--min-obs", "30"])


def check(good, capsys, option: str, path: object) -> None:
    capsys.readouterr()
    code = run(good, option, path)
    out, err = capsys.readouterr()
    assert code in (0, 1, 2), err
    lines = err.splitlines()
    notes = [line for line in lines if line.startswith("marketshock: note: ")]
    assert len(lines) - len(notes) == (0 if code == 0 else 1), err
    assert all(line.startswith("marketshock: ") and len(line) <= SHORT for line in lines), err
    assert "Traceback" not in err
    assert code == 0 or "CAR" not in out


@st.composite
def tables(draw) -> bytes:
    """A CSV file with rows of about one length, in some encoding, with some line ends."""
    width = draw(st.integers(1, 5))
    header = draw(st.lists(NAMES, min_size=width, max_size=width))
    if draw(st.booleans()):
        header[0] = "date"
    rows = []
    for _ in range(draw(st.integers(0, 6))):
        size = draw(st.sampled_from([width] * 8 + [width - 1, width + 1]))
        rows.append([draw(DATES if header[0] == "date" and k == 0 else FIELDS) for k in range(size)])
    separator = draw(st.sampled_from([","] * 6 + [";", "\t"]))
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(separator.join(row) for row in [header, *rows])
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return (mark + text).encode(draw(st.sampled_from(["utf-8"] * 5 + ["utf-16", "latin-1"])), errors="replace")


@st.composite
def spoilt(draw, content: bytes) -> bytes:
    """A good file with one field, one line or a few bytes of it spoilt."""
    lines = content.decode().split("\n")
    at = draw(st.integers(0, min(len(lines) - 2, 220)))
    fields = lines[at].split(",")
    how = draw(st.sampled_from(["field", "line", "twice", "cut", "bytes"]))
    if how == "field":
        fields[draw(st.integers(0, len(fields) - 1))] = draw(FIELDS)
        lines[at] = ",".join(fields)
    elif how == "line":
        lines[at] = ",".join(draw(st.lists(FIELDS, max_size=5)))
    elif how == "twice":
        lines.insert(at, lines[at])
    elif how == "cut":
        return content[: draw(st.integers(0, len(content)))]
    else:
        return content[:at] + draw(st.binary(max_size=6)) + content[at:]
    return "\n".join(lines).encode("utf-8", errors="replace")


FUZZ = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.parametrize("option", OPTIONS)
class TestAnyFile:
    @FUZZ
    @given(content=tables())
    def test_any_table(self, good, capsys, tmp_path, option, content):
        (tmp_path / "bad.csv").write_bytes(content)
        check(good, capsys, option, tmp_path / "bad.csv")

    @FUZZ
    @given(data=st.data())
    def test_a_good_file_spoilt(self, good, capsys, tmp_path, option, data):
        content = good[option].read_bytes()
        (tmp_path / "bad.csv").write_bytes(data.draw(spoilt(content)))
        check(good, capsys, option, tmp_path / "bad.csv")

    @FUZZ
    @given(content=st.binary(max_size=200))
    def test_any_bytes(self, good, capsys, tmp_path, option, content):
        for suffix in (".csv", ".parquet", ".feather"):
            (tmp_path / f"bad{suffix}").write_bytes(content)
            check(good, capsys, option, tmp_path / f"bad{suffix}")


class TestHandMade:
    """What a generator seldom finds, each with the sentence it deserves."""

    @pytest.mark.parametrize("option", OPTIONS)
    @pytest.mark.parametrize(
        "name", ["none.csv", "folder.csv", "x" * 5000, "a\0b.csv", "weird\nname.csv", "", "a.toml"]
    )
    def test_paths(self, good, capsys, tmp_path, option, name):
        (tmp_path / "folder.csv").mkdir()
        check(good, capsys, option, tmp_path / name)

    @pytest.mark.parametrize("option", OPTIONS)
    @pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
    def test_unreadable(self, good, capsys, tmp_path, option):
        (tmp_path / "p.csv").write_text("date,A\n2024-11-01,1\n")
        (tmp_path / "p.csv").chmod(0)
        check(good, capsys, option, tmp_path / "p.csv")

    @pytest.mark.parametrize("option", OPTIONS)
    def test_gigantic(self, good, capsys, tmp_path, option):
        with (tmp_path / "big.csv").open("wb") as file:
            file.truncate(50 * 2**30)
        check(good, capsys, option, tmp_path / "big.csv")
        (tmp_path / "field.csv").write_text('date,A\n2024-11-01,"' + "x" * 300_000 + '"\n')
        check(good, capsys, option, tmp_path / "field.csv")

    @pytest.mark.parametrize("option", OPTIONS)
    @pytest.mark.parametrize("suffix", [".parquet", ".feather"])
    def test_binary_files_cut_off_or_of_odd_columns(self, good, capsys, tmp_path, option, suffix):
        odd = {"date": ["2024-11-01"], "A": [[1.0]], "B": [{"x": 1}], "C": [b"\xff"]}
        for frame in (pd.read_csv(good[option]), pd.DataFrame(odd), pd.DataFrame()):
            path = tmp_path / f"whole{suffix}"
            getattr(frame, f"to_{suffix[1:]}")(path)
            check(good, capsys, option, path)
            content = path.read_bytes()
            for cut in (0, 4, len(content) // 2, len(content) - 1):
                (tmp_path / f"cut{suffix}").write_bytes(content[:cut])
                check(good, capsys, option, tmp_path / f"cut{suffix}")

    @pytest.mark.parametrize("values", [("1e308", "1e-320"), ("1e-320", "1e308"), ("1e200", "1")])
    def test_prices_whose_return_is_no_number(self, good, capsys, tmp_path, values):
        lines = good["--prices"].read_text().split("\n")
        for row, value in zip((100, 101), values, strict=True):
            lines[row] = ",".join([lines[row].split(",")[0], value, *lines[row].split(",")[2:]])
        (tmp_path / "p.csv").write_text("\n".join(lines))
        assert run(good, "--prices", tmp_path / "p.csv") == 2
        small = "1e-320" in values
        assert ("is too small for a price" if small else "a return of") in capsys.readouterr().err
