"""The folder of the cache: files under other names, files of others, systems that refuse."""

from __future__ import annotations

import datetime as dt
import errno
import os
import shutil
from pathlib import Path

import pytest

from marketshock.command.main import main
from marketshock.errors import CacheWarning, OfflineMiss
from marketshock.providers import store as module
from marketshock.providers.fetch import fetch_prices
from marketshock.providers.memo import remembered
from marketshock.providers.retry import Bound
from marketshock.providers.store import Key, Store

from .attacks_late import FORGET, Vendor, ask

D = dt.date

NVDA, AMD = Key("yahoo", "1d", "NVDA"), Key("yahoo", "1d", "AMD")
LONG = (D(2025, 1, 2), D(2025, 3, 6))


@pytest.fixture
def cache(store, capsys):
    """Run ``marketshock cache``; return its exit code and what it printed."""

    def run(*argv):
        code = main(["cache", *map(str, argv), "--cache", str(store.root)])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def put(store, key, payload=b"payload"):
    with store.lock(key):
        assert store.write(key, {"rows": 3}, payload)
    return store.path(key)


def refuse(monkeypatch, owner, name, suffix, times=1 << 30):
    """Make a call fail for paths with a suffix, as Windows does while another process has the file open."""
    plain, made = getattr(owner, name), []

    def call(*args, **named):
        if str(args[-1] if name == "replace" else args[0]).endswith(suffix) and len(made) < times:
            made.append(args)
            raise PermissionError(errno.EACCES, "The process cannot access the file")
        return plain(*args, **named)

    monkeypatch.setattr(owner, name, call)
    return made


class TestUnderAnotherName:
    def test_it_counts_as_missing(self, store, cache):
        put(store, NVDA)
        shutil.copy(store.path(NVDA), store.path(AMD))
        assert "1d_AMD.cache: is a file of yahoo 1d NVDA under another name" in cache("list")[1]
        code, told = cache("verify")
        assert (code, told.count("damaged: ")) == (1, 1)
        with pytest.warns(CacheWarning, match="is a file of yahoo 1d NVDA under another name; it was set aside as"):
            assert store.read(AMD) is None
        assert store.read(NVDA).payload == b"payload"
        assert cache("verify")[0] == 0

    def test_prices_of_another_share_are_not_given_offline(self, vendor, store):
        fetch_prices(vendor, ["NVDA"], LONG[0], D(2025, 3, 5), cache=store, now=vendor.now, progress=False)
        shutil.copy(store.path(Key("made", "1d", "NVDA")), store.path(Key("made", "1d", "AMD")))
        with pytest.warns(CacheWarning, match="under another name"), pytest.raises(OfflineMiss, match="holds nothing"):
            fetch_prices(vendor, ["AMD"], LONG[0], D(2025, 3, 5), cache=store, now=vendor.now, offline=True)

    def test_clearing_a_name_clears_what_is_under_it(self, store, cache):
        put(store, NVDA)
        shutil.copy(store.path(NVDA), store.path(AMD))
        assert cache("clear", "AMD") == (0, f"1 files removed from {store.root}\n")
        assert store.read(NVDA) is not None

    @pytest.mark.parametrize(
        "other", [Key("yahoo", "1d", "nvda"), Key("Yahoo", "1d", "NVDA"), Key("yahoo", "1D", "NVDA")]
    )
    def test_a_file_system_that_knows_no_case(self, store, monkeypatch, other):
        plain = module._path_of
        monkeypatch.setattr(module, "_path_of", lambda key: tuple(part.casefold() for part in plain(key)))
        put(store, NVDA)
        with pytest.warns(CacheWarning, match="under another name"):
            assert store.read(other) is None

    def test_a_small_answer(self, store):
        def answer(name, value):
            return remembered(
                store, Key("made", "thing", name), lambda: value, offline=False, now=Vendor().now(), bound=Bound(9)
            )

        answer("A", 1)
        shutil.copy(store.path(Key("made", "thing", "A")), store.path(Key("made", "thing", "B")))
        with pytest.warns(CacheWarning, match="under another name"):
            assert answer("B", 2) == 2

    def test_the_key_of_a_description_is_the_file_s(self, store):
        with store.lock(AMD):
            store.write(AMD, {"key": list(NVDA)}, b"")
        assert store.read(AMD).about["key"] == list(AMD)


class TestClear:
    def test_files_of_others_stay(self, store, cache, tmp_path):
        put(store, NVDA)
        put(store, AMD)
        own = store.root / "yahoo"
        away = tmp_path / "away" / "1d_FAR.cache"
        away.parent.mkdir()
        shutil.copy(store.path(NVDA), away)
        texts = {
            "thesis/results.cache": "numbers",
            "thesis/my_results.cache": "numbers",
            "thesis/.draft.tmp": "draft",
            "thesis/.my_draft.cache.tmp": "draft",
            "other/old.damaged": "old",
            "other/2024_old.damaged": "old",
            "other/deep/1d_NVDA.cache": store.path(NVDA).read_bytes().decode("latin-1"),
            "1d_ROOT.cache": "at the root",
            "yahoo/notes.txt": "notes",
            "yahoo/1d_TEXT.cache": "no magic",
            ".locks/mine.lock": "lock",
        }
        for name, text in texts.items():
            (store.root / name).parent.mkdir(parents=True, exist_ok=True)
            (store.root / name).write_text(text, encoding="latin-1")
        (own / "1d_FOLDER.cache").mkdir()
        links = {own / "1d_LINK.cache": away, store.root / "linked": away.parent}
        for link, target in links.items():
            try:
                link.symlink_to(target)
            except OSError:
                pytest.skip("no symbolic links here")
        ours = {own / ".1d_NVDA.cache.abcd1234.tmp", own / "1d_NVDA.1796071807100572144.damaged"}
        for path in ours:
            path.write_bytes(b"")
        assert set(store.leftovers()) == ours
        code, told = cache("verify")
        assert code == 1
        assert "left alone: " + str(store.root / "thesis" / "results.cache") + ": is no file of this cache" in told
        code, told = cache("clear", "--all")
        assert code == 0
        assert told.startswith("2 files removed")
        assert f"left: {own / '1d_TEXT.cache'}: is no file of this cache" in told
        assert f"left: {own / '1d_LINK.cache'}: is a link or a folder" in told
        for name, text in texts.items():
            assert (store.root / name).read_text(encoding="latin-1") == text
        assert all(link.is_symlink() for link in links)
        assert away.exists()
        assert sorted(path.name for path in own.iterdir()) == [
            "1d_FOLDER.cache",
            "1d_LINK.cache",
            "1d_TEXT.cache",
            "notes.txt",
        ]
        assert sorted(path.name for path in (store.root / ".locks").iterdir()) == ["mine.lock"]

    def test_a_file_that_lost_its_beginning_is_left_with_a_word(self, store, cache):
        path = put(store, NVDA)
        path.write_bytes(b"M" + path.read_bytes()[1:])
        code, told = cache("verify")
        assert (code, "1d_NVDA.cache: is no file of this cache" in told) == (1, True)
        code, told = cache("clear", "NVDA")
        assert (code, told) == (0, f"0 files removed from {store.root}\nleft: {path}: is no file of this cache\n")
        with pytest.warns(CacheWarning, match="set aside"):
            assert store.read(NVDA) is None
        cache("clear", "--all")
        assert not list(path.parent.iterdir())

    def test_a_file_of_another_version_is_ours(self, store, cache):
        path = put(store, NVDA)
        path.write_bytes(b"marketshock-cache 7 " + path.read_bytes()[20:])
        assert "is of another version of this library" in cache("list")[1]
        cache("clear", "NVDA")
        assert not path.exists()

    def test_locks_in_use_stay(self, store, cache):
        put(store, NVDA)
        put(store, AMD)
        cache("clear", "NVDA")
        locks = store.root / ".locks"
        assert [path.name for path in locks.iterdir()] == ["yahoo_1d_AMD.cache.lock"]
        store.path(AMD).unlink()
        with Store(store.root).lock(AMD):
            assert store.sweep() == {}
            if os.name != "nt":
                assert [path.name for path in locks.iterdir()] == ["yahoo_1d_AMD.cache.lock"]
        store.sweep()
        assert not list(locks.iterdir())

    def test_a_file_that_vanishes_is_no_damage(self, store, monkeypatch):
        put(store, NVDA)
        put(store, AMD)
        plain = Path.read_bytes

        def gone(path):
            path.unlink()  # another process clears
            return plain(path)

        monkeypatch.setattr(Path, "read_bytes", gone)
        assert store.entries() == []
        assert not list(store.path(NVDA).parent.iterdir())

    def test_a_folder_that_vanishes_is_no_damage(self, store, cache):
        put(store, NVDA)
        (entry,) = store.entries()
        shutil.rmtree(store.root)
        assert store.remove(entry) == ""
        assert store.entries() == store.leftovers() == []
        assert store.sweep() == {}


class TestTag:
    SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55"

    def test_a_folder_that_was_empty_is_marked(self, store):
        put(store, NVDA)
        assert (store.root / "CACHEDIR.TAG").read_text().startswith(self.SIGNATURE)
        (store.root / "CACHEDIR.TAG").write_text("own")
        put(store, AMD)
        assert (store.root / "CACHEDIR.TAG").read_text() == "own"

    def test_a_folder_of_the_user_s_is_not(self, store):
        (store.root / "thesis").mkdir(parents=True)
        put(store, NVDA)
        assert not (store.root / "CACHEDIR.TAG").exists()  # backups would leave the thesis out

    def test_reading_makes_nothing(self, store):
        assert store.read(NVDA) is None
        assert not store.root.exists()


class TestRefused:
    """What Windows does while another process has a file open."""

    @pytest.fixture(autouse=True)
    def no_waiting(self, monkeypatch):
        monkeypatch.setattr("time.sleep", lambda _: None)

    @pytest.mark.parametrize("times", [1, 2, 4])
    def test_replacing_is_tried_again(self, store, monkeypatch, times):
        put(store, NVDA, b"old")
        made = refuse(monkeypatch, os, "replace", ".cache", times)
        put(store, NVDA, b"new")
        assert len(made) == times
        assert store.read(NVDA).payload == b"new"

    def test_replacing_never_works(self, store, vendor, monkeypatch):
        path = put(store, NVDA, b"old")
        made = refuse(monkeypatch, os, "replace", ".cache")
        with pytest.warns(CacheWarning, match="could not be written .*cannot access the file.* is untouched"):
            assert not store.write(NVDA, {}, b"new")
        assert len(made) == 5
        assert store.read(NVDA).payload == b"old"
        assert os.listdir(path.parent) == [path.name]
        with pytest.warns(CacheWarning, match="could not be written"):
            assert len(ask(vendor, store, *LONG)) == 42  # what came is given all the same

    def test_a_damaged_file_cannot_be_set_aside(self, store, monkeypatch):
        path = put(store, NVDA)
        path.write_bytes(path.read_bytes()[:-1])
        refuse(monkeypatch, os, "replace", ".damaged")
        with pytest.warns(CacheWarning, match="could not be set aside .*cannot access"):
            assert store.read(NVDA) is None
        put(store, NVDA, b"new")
        assert store.read(NVDA).payload == b"new"

    def test_reading(self, store, vendor, cache, monkeypatch):
        true = ask(vendor, store, *LONG)
        made = refuse(monkeypatch, Path, "read_bytes", ".cache")
        with pytest.warns(CacheWarning, match="cannot be read .*cannot access the file.*; it counts as missing"):
            assert len(ask(vendor, store, *LONG)) == len(true)
        assert made
        code, told = cache("verify")
        assert code == 1
        assert "left alone: " in told
        assert "cannot be read (The process cannot access the file)" in told

    def test_reading_again_under_the_lock(self, store, monkeypatch):
        path = put(store, NVDA)
        path.write_bytes(path.read_bytes()[:-1])
        plain, made = Path.read_bytes, []

        def second(own):
            made.append(own)
            if len(made) > 1:
                raise PermissionError(errno.EACCES, "The process cannot access the file")
            return plain(own)

        monkeypatch.setattr(Path, "read_bytes", second)
        with pytest.warns(CacheWarning, match="cannot be read"):
            assert store.read(NVDA) is None

    def test_removing(self, store, cache, monkeypatch):
        path = put(store, NVDA)
        put(store, AMD)
        refuse(monkeypatch, Path, "unlink", "1d_NVDA.cache")
        code, told = cache("clear", "--all")
        assert (code, told.splitlines()) == (
            1,
            [
                f"1 files removed from {store.root}",
                f"left: {path}: cannot be removed (The process cannot access the file)",
            ],
        )
        assert store.read(NVDA) is not None

    def test_removing_a_leftover(self, store, cache, monkeypatch):
        left = put(store, NVDA).with_name("1d_NVDA.1796071807100572144.damaged")
        left.write_bytes(b"")
        refuse(monkeypatch, Path, "unlink", ".damaged")
        assert f"left: {left}: cannot be removed" in cache("clear", "--all")[1]

    def test_a_temporary_file_of_a_dead_writer(self, store, monkeypatch):
        left = put(store, NVDA, b"old").with_name(".1d_NVDA.cache.abcd1234.tmp")
        left.write_bytes(b"")
        refuse(monkeypatch, Path, "unlink", "abcd1234.tmp")
        put(store, NVDA, b"new")
        assert store.read(NVDA).payload == b"new"

    def test_a_lock_that_cannot_be_made_or_removed(self, store, cache, monkeypatch):
        put(store, NVDA)
        refuse(monkeypatch, Path, "unlink", ".lock")
        assert cache("clear", "NVDA") == (0, f"1 files removed from {store.root}\n")
        assert cache("clear", "--all")[0] == 0

        def refused(*args, **named):
            raise PermissionError(errno.EACCES, "Access is denied")

        monkeypatch.setattr("filelock.FileLock.acquire", refused)
        put(store, AMD)
        assert store.read(AMD) is not None


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(store):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes here")
    store.path(NVDA).parent.mkdir(parents=True)
    os.mkfifo(store.path(NVDA))
    with pytest.warns(CacheWarning, match="it is no file"):
        assert store.read(NVDA) is None
    (entry,) = store.entries()
    assert (entry.ours, store.remove(entry)) == (False, "is a link or a folder")


def test_bars_are_asked_for_again_when_their_file_is_gone(store, vendor, cache):
    ask(vendor, store, *LONG)
    cache("clear", "--all")
    vendor.heal(FORGET)
    assert len(ask(vendor, store, *LONG)) == 42
    assert len(vendor.asked) == 2
