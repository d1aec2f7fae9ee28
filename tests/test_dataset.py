"""A Parquet folder of returns is read strictly, a few securities at a time, whatever its shape."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from marketshock.errors import InputError, PriceError, UnknownNameError
from marketshock.providers import dataset as module
from marketshock.providers.dataset import ReturnsDataset, is_dataset

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet")
ds = pytest.importorskip("pyarrow.dataset")

DAYS = pd.bdate_range("2020-01-01", periods=30)
AXIS = DAYS.to_numpy().astype("datetime64[D]")


def long(names=("A", "B"), seed=0, days=DAYS):
    rng = np.random.default_rng(seed)
    frames = [pd.DataFrame({"ticker": n, "date": days, "ret": 0.01 * rng.normal(size=len(days))}) for n in names]
    return pd.concat(frames, ignore_index=True)


def written(folder, *frames):
    return written_tables(folder, *map(table_of, frames))


def table_of(frame):
    return pa.Table.from_pandas(frame, preserve_index=False)


def written_tables(folder, *tables):
    for at, table in enumerate(tables):
        pq.write_table(table, folder / f"part-{at}.parquet")
    return folder


def dated(table, dates):
    return table.set_column(1, "date", pa.array(dates))


def read(folder, tickers=None, axis=AXIS, log=False):
    opened = ReturnsDataset.open("returns", folder)
    out = {}
    for partition in opened.partitions:
        names, values = partition.read(axis, tickers, log)
        assert values.flags.f_contiguous
        assert values.shape == (len(axis), len(names))
        out |= dict(zip(names, values.T, strict=True))
    return out


def test_what_is_written_is_read(tmp_path):
    frame = long(("A", "B", "C"))
    found = read(written(tmp_path, frame[frame["ticker"] != "C"], frame[frame["ticker"] == "C"]))
    for name in "ABC":
        np.testing.assert_array_equal(found[name], frame.loc[frame["ticker"] == name, "ret"])


def test_the_order_of_rows_does_not_matter(tmp_path):
    frame = long()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = read(written(tmp_path / "a", frame))
    other = read(written(tmp_path / "b", frame.sample(frac=1, random_state=1)))
    assert {n: v.tobytes() for n, v in one.items()} == {n: v.tobytes() for n, v in other.items()}


def test_a_day_without_a_row_is_missing_and_one_beyond_the_axis_left_alone(tmp_path):
    frame = long().drop(index=[4, 5])
    found = read(written(tmp_path, frame), axis=AXIS[2:20])
    assert list(np.flatnonzero(np.isnan(found["A"]))) == [2, 3]
    assert not np.isnan(found["B"]).any()


SHAPES = ["dictionary", "large_string", "text dates", "text times", "coded dates", "zoned", "date32", "named Symbol"]


@pytest.mark.parametrize("wanted", [None, {"B"}])
@pytest.mark.parametrize("shape", SHAPES)
def test_columns_of_other_types(tmp_path, shape, wanted):
    frame = long()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if shape == "dictionary":
        table = table.set_column(0, "ticker", table["ticker"].dictionary_encode())
    if shape == "large_string":
        table = table.set_column(0, "ticker", table["ticker"].cast(pa.large_string()))
    if shape == "text dates":
        table = table.set_column(1, "date", pa.array(frame["date"].dt.strftime("%Y-%m-%d")))
    if shape == "text times":
        table = dated(table, frame["date"].dt.strftime("%Y-%m-%d 16:00:00"))
    if shape == "coded dates":
        table = dated(table, pa.array(frame["date"].dt.strftime("%Y-%m-%d")).dictionary_encode())
    if shape == "zoned":
        late = (frame["date"] + pd.Timedelta(hours=20)).dt.tz_localize("America/New_York")  # the next day in UTC
        table = table.set_column(1, "date", pa.array(late))
    if shape == "date32":
        table = table.set_column(1, "date", table["date"].cast(pa.date32()))
    if shape == "named Symbol":
        table = table.rename_columns(["Symbol", "Date", "Return"])
    pq.write_table(table, tmp_path / "x.parquet")
    np.testing.assert_array_equal(read(tmp_path, wanted)["B"], frame.loc[frame["ticker"] == "B", "ret"])


def test_a_folder_by_security_a_single_file_and_a_dataset(tmp_path):
    frame = long()
    for name, part in frame.groupby("ticker"):
        (tmp_path / "hive" / f"ticker={name}").mkdir(parents=True)
        written(tmp_path / "hive" / f"ticker={name}", part.drop(columns="ticker"))
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "one.parquet")
    opened = ds.dataset(tmp_path / "one.parquet")
    assert is_dataset(opened)
    assert is_dataset(str(tmp_path))
    assert not is_dataset(frame)
    for source in (tmp_path / "hive", str(tmp_path / "one.parquet"), opened):
        np.testing.assert_array_equal(read(source)["A"], frame.loc[frame["ticker"] == "A", "ret"])


def test_the_files_of_a_folder_may_differ(tmp_path):
    one, other, third = (table_of(long((name,))) for name in "ABC")
    late = pd.Series(DAYS) + pd.Timedelta(hours=20)  # the next day in UTC
    other = dated(other, late.dt.tz_localize("America/New_York")).rename_columns(["SYMBOL", "Date", "Returns"])
    third = dated(third, DAYS.strftime("%Y-%m-%d").tolist())
    found = read(written_tables(tmp_path, one, other, third))
    for name in "ABC":
        np.testing.assert_array_equal(found[name], long((name,))["ret"])


def test_folders_are_named_by_tickers_that_look_like_numbers(tmp_path):
    for name in ("0005", "BRK%2FB", "NA"):
        (tmp_path / f"Symbol={name}" / "year=2020").mkdir(parents=True)
        written(tmp_path / f"Symbol={name}" / "year=2020", long().iloc[:30].drop(columns="ticker"))
    assert list(read(tmp_path)) == ["0005", "BRK/B", "NA"]
    assert list(read(tmp_path, {"0005"})) == ["0005"]


def test_an_opened_folder_keeps_the_types_of_its_keys(tmp_path):
    for name in ("A", "B"):
        (tmp_path / f"ticker={name}").mkdir()
        written(tmp_path / f"ticker={name}", long((name,)).drop(columns="ticker"))
    for coded in (False, True):
        hive = ds.HivePartitioning.discover(infer_dictionary=coded)
        opened = ds.dataset(tmp_path, format="parquet", partitioning=hive)
        np.testing.assert_array_equal(read(opened, {"B"})["B"], long(("B",))["ret"])


def test_tickers_may_be_numbers(tmp_path):
    written(tmp_path, long((10001, 10002)))
    assert list(read(tmp_path)) == ["10001", "10002"]
    assert list(read(tmp_path, {"10002"})) == ["10002"]


def test_what_writers_leave_beside_the_files_is_passed_over(tmp_path):
    (tmp_path / "_temporary").mkdir()
    written(tmp_path / "_temporary", long(("A",)))
    (tmp_path / "README.md").write_text("about", "ascii")
    (tmp_path / ".part.parquet").write_text("half", "ascii")
    pq.write_table(table_of(long(("B",))), tmp_path / "b.pq")
    assert list(read(tmp_path)) == ["B"]


def test_only_what_is_asked_for_is_read(tmp_path):
    frame = long(("A", "B", "C"))
    opened = ReturnsDataset.open("returns", written(tmp_path, frame))
    names, values = opened.partitions[0].read(AXIS, {"B", "Z"}, False)
    assert names == ("B",)
    assert values.shape == (30, 1)
    days, series = opened.series("C")
    np.testing.assert_array_equal(days, AXIS)
    np.testing.assert_array_equal(series, frame.loc[frame["ticker"] == "C", "ret"])
    with pytest.raises(UnknownNameError, match=r"'Z'.*known are 'A', 'B', 'C'"):
        opened.series("Z")


def test_a_series_is_sorted_and_its_dates_are_different(tmp_path):
    frame = long()
    opened = ReturnsDataset.open("returns", written(tmp_path, frame.sample(frac=1, random_state=2)))
    np.testing.assert_array_equal(opened.series("B")[0], AXIS)
    np.testing.assert_array_equal(opened.series("B")[1], frame.loc[frame["ticker"] == "B", "ret"])
    opened = ReturnsDataset.open("returns", written(tmp_path, pd.concat([frame, frame.iloc[[3]]])))
    with pytest.raises(PriceError, match=r"part-0\.parquet: 2020-01-06 stands there more than once for A"):
        opened.series("A")


@pytest.mark.parametrize("coded", [False, True])
def test_rows_come_some_at_a_time(tmp_path, coded):
    """Row groups of different securities, each with a dictionary of its own."""
    frame = long(("B", "A", "C"))
    table = table_of(frame)
    table = table.set_column(0, "ticker", table["ticker"].dictionary_encode()) if coded else table
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=7)
    found = read(tmp_path)
    for name in "ABC":
        np.testing.assert_array_equal(found[name], frame.loc[frame["ticker"] == name, "ret"])
    pq.write_table(table_of(pd.concat([frame, frame.iloc[[3]]])), tmp_path / "x.parquet", row_group_size=7)
    with pytest.raises(PriceError, match="2020-01-06 stands there more than once for B"):
        read(tmp_path)


def test_small_files_are_joined_and_large_ones_cut(tmp_path, monkeypatch):
    names = [f"S{i}" for i in range(12)]
    monkeypatch.setattr(module, "_ROWS", 100)
    (tmp_path / "small").mkdir()
    small = ReturnsDataset.open("returns", written(tmp_path / "small", *(long((n,)) for n in names)))
    assert [len(p.tickers) for p in small.partitions] == [3, 3, 3, 3]
    monkeypatch.setattr(module, "_ROWS", 80)
    (tmp_path / "large").mkdir()
    large = ReturnsDataset.open("returns", written(tmp_path / "large", long(names)))
    assert sorted(n for p in large.partitions for n in p.tickers) == sorted(names)
    assert max(len(p.tickers) for p in large.partitions) == 2
    assert len(read(tmp_path / "large")) == 12


def test_a_partition_travels(tmp_path):
    partition = ReturnsDataset.open("returns", written(tmp_path, long())).partitions[0]
    again = pickle.loads(pickle.dumps(partition))
    assert again.read(AXIS, {"A"}, False)[1].tobytes() == partition.read(AXIS, {"A"}, False)[1].tobytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda f: pd.concat([f, f.iloc[[3]]]), r"0\.parquet: 2020-01-06 stands there more than once for A"),
            (
                lambda f: f.assign(date=f["date"].where(f.index != 3, pd.Timestamp("2020-01-04"))),
                r"0\.parquet: A has a row on 2020-01-04, which is no session",
            ),
            (lambda f: f.assign(ret=f["ret"].where(f.index != 3, np.inf)), "A on 2020-01-06.*cannot be right"),
            (lambda f: f.assign(ret=f["ret"].where(f.index != 3, 2e6)), "A on 2020-01-06.*cannot be right"),
            (lambda f: f.assign(ret=f["ret"].where(f.index != 3, -1.5)), "a loss of more than everything"),
            (lambda f: f.assign(ret=100 + f["ret"]), "prices or percentages"),
            (lambda f: f.assign(ret=f["ret"].astype(str)), r"0\.parquet: column 'ret' holds (large_)?string"),
            (lambda f: f.assign(ret=f["ret"] > 0), r"0\.parquet: column 'ret' holds bool"),
            (lambda f: f.assign(date=f["date"].where(f.index != 3)), r"0\.parquet has a row without a date"),
            (lambda f: f.assign(date="soon"), r"0\.parquet: 'soon' is no date"),
            (lambda f: f.assign(date=np.int32(20200102)), r"0\.parquet: dates are int32"),
        ],
    )
    def test_rows_that_cannot_be_right(self, tmp_path, change, words):
        with pytest.raises(PriceError, match=words) as caught:
            read(written(tmp_path, change(long())))
        assert caught.value.parameter == "returns"

    def test_log_returns_may_be_below_minus_one(self, tmp_path):
        frame = long()
        frame.loc[3, "ret"] = -1.5
        assert read(written(tmp_path, frame), log=True)["A"][3] == -1.5

    def test_a_security_in_two_files(self, tmp_path):
        with pytest.raises(InputError, match="lies in two files"):
            ReturnsDataset.open("returns", written(tmp_path, long(("A",)), long(("A",))))

    @pytest.mark.parametrize("nothing", [None, "", " "])
    def test_a_row_without_a_ticker(self, tmp_path, nothing):
        frame = long()
        frame.loc[3, "ticker"] = nothing
        with pytest.raises(InputError, match=r"0\.parquet has a row without a ticker"):
            ReturnsDataset.open("returns", written(tmp_path, frame))

    def test_a_folder_without_a_ticker(self, tmp_path):
        (tmp_path / "ticker=__HIVE_DEFAULT_PARTITION__").mkdir()
        written(tmp_path / "ticker=__HIVE_DEFAULT_PARTITION__", long(("A",)).drop(columns="ticker"))
        with pytest.raises(InputError, match="without a ticker"):
            ReturnsDataset.open("returns", tmp_path)

    @pytest.mark.parametrize("column", ["ticker", "date", "ret"])
    def test_a_column_that_is_missing(self, tmp_path, column):
        with pytest.raises(InputError, match=r"1\.parquet has 0 columns of a"):
            ReturnsDataset.open("returns", written(tmp_path, long(("A",)), long(("B",)).drop(columns=column)))

    def test_a_column_that_stands_there_twice(self, tmp_path):
        frame = long()
        with pytest.raises(InputError, match=r"0\.parquet has 2 columns of a return"):
            ReturnsDataset.open("returns", written(tmp_path, frame.assign(Return=frame["ret"])))

    def test_a_second_file_of_another_kind(self, tmp_path):
        frame = long(("B",))
        with pytest.raises(PriceError, match=r"1\.parquet: column 'ret' holds (large_)?string"):
            read(written(tmp_path, long(("A",)), frame.assign(ret=frame["ret"].astype(str))))

    def test_no_such_folder_and_an_empty_one(self, tmp_path):
        with pytest.raises(InputError, match="no file or folder"):
            ReturnsDataset.open("returns", tmp_path / "none")
        with pytest.raises(InputError, match=r"no \.parquet file"):
            ReturnsDataset.open("returns", tmp_path)

    @pytest.mark.parametrize("name", ["a.parquet", "x.parquet"])
    def test_a_file_that_is_no_parquet(self, tmp_path, name):
        """The first or a later one."""
        (tmp_path / name).write_text("hello", "ascii")
        with pytest.raises(InputError, match=rf"{name}.* cannot be read"):
            ReturnsDataset.open("returns", written(tmp_path, long()))

    def test_a_file_that_went_away(self, tmp_path):
        opened = ReturnsDataset.open("returns", written(tmp_path, long()))
        partition = pickle.loads(pickle.dumps(opened.partitions[0]))
        (tmp_path / "part-0.parquet").unlink()
        with pytest.raises(InputError, match=r"part-0\.parquet cannot be read"):
            partition.read(AXIS)

    def test_a_dataset_without_files_of_its_own(self, tmp_path):
        with pytest.raises(InputError, match="in memory"):
            ReturnsDataset.open("returns", ds.dataset(table_of(long())))
        filtered = ds.dataset(written(tmp_path, long())).filter(ds.field("ticker") == "A")
        with pytest.raises(InputError, match="pass the dataset itself"):
            ReturnsDataset.open("returns", filtered)

    @pytest.mark.parametrize("source", [3, ["a.parquet"], None])
    def test_what_is_no_dataset(self, source):
        with pytest.raises(InputError, match=r"returns: got .*give a path"):
            ReturnsDataset.open("returns", source)

    def test_without_pyarrow(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow.dataset", None)
        with pytest.raises(InputError, match=r"pip install 'marketshock\[parquet\]'"):
            ReturnsDataset.open("returns", tmp_path)
