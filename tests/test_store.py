"""The files of the cache: whole or not at all, checked, one writer at a time."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
import time

import pytest

from marketshock.errors import CacheWarning, InputError, MarketShockError
from marketshock.providers import store as module
from marketshock.providers.store import Key, Store

KEY = Key("yahoo", "1d", "^GSPC")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.mark.parametrize(
    "name", ["NVDA", "^GSPC", "BRK-B", "CON", "a/b:c*?", "ü" * 40, "https://x.org/" + "y" * 300, ".."]
)
def test_what_is_written_is_read(store, name):
    key = Key("yahoo", "1d", name)
    assert store.read(key) is None
    assert store.write(key, {"rows": 3}, b"\n\x00payload")
    held = store.read(key)
    assert (held.about["rows"], held.payload) == (3, b"\n\x00payload")
    assert store.path(key).parent == store.root / "yahoo"
    assert [entry.key for entry in store.entries()] == [key]


@pytest.mark.parametrize("harm", ["cut", "flipped", "empty", "other", "header"])
def test_a_damaged_file_is_set_aside_with_a_word(store, harm):
    store.write(KEY, {}, b"payload" * 100)
    path = store.path(KEY)
    data = path.read_bytes()
    path.write_bytes(
        {
            "cut": data[:-50],
            "flipped": data[:-9] + b"X" + data[-8:],
            "empty": b"",
            "other": b"<html>",
            "header": data.split(b"\n")[0],
        }[harm]
    )
    assert store.entries()[0].problem
    with pytest.warns(CacheWarning, match="set aside as"):
        assert store.read(KEY) is None
    assert store.read(KEY) is None
    assert [p.suffix for p in path.parent.iterdir()] == [".damaged"]


def kill_in_the_middle(root, ready):
    """Write a first half, tell, and wait to be killed."""
    real = os.fsync

    def stop(descriptor):
        ready.set()
        time.sleep(60)
        real(descriptor)

    module.os.fsync = stop
    store = Store(root)
    with store.lock(KEY):
        store.write(KEY, {"version": 2}, b"new" * 1000)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_kill_in_the_middle_of_a_write_leaves_the_old_file_and_frees_the_lock(store):
    store.write(KEY, {"version": 1}, b"old")
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    writer = context.Process(target=kill_in_the_middle, args=(store.root, ready))
    writer.start()
    assert ready.wait(30)
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    assert store.read(KEY).about["version"] == 1
    assert list(store.path(KEY).parent.glob(".*.tmp"))
    later = module.Store(store.root)
    with later.lock(KEY, timeout=5):
        assert later.write(KEY, {"version": 3}, b"newer")
    assert not list(store.path(KEY).parent.glob(".*.tmp"))  # what the dead writer left is swept
    assert store.read(KEY).about["version"] == 3


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_loses_nothing(store, monkeypatch, call):
    store.write(KEY, {"version": 1}, b"old")

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.os, call, full)
    with pytest.warns(CacheWarning, match=r"No space left on device.*untouched"):
        assert not store.write(KEY, {"version": 2}, b"new")
    monkeypatch.undo()
    assert store.read(KEY).about["version"] == 1
    assert [p.name for p in store.path(KEY).parent.iterdir()] == [store.path(KEY).name]


def test_a_read_only_folder_is_read_and_not_written(store, monkeypatch):
    store.write(KEY, {"version": 1}, b"old")

    def refused(*args, **named):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    with store.lock(KEY), pytest.warns(CacheWarning, match="Permission denied"):
        assert not store.write(KEY, {"version": 2}, b"new")
    assert store.read(KEY).about["version"] == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(store):
    store.write(KEY, {"version": 1}, b"old")
    store.path(KEY).parent.chmod(0o500)
    try:
        with pytest.warns(CacheWarning):
            assert not store.write(KEY, {"version": 2}, b"new")
        assert store.read(KEY).about["version"] == 1
    finally:
        store.path(KEY).parent.chmod(0o700)


def test_a_file_in_the_folder_s_place(tmp_path):
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match="is no folder"):
        Store(tmp_path / "cache")


def test_writers_of_one_key_take_turns(store):
    inside, most = [], []

    def work():
        with store.lock(KEY, timeout=30):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.01)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 8


def test_a_lock_that_is_held_for_too_long_is_an_error(store):
    other = store.lock(KEY, timeout=0.05)
    with store.lock(KEY), pytest.raises(MarketShockError, match="another process has been writing it for 0 s"), other:
        pass


def fill(root, worker):
    """Write versions until told otherwise by their number."""
    store = Store(root)
    for version in range(50):
        with store.lock(KEY):
            store.write(KEY, {"version": version, "worker": worker}, bytes([worker]) * 5000)


def test_readers_beside_two_writing_processes_never_see_a_torn_file(store):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=fill, args=(store.root, worker)) for worker in (1, 2)]
    for writer in writers:
        writer.start()
    seen = 0
    while any(writer.is_alive() for writer in writers):
        held = store.read(KEY)  # a warning would be an error here
        if held:
            assert held.payload == bytes([held.about["worker"]]) * 5000
            seen += 1
    assert seen > 10
    assert [writer.exitcode for writer in writers] == [0, 0]


def test_removing(store):
    store.write(KEY, {}, b"")
    (entry,) = store.entries()
    store.remove(entry)
    assert store.entries() == []
