"""Files and folders of results: whole or not at all, nobody else's file touched."""

from __future__ import annotations

import ast
import errno
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import marketshock as ms
from marketshock._files import output_file, together, whole, writing
from marketshock.command.main import main
from marketshock.errors import InputError
from marketshock.report.files import write_record, write_text
from tests.structure import name_of, sources, tree_of

from .attacks_output import RECORD, held, write_set

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions, links and pipes of POSIX")


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def half_written(path: Path, failure: BaseException) -> None:
    with whole(path) as part:
        part.write_text("half")
        raise failure


class TestOneFile:
    def test_the_content_is_there_and_nothing_else(self, tmp_path):
        write_text(tmp_path / "a.txt", "ä\n")
        assert (tmp_path / "a.txt").read_bytes() == "ä\n".encode()
        assert names_in(tmp_path) == ["a.txt"]

    @POSIX
    def test_permissions_are_those_of_a_new_file_or_of_the_one_replaced(self, tmp_path):
        path, other = tmp_path / "a.txt", tmp_path / "b.txt"
        other.write_text("")
        write_text(path, "new")
        assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
        path.chmod(0o640)
        with whole(path) as part:
            assert not stat.S_IMODE(part.stat().st_mode) & 0o137  # never readable by more than the old one
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    @pytest.mark.parametrize("call", ["open", "fsync", "replace", "chmod"])
    @pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
    def test_a_failure_leaves_the_old_file(self, tmp_path, monkeypatch, call, failure):
        path = tmp_path / "a.csv"
        path.write_text("old")
        path.chmod(0o666)  # which the umask takes from a new file

        def failed(*args, **named):
            raise failure

        monkeypatch.setattr(os, call, failed)
        said = "a.csv cannot be written: No space left on device"
        with pytest.raises((InputError, KeyboardInterrupt), match=said if isinstance(failure, OSError) else None):
            write_text(path, "new")
        monkeypatch.undo()
        assert path.read_text() == "old"
        assert names_in(tmp_path) == ["a.csv"]

    def test_a_failure_in_the_middle_of_writing(self, tmp_path):
        path = tmp_path / "a.csv"
        path.write_text("old")
        for failure in (OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ZeroDivisionError()):
            with pytest.raises((InputError, KeyboardInterrupt, ZeroDivisionError)):
                half_written(path, failure)
            assert path.read_text() == "old"
            assert names_in(tmp_path) == ["a.csv"]

    @POSIX
    def test_a_limit_of_the_system_on_a_file_s_size(self, tmp_path):
        code = """
import resource, sys, numpy as np, pandas as pd
from pathlib import Path
from marketshock.errors import InputError
from marketshock.report.export import to_excel
from marketshock.report.files import write_frame
frame = pd.DataFrame({"x": np.random.default_rng(1).normal(size=10_000)})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
for path in map(Path, sys.argv[1:]):
    try:
        to_excel(frame, path) if path.suffix == ".xlsx" else write_frame(path, frame)
    except InputError as error:
        print(error)
"""
        paths = [tmp_path / name for name in ("a.csv", "a.parquet", "a.xlsx")]
        for path in paths:
            path.write_text("old")
        done = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True)
        for path in paths:
            assert f"{path} cannot be written: " in done.stdout
            assert path.read_text() == "old"
        assert names_in(tmp_path) == ["a.csv", "a.parquet", "a.xlsx"]

    def test_two_writers_and_a_reader(self, tmp_path):
        path, texts = tmp_path / "a.txt", [letter * 300_000 for letter in "AB"]
        write_text(path, texts[0])
        failed: list[BaseException] = []
        read = []

        def write(text):
            try:
                for _ in range(15):
                    write_text(path, text)
            except BaseException as error:
                failed.append(error)

        writers = [threading.Thread(target=write, args=(text,)) for text in texts]
        for writer in writers:
            writer.start()
        while any(writer.is_alive() for writer in writers):
            read.append(path.read_text() in texts)
        assert not failed
        assert all(read)
        assert names_in(tmp_path) == ["a.txt"]

    def test_files_of_other_names_are_the_user_s(self, tmp_path):
        mine = ["car.csv.part", ".car.part.csv", ".car.csv.tmp", "car.csv~", ".car.csv.part.xlsx"]
        for name in mine:
            (tmp_path / name).write_text("mine")
        write_text(tmp_path / "car.csv", "new")
        assert names_in(tmp_path) == sorted([*mine, "car.csv"])
        assert {(tmp_path / name).read_text() for name in mine} == {"mine"}

    @POSIX
    @pytest.mark.parametrize("planted", ["report.html.part", ".report.html.part", "report.html"])
    @pytest.mark.parametrize("there", [True, False])
    def test_no_link_is_followed(self, tmp_path, planted, there):
        precious = tmp_path / "precious"
        if there:
            precious.write_text("precious")
        (tmp_path / planted).symlink_to(precious)
        write_text(tmp_path / "report.html", "page")
        assert (precious.read_text() == "precious") if there else not precious.exists()
        assert (tmp_path / "report.html").read_text() == "page"
        assert not (tmp_path / "report.html").is_symlink()

    @POSIX
    def test_another_name_of_the_old_file_keeps_it(self, tmp_path):
        write_text(tmp_path / "a", "old")
        os.link(tmp_path / "a", tmp_path / "b")
        write_text(tmp_path / "a", "new")
        assert (tmp_path / "b").read_text() == "old"

    @POSIX
    def test_a_pipe_and_a_device_are_refused_and_not_waited_for(self, tmp_path, capsys):
        os.mkfifo(tmp_path / "a.csv")
        (tmp_path / "null.csv").symlink_to("/dev/null")
        for path in (tmp_path / "a.csv", tmp_path / "null.csv", Path("/dev/null"), Path("/dev/zero")):
            with pytest.raises(
                InputError, match=r"out: .* cannot be written: it is a device or a pipe, and only a file"
            ):
                write_text(path, "new")
        assert stat.S_ISFIFO((tmp_path / "a.csv").stat().st_mode)
        os.mkfifo(tmp_path / "a.html")
        assert main(["report", "--out", str(tmp_path / "a.html")]) == 2  # before anything is computed
        assert "a.html cannot be written: it is a device or a pipe" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("folder.csv", "it is a folder"),
            ("nowhere/a.csv", "No such file"),
            ("file.txt/a.csv", "Not a directory|No such file"),
            ("x" * 300 + ".csv", "too long|Invalid|No such file"),
            ("a\0b.csv", "a character that no file name can have"),
            ("a\ud800b.csv", "a character that no file name can have"),
            ("", "it is a folder"),
        ],
    )
    def test_paths_that_cannot_be_are_one_sentence(self, tmp_path, monkeypatch, name, said):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "folder.csv").mkdir()
        (tmp_path / "file.txt").write_text("")
        with pytest.raises(InputError, match=f"out: .* cannot be written: .*({said})") as caught:
            write_text(Path(name), "new")
        assert "\0" not in str(caught.value)
        if name:
            with pytest.raises(InputError, match="path: "):
                output_file(name, "path", (".csv",), "give a .csv file")
        assert names_in(tmp_path) == ["file.txt", "folder.csv"]

    def test_names_as_long_as_the_system_takes(self, tmp_path):
        for name in ("x" * 240 + ".csv", "价" * 80 + ".csv"):
            write_text(tmp_path / name, "new")
            assert (tmp_path / name).read_text() == "new"

    @POSIX
    def test_what_is_write_protected_stays(self, tmp_path, monkeypatch):
        path = tmp_path / "a.csv"
        path.write_text("old")
        path.chmod(0o400)
        monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
        with pytest.raises(InputError, match="it is write-protected"):
            write_text(path, "new")
        assert path.read_text() == "old"

    def test_windows_refuses_while_a_reader_has_it_open(self, tmp_path, monkeypatch):
        path, real, left = tmp_path / "a.csv", os.replace, [3, 100]
        path.write_text("old")

        def refused(part, target):
            left[0] -= 1
            if left[0] >= 0:
                raise PermissionError(errno.EACCES, "The process cannot access the file")
            real(part, target)

        monkeypatch.setattr(os, "replace", refused)
        monkeypatch.setattr(writing.time, "sleep", lambda seconds: None)
        write_text(path, "new")
        assert (left.pop(0), path.read_text()) == (-1, "new")
        with pytest.raises(InputError, match=r"a\.csv cannot be written: The process cannot access the file"):
            write_text(path, "newer")
        assert path.read_text() == "new"
        assert names_in(tmp_path) == ["a.csv"]


class TestFolder:
    def test_files_of_an_earlier_run_go_and_all_others_stay(self, tmp_path):
        for name in ("notes.txt", "tests.csv.part", "z.csv"):
            (tmp_path / name).write_text("mine")
        write_set(tmp_path, "one", ("car.csv", "tests.csv"))
        write_set(tmp_path, "two", ("ar.csv", "car.csv"))
        assert names_in(tmp_path) == ["ar.csv", "car.csv", "notes.txt", "spec.json", "tests.csv.part", "z.csv"]
        assert {p.read_text()[:3] for p in tmp_path.glob("*.csv")} == {"two", "min"}

    def test_a_table_of_an_earlier_run_that_was_edited_is_not_removed(self, tmp_path):
        write_set(tmp_path, "one", ("car.csv", "tests.csv"))
        (tmp_path / "tests.csv").write_text("edited")
        before = held(tmp_path)
        with pytest.raises(InputError, match=r"tests\.csv is of an earlier run, is not written by this one, and was"):
            write_set(tmp_path, "two", ("car.csv",))
        assert held(tmp_path) == before
        (tmp_path / "tests.csv").unlink()
        write_set(tmp_path, "two", ("car.csv",))
        assert names_in(tmp_path) == ["car.csv", "spec.json"]

    def test_results_of_another_command_are_not_mixed_in(self, tmp_path):
        write_set(tmp_path, "one", ("alignment.csv", "car.csv"))
        before = held(tmp_path)
        with (
            pytest.raises(
                InputError, match=r"out: .*results of another command \(spec\.json\), and alignment\.csv would"
            ),
            together(tmp_path, "backtest.json") as fresh,
        ):
            write_text(fresh / "alignment.csv", "two")
        assert held(tmp_path) == before
        with together(tmp_path, "backtest.json") as fresh:  # what shares no file may stand beside it
            write_text(fresh / "trades.csv", "two")
        assert names_in(tmp_path) == ["alignment.csv", "car.csv", "spec.json", "trades.csv"]

    @pytest.mark.parametrize(
        "record",
        [
            "",
            "[1",
            "[]",
            "{}",
            '{"files": 3}',
            "[" * 100_000,
            '{"files": {"../precious": "DIGEST", "": "x", ".": "x", "sub": "x", "missing": "x", "/precious": "x"}}',
        ],
    )
    def test_a_record_that_is_none_removes_nothing(self, tmp_path, record):
        folder = tmp_path / "out"
        (folder / "sub").mkdir(parents=True)
        (tmp_path / "precious").write_text("precious")
        digest = writing.digests(tmp_path / "out" / "sub") or writing._digest(tmp_path / "precious")
        (folder / RECORD).write_text(record.replace("DIGEST", str(digest)))
        write_set(folder, "new", ("car.csv",))
        assert names_in(folder) == ["car.csv", "spec.json", "sub"]
        assert (tmp_path / "precious").read_text() == "precious"

    def test_a_target_that_cannot_be_replaced_is_found_before_anything_is_moved(self, tmp_path):
        write_set(tmp_path, "one", ("car.csv",))
        (tmp_path / "tests.csv").mkdir()
        before = held(tmp_path)
        with pytest.raises(InputError, match=r"tests\.csv cannot be written: it is a folder"):
            write_set(tmp_path, "two", ("car.csv", "tests.csv"))
        assert held(tmp_path) == before

    def test_an_error_names_the_file_and_not_the_hidden_folder(self, tmp_path, monkeypatch):
        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(InputError) as caught:
            write_set(tmp_path, "one", ("car.csv",))
        assert (
            str(caught.value) == f"out: {tmp_path / 'car.csv'} cannot be written: No space left on device; name another"
        )
        assert names_in(tmp_path) == []

    def test_without_hard_links(self, tmp_path, monkeypatch):
        def refused(*args, **named):
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refused)
        write_set(tmp_path, "one", ("car.csv", "tests.csv"))
        write_set(tmp_path, "two", ("car.csv",))
        assert names_in(tmp_path) == ["car.csv", "spec.json"]

    def test_a_run_that_never_ends_its_turn(self, tmp_path, monkeypatch):
        import filelock

        def timed_out(*args, **named):
            raise filelock.Timeout("lock")

        monkeypatch.setattr(filelock.SoftFileLock, "acquire", timed_out)
        with pytest.raises(
            InputError, match=r"another run has been writing .* wait for it, or remove .*marketshock\.lock"
        ):
            write_set(tmp_path, "one", ("car.csv",))
        assert names_in(tmp_path) == []

    def test_digests_of_a_record_are_those_of_the_files(self, tmp_path):
        with together(tmp_path, RECORD) as fresh:
            write_text(fresh / "a.csv", "1")
            write_record(fresh / RECORD, {"x": 1})
        listed = writing._listed(tmp_path / RECORD)
        assert listed == {"a.csv": writing._digest(tmp_path / "a.csv")}

    def test_what_was_read_is_not_replaced(self, tmp_path, capsys, monkeypatch):
        prices = ms.snapshot().adj_close[["NVDA", "^GSPC"]]
        prices.to_csv(tmp_path / "prices.csv")
        (tmp_path / "events.csv").write_text("ticker,date\nNVDA,2025-01-27\n")
        monkeypatch.chdir(tmp_path)
        before = held(tmp_path)
        asked = ["study", "--events", "events.csv", "--prices", "prices.csv", "--benchmark", "^GSPC", "--out"]
        assert main([*asked, "."]) == 2
        assert "--out: events.csv was read for these results, and would be replaced" in capsys.readouterr().err
        assert held(tmp_path) == before
        assert main([*asked, "out"]) == 0
        assert main([*asked, "out"]) == 0

    @pytest.mark.parametrize("bad", ["a\0b", "file.txt", "file.txt/out", "x" * 300])
    def test_folders_that_cannot_be_are_one_sentence(self, tmp_path, capsys, monkeypatch, bad):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "file.txt").write_text("")
        for command in ("reproduce", "simulate"):
            assert main([command, "--out", bad]) == 2
            said = capsys.readouterr().err
            assert "an argument has a NUL" in said if "\0" in bad else "--out: " in said and "made a folder" in said
        assert main(["report", "--out", f"{bad}/x.html"]) == 2
        assert ("an argument has a NUL" if "\0" in bad else "--out: ") in capsys.readouterr().err
        assert names_in(tmp_path)[0] == "file.txt"

    def test_commands_leave_one_run(self, tmp_path, capsys, monkeypatch):
        trade = (
            "backtest",
            "--events",
            "bundled",
            "--tickers",
            "NVDA",
            "--bps",
            "5",
            "--out",
            str(tmp_path),
            "--quiet",
        )
        monkeypatch.setattr("marketshock.report.backtest.draw", lambda *args: [])  # pictures take seconds
        assert main([*trade, "--rule", "hold", "--days", "1"]) == 0
        (tmp_path / "notes.txt").write_text("mine")
        assert {"trades.csv", "legs.csv", "backtest.json"} <= set(names_in(tmp_path))
        assert main([*trade, "--rule", "hold", "--days", "1,5"]) == 0
        names = names_in(tmp_path)
        assert {"notes.txt", "comparison.csv", "backtest.json"} <= set(names)
        assert not {"trades.csv", "legs.csv"} & set(names)


OF_A_MODULE = ("replace", "rename", "move", "save", "savez", "savez_compressed", "dump")
WRITERS = (
    *("open", "fdopen", "write_text", "write_bytes", "to_csv", "to_parquet", "to_excel", "ExcelWriter", "savefig"),
    *("mkstemp", "mkdtemp", "NamedTemporaryFile", "copy2", "copyfile", "touch", "tofile", *OF_A_MODULE),
)
SUSPECT = re.compile(
    rf"\b({'|'.join(set(WRITERS) - set(OF_A_MODULE))})\(|\b(os|shutil|np|json|pickle)\.({'|'.join(OF_A_MODULE)})\("
)
MAKERS = ("whole(", "replacing(", "pd.ExcelWriter(", "io.BytesIO(")  # their results are written to by others
ELSEWHERE = {
    ("command/entry.py", "os.open(os.devnull, os.O_WRONLY)"): "the shell's own standard output, turned away",
    ("command/entry.py", "os.open(os.devnull, os.O_RDWR)"): "a stream of the shell that is closed",
    ("command/entry.py", "open(number, 'w', encoding='utf-8', closefd=False)"): "the same",
    ("providers/store.py", "os.replace(path, aside)"): "a damaged file of the cache gets another name",
}


def test_no_other_room_opens_a_file_for_writing():
    found = set()
    for path in sources():
        if name_of(path) != "_files/writing.py" and SUSPECT.search(path.read_text("utf-8")):
            nodes = list(ast.walk(tree_of(path)))
            calls = [node for node in nodes if isinstance(node, ast.Call) and _name(node) in WRITERS]
            given = _given(nodes)
            found |= {(name_of(path), ast.unparse(call)) for call in calls if _writes(call, given)}
    assert found == set(ELSEWHERE)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _given(nodes: list[ast.AST]) -> set[str]:
    """Return the names that stand for a temporary file of ours, or for a buffer."""
    items = [item for node in nodes if isinstance(node, ast.With) for item in node.items]
    bound = [(item.context_expr, item.optional_vars) for item in items]
    bound += [(node.value, node.targets[0]) for node in nodes if isinstance(node, ast.Assign)]
    return {
        name.id
        for value, name in bound
        if isinstance(name, ast.Name) and isinstance(value, ast.Call) and ast.unparse(value).startswith(MAKERS)
    }


def _writes(call: ast.Call, given: set[str]) -> bool:
    """Return whether a call that may write a file does, to none of those given."""
    name, text = _name(call), ast.unparse(call)
    if name in OF_A_MODULE and not text.startswith(("os.", "shutil.", "np.", "json.", "pickle.")):
        return False  # str.replace, Series.rename, dataclasses.replace
    if name == "open":
        modes = [a.value for a in [*call.args, *(k.value for k in call.keywords)] if isinstance(a, ast.Constant)]
        return "O_WRONLY" in text or "O_RDWR" in text or any(set("wax+") & set(m) for m in modes if _is_mode(m))
    if name in ("write_text", "write_bytes"):
        if not isinstance(call.func, ast.Attribute):
            return False  # the function of report/files.py
        return not (isinstance(call.func.value, ast.Name) and call.func.value.id in given)
    if name == "to_csv" and not call.args:
        return False  # returned as text
    return not (call.args and isinstance(call.args[0], ast.Name) and call.args[0].id in given)


def _is_mode(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) < 4 and set(value) <= set("rwaxbt+")
