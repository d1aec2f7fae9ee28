"""Partitions are mapped in order on every engine, errors come as they are, and a lost worker costs its partition."""

from __future__ import annotations

import inspect
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import pytest

import marketshock as ms
from marketshock import errors
from marketshock.engines.run import check_engine, run_partitions
from marketshock.errors import EngineError, InputError, PriceError

KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once on SIGTERM
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
        os.kill(os.getpid(), KILL)
    return x


def counted(job):
    """Leave a file for each execution; the first execution of the marked job kills its worker."""
    at, folder, deadly = job
    before = runs(folder).get(at, [])
    with open(os.path.join(folder, f"{at}-{time.monotonic_ns()}-{os.getpid()}"), "w", encoding="ascii"):
        pass
    if at == deadly and not before:
        os.kill(os.getpid(), KILL)
    return at


def runs(folder):
    """Return which processes executed each job, in order."""
    out = {}
    for at, _, pid in sorted(tuple(map(int, name.split("-"))) for name in os.listdir(folder)):
        out.setdefault(at, []).append(pid)
    return out


def fails_and_counts(job):
    counted(job)
    raise PriceError("returns", "is infinite", "correct it")


def always_dies(_):
    os.kill(os.getpid(), KILL)


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
    assert caught.value.parameter == "engine"
    assert caught.value.lost[0] == 2
    assert max(caught.value.lost) <= 3  # two were on their way
    assert "partition" in caught.value.problem
    assert "of 6" in caught.value.problem
    with pytest.raises(EngineError, match="before partition 0 of 3") as caught:
        run_partitions(square, range(3), pool)
    assert caught.value.lost == ()


def test_an_executor_that_is_shut_down():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(InputError, match=r"engine: .*shut down"):
        run_partitions(square, range(3), pool)


def test_an_interrupt_cancels_what_has_not_begun():
    begun = []

    def work(x):
        begun.append(x)
        time.sleep(0.05)

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            run_partitions(work, range(50), pool, interrupted)
        now = len(begun)
    assert now <= 3
    assert len(begun) <= now + 1


def interrupted(done, total):
    for one in done:
        yield one
        raise KeyboardInterrupt


def error_of(kind):
    """Make an error of a class from what its arguments are called."""
    given = {
        "names": ("X",),
        "known": ["A", "B"],
        "allowed": ["a", "b"],
        "exclusions": (),
        "n_events": 4,
        "lost": [1, 2],
    }
    return kind(*(given.get(name, f"the {name}") for name in inspect.signature(kind).parameters))


KINDS = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.MarketShockError)]


@pytest.mark.parametrize("kind", KINDS)
def test_errors_travel_with_their_attributes(kind):
    error = kind("something") if kind is errors.MarketShockError else error_of(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


@pytest.mark.parametrize("engine", ["dask", 4, object(), ThreadPoolExecutor])
def test_what_is_no_engine_is_refused(engine):
    with pytest.raises(InputError, match=r"engine.*executor"):
        check_engine(engine)


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", memory_limit=0
    )
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.filterwarnings("default")
class TestDask:
    def test_results_are_in_the_order_of_the_parts(self, client):
        check_engine(client)
        assert run_partitions(slow_first, range(12), client) == list(range(12))

    def test_an_error_comes_as_it_is(self, client, tmp_path):
        with pytest.raises(PriceError, match="infinite") as caught:
            run_partitions(fails_and_counts, [(0, str(tmp_path), None)], client)
        assert caught.value.parameter == "returns"
        assert len(runs(tmp_path)[0]) == 2  # it was tried once more
        self.nothing_is_left(client)

    def test_as_many_are_on_their_way_as_there_are_workers(self, client, monkeypatch):
        sizes, most = [{}, {"one": 1}], 0  # workers that come while it runs
        monkeypatch.setattr(client, "nthreads", lambda: sizes.pop(0) if sizes else {"one": 1, "other": 2})

        def progress(done, total):
            nonlocal most
            for one in done:
                most = max(most, len(client.futures))
                yield one

        assert run_partitions(square, range(30), client, progress) == [x * x for x in range(30)]
        assert 2 < most <= 6

    def test_nothing_is_left_on_the_cluster(self, client):
        assert run_partitions(square, range(5), client) == [0, 1, 4, 9, 16]
        with pytest.raises(KeyboardInterrupt):
            run_partitions(slow_first, range(50), client, interrupted)
        self.nothing_is_left(client)

    @staticmethod
    def nothing_is_left(client):
        deadline = time.monotonic() + 5
        while client.futures and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not client.futures

    @pytest.mark.filterwarnings("error:Sending large graph")
    def test_a_large_partition_is_no_news(self, client):
        assert run_partitions(len, [bytes(12_000_000)], client) == [12_000_000]

    def test_a_worker_that_is_killed_costs_its_partition_only(self, client, tmp_path):
        client.wait_for_workers(2, timeout=20)
        jobs = [(at, str(tmp_path), 3) for at in range(12)]
        assert run_partitions(counted, jobs, client) == list(range(12))
        done = runs(tmp_path)
        assert len(done[3]) == 2
        self.only_once_but_for(done, killed=done[3][0])

    def test_results_that_died_with_a_worker_are_computed_again(self, client, tmp_path):
        """Partitions are finished and not fetched yet when a worker that holds some of them is killed."""
        killed = 0

        def kill_when_all_are_done(done, total):
            nonlocal killed
            for one in done:
                if not killed:
                    killed = self.kill_a_holder(client, tmp_path)
                yield one

        client.wait_for_workers(2, timeout=20)
        jobs = [(at, str(tmp_path), None) for at in range(4)]
        assert run_partitions(counted, jobs, client, kill_when_all_are_done) == [0, 1, 2, 3]
        done = runs(tmp_path)
        assert any(len(pids) == 2 and pids[0] == killed for pids in done.values())
        self.only_once_but_for(done, killed)

    @staticmethod
    def kill_a_holder(client, folder):
        """Wait until all are done and but one fetched and released, and kill a worker with some of the rest."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            waiting = dict(client.futures)
            if len(waiting) == 3 and all(state.status == "finished" for state in waiting.values()):
                break
            time.sleep(0.01)
        assert len(runs(folder)) == 4
        held = {address: len(waiting.keys() & keys) for address, keys in client.has_what().items()}
        address = max(held, key=held.get)
        assert held[address]
        pid = client.run(os.getpid, workers=[address])[address]
        os.kill(pid, KILL)
        return pid

    @staticmethod
    def only_once_but_for(done, killed):
        """What did not run on the killed worker, or was moved before, ran once; the rest once more elsewhere."""
        for at, pids in done.items():
            assert len([pid for pid in pids if pid != killed]) <= 1, (at, pids, killed)
            assert len(pids) <= 2, (at, pids, killed)

    def test_a_partition_that_kills_its_workers_is_named(self, client, monkeypatch):
        monkeypatch.setattr(client.cluster.scheduler, "allowed_failures", 0)
        with pytest.raises(EngineError, match="workers died, each with partition 0 of 1") as caught:
            run_partitions(always_dies, [0], client)
        assert caught.value.lost == (0,)

    def test_a_cluster_that_gives_up(self, client):
        from distributed import Future

        def cancel(done, total):
            for one in done:
                client.cancel([Future(key, client) for key in list(client.futures)], force=True)
                yield one

        with pytest.raises(EngineError, match=r"the cluster gave up partition \d of 8") as caught:
            run_partitions(slow_first, [0] * 8, client, cancel)
        assert len(caught.value.lost) == 1

    def test_a_client_that_is_closed(self):
        """A cluster of its own: a scheduler that is busy with another client may send news before its greeting."""
        from distributed import Client, LocalCluster

        with (
            LocalCluster(n_workers=0, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0") as quiet,
            Client(quiet) as closed,
        ):
            check_engine(closed)
        with pytest.raises(InputError, match=r"engine: .*closed"):
            check_engine(closed)


def test_bars(capsys, seven):
    from marketshock.engines.progress import watched

    assert watched([1, 2], 2, None) == [1, 2]
    assert watched([1, 2], 2, False) == [1, 2]
    assert list(watched([1, 2], 2, True)) == [1, 2]
    seen = []
    assert list(watched([1, 2], 2, lambda items, n: seen.append(n) or items)) == [1, 2]
    assert seen == [2]
    with pytest.raises(InputError, match=r"give True, False, or progress\(items, n\)"):
        watched([1], 1, "yes")
    ms.verify_claims(progress=True)
    assert capsys.readouterr().out == ""
