"""Partitions are mapped in order on every engine, errors come as they are, and a lost worker costs its partition."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

from marketshock.engines.run import check_engine, run_partitions
from marketshock.errors import EngineError, InputError, PriceError

SPAWN = get_context("spawn")  # a fork of a process with threads warns from Python 3.12 on


def square(x):
    return x * x


def slow_first(x):
    time.sleep(0.2 if x == 0 else 0.0)
    return x


def fails_on_three(x):
    if x == 3:
        raise PriceError("returns", "is infinite", "correct it")
    return x


def dies_on_two(x):
    if x == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def counted(job):
    """Leave a file for each execution; the first execution of the marked job kills its worker."""
    at, folder, deadly = job
    name = os.path.join(folder, f"{at}-{time.monotonic_ns()}")
    with open(name, "w", encoding="ascii"):
        pass
    runs = sum(entry.startswith(f"{at}-") for entry in os.listdir(folder))
    if at == deadly and runs == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return at


def test_serial():
    assert run_partitions(square, range(5), None) == [0, 1, 4, 9, 16]
    assert run_partitions(square, [], None) == []


def test_results_are_in_the_order_of_the_parts():
    with ThreadPoolExecutor(3) as pool:
        assert run_partitions(slow_first, range(8), pool) == list(range(8))


def test_few_partitions_are_on_their_way_at_a_time():
    lock, now, most = threading.Lock(), 0, 0

    class Watched(ThreadPoolExecutor):
        def submit(self, *args, **kwargs):
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            future = super().submit(*args, **kwargs)
            future.add_done_callback(lambda _: leave())
            return future

    def leave():
        nonlocal now
        with lock:
            now -= 1

    with Watched(2) as pool:
        run_partitions(square, range(50), pool)
    assert most <= 4


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_an_error_comes_as_it_is(engine):
    with ThreadPoolExecutor(2) as pool, pytest.raises(PriceError, match="infinite") as caught:
        run_partitions(fails_on_three, range(8), None if engine == "serial" else pool)
    assert caught.value.parameter == "returns"


def test_an_error_crosses_processes_with_its_attributes():
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.raises(PriceError) as caught:
        run_partitions(fails_on_three, range(4), pool)
    assert (caught.value.problem, caught.value.remedy) == ("is infinite", "correct it")


def test_progress_sees_every_partition():
    seen = []

    def progress(done, total):
        for one in done:
            seen.append((one, total))
            yield one

    assert run_partitions(square, range(4), None, progress) == [0, 1, 4, 9]
    assert [total for _, total in seen] == [4] * 4


def test_a_worker_that_dies_is_named():
    with ProcessPoolExecutor(1, mp_context=SPAWN) as pool, pytest.raises(EngineError, match="a worker died") as caught:
        run_partitions(dies_on_two, range(6), pool)
    assert "Dask" in caught.value.remedy


@pytest.mark.parametrize("engine", ["dask", 4, object(), ThreadPoolExecutor])
def test_what_is_no_engine_is_refused(engine):
    with pytest.raises(InputError, match=r"engine.*executor"):
        check_engine(engine)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.filterwarnings("default")
class TestDask:
    def test_results_are_in_the_order_of_the_parts(self, client):
        check_engine(client)
        assert run_partitions(slow_first, range(12), client) == list(range(12))

    def test_an_error_comes_as_it_is(self, client):
        with pytest.raises(PriceError, match="infinite") as caught:
            run_partitions(fails_on_three, range(8), client)
        assert caught.value.parameter == "returns"

    def test_a_worker_that_is_killed_costs_its_partition_only(self, client, tmp_path):
        jobs = [(at, str(tmp_path), 3) for at in range(12)]
        assert run_partitions(counted, jobs, client) == list(range(12))
        runs = [sum(entry.startswith(f"{at}-") for entry in os.listdir(tmp_path)) for at in range(12)]
        assert runs[3] == 2
        assert sum(runs) <= 12 + 4  # beside it, at most what was on its way to that worker or waiting there
