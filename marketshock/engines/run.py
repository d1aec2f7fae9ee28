"""Map a function over partitions: in this process, on any executor, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any, TypeAlias, TypeVar

from ..errors import EngineError, InputError

P = TypeVar("P")
R = TypeVar("R")

Engine: TypeAlias = Executor | Any | None
"""None, a ``concurrent.futures.Executor``, or a ``distributed.Client``."""

Progress: TypeAlias = Callable[[Iterable[Any], int], Iterable[Any]]

_AHEAD = 2  # partitions sent for each worker: one at work and one waiting


def run_partitions(
    work: Callable[[P], R], parts: Sequence[P], engine: Engine, progress: Progress | None = None
) -> list[R]:
    """Return ``work(part)`` of each part, in the order of the parts.

    Parameters
    ----------
    work : callable
        A pure function; on other processes, one that can be pickled.
    parts : sequence
        What it is called with. At most two a worker are on their way at a time.
    engine : None, concurrent.futures.Executor, or distributed.Client
        Where it runs. None is this process.
    progress : callable, optional
        ``progress(results, n)`` wraps the results as they come, as tqdm does.

    Raises
    ------
    InputError
        If `engine` is none of these.
    EngineError
        If a worker of an executor died: an executor does not replace it. A Dask cluster does, and computes the lost
        partition again on another worker.

    Notes
    -----
    An error that `work` raises comes as it is; what has not begun is cancelled.
    """
    check_engine(engine)
    if engine is None:
        done: Iterator[tuple[int, R]] = enumerate(map(work, parts))
    elif isinstance(engine, Executor):
        done = _on_executor(work, parts, engine)
    else:
        done = _on_cluster(work, parts, engine)
    results: dict[int, R] = {}
    for at, result in progress(done, len(parts)) if progress else done:
        results[at] = result
    return [results[at] for at in range(len(parts))]


def check_engine(engine: object) -> None:
    """Raise `InputError` unless `engine` is one."""
    if engine is not None and not isinstance(engine, Executor) and not _is_cluster(engine):
        what = f"got {engine!r}"
        raise InputError("engine", what, "give None, a concurrent.futures executor, or a distributed.Client")


def _is_cluster(engine: object) -> bool:
    return any(f"{c.__module__}.{c.__name__}" == "distributed.client.Client" for c in type(engine).__mro__)


def _on_executor(work: Callable[[P], R], parts: Sequence[P], engine: Executor) -> Iterator[tuple[int, R]]:
    limit = _AHEAD * int(getattr(engine, "_max_workers", 2))
    waiting: dict[Future[R], int] = {}
    following = iter(range(len(parts)))
    gone = 0
    try:
        while True:
            while len(waiting) < limit and (at := next(following, None)) is not None:
                waiting[engine.submit(work, parts[at])] = at
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                gone = waiting.pop(future)
                yield gone, future.result()
    except BrokenExecutor as error:
        lost = ", ".join(str(at) for at in sorted([*waiting.values(), gone])[:5])
        what = f"a worker died, and with it partition {lost} of {len(parts)}"
        remedy = "make a new executor (fewer workers if memory ran out), or use a Dask cluster, which replaces workers"
        raise EngineError(what, remedy) from error
    finally:
        for future in waiting:
            future.cancel()


def _on_cluster(work: Callable[[P], R], parts: Sequence[P], client: Any) -> Iterator[tuple[int, R]]:
    """Keep a few partitions a worker on their way; a result is moved here and forgotten there as soon as it is made.

    What was lost with a worker the scheduler computes again; it gives a partition up that killed several of them.
    """
    from distributed import KilledWorker, as_completed

    limit = _AHEAD * max(1, sum(client.nthreads().values()))
    following = iter(range(len(parts)))
    place: dict[str, int] = {}
    running: Any = as_completed()  # type: ignore[no-untyped-call]

    def send() -> None:
        at = next(following, None)
        if at is not None:
            future = client.submit(work, parts[at], pure=False)
            place[future.key] = at
            running.add(future)

    for _ in range(limit):
        send()
    try:
        for future in running:
            at = place.pop(future.key)
            result = future.result()
            future.release()
            yield at, result
            send()
    except KilledWorker as error:
        what = f"a partition killed several workers: {error}"
        raise EngineError(what, "give the workers more memory, or the dataset smaller files") from error
    finally:
        client.cancel(list(running.futures))
