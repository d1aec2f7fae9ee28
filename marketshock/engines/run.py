"""Map a function over partitions: in this process, on any executor, or on a Dask cluster."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing
from typing import Any, TypeAlias, TypeVar

from ..errors import EngineError, InputError
from .progress import Progress, watched

P = TypeVar("P")
R = TypeVar("R")

Engine: TypeAlias = Executor | Any | None
"""None, a ``concurrent.futures.Executor``, or a ``distributed.Client``."""

_AHEAD = 2  # partitions sent for each worker: one at work and one waiting
_AGAIN = 1  # how often a cluster tries an error again: its workers may read over a network
_SHOWN = 5  # partitions named in a message


def run_partitions(work: Callable[[P], R], parts: Sequence[P], engine: Engine, progress: Progress = None) -> list[R]:
    """Return ``work(part)`` of each part, in the order of the parts.

    Raises `InputError` if `engine` is none of these, or takes no work any more; `EngineError` if a worker of an
    executor died: an executor does not replace it. A Dask cluster does, and computes again what was lost with it, and
    nothing else; its error comes when several workers died with the same partition, or when the cluster itself was
    restarted or lost.

    Parameters
    ----------
    work : callable
        A pure function; on other processes, one that can be pickled.
    parts : sequence
        What it is called with. At most two a worker are on their way at a time.
    engine : None, concurrent.futures.Executor, or distributed.Client
        Where it runs. None is this process.
    progress : bool or callable, optional
        True shows a bar; ``progress(results, n)`` wraps the results as they come.

    Notes
    -----
    An error that `work` raises comes as it is (on a cluster, after another try). Then, and when the caller is
    interrupted, what has not begun is cancelled.
    """
    check_engine(engine)
    if engine is None:
        done: Generator[tuple[int, R]] = ((at, work(part)) for at, part in enumerate(parts))
    elif isinstance(engine, Executor):
        done = _on_executor(work, parts, engine)
    else:
        done = _on_cluster(work, parts, engine)
    results: dict[int, R] = {}
    with closing(done):  # an interrupt outside of the generator cancels too
        for at, result in watched(done, len(parts), progress):
            results[at] = result
    return [results[at] for at in range(len(parts))]


def check_engine(engine: object) -> None:
    """Raise `InputError` unless `engine` is one."""
    allowed = "give None, a concurrent.futures executor, or a distributed.Client"
    if engine is None or isinstance(engine, Executor):
        return
    if not any(f"{c.__module__}.{c.__name__}" == "distributed.client.Client" for c in type(engine).__mro__):
        raise InputError("engine", f"got {engine!r}", allowed)
    if getattr(engine, "status", "") in ("closing", "closed"):
        raise InputError("engine", "got a distributed.Client that is closed", allowed)


def _on_executor(work: Callable[[P], R], parts: Sequence[P], engine: Executor) -> Generator[tuple[int, R]]:
    limit = _AHEAD * int(getattr(engine, "_max_workers", None) or os.cpu_count() or 1)
    waiting: dict[Future[R], int] = {}
    sent = 0
    try:
        while True:
            while len(waiting) < limit and sent < len(parts):
                waiting[_submitted(work, parts[sent], engine)] = sent
                sent += 1
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                result = future.result()
                yield waiting.pop(future), result
    except BrokenExecutor as error:
        lost = sorted(at for future, at in waiting.items() if not _arrived(future))
        before = f"a worker had died before partition {sent}"
        raise EngineError(
            "engine",
            f"{f'a worker died, and with it {_named(lost)}' if lost else before} of {len(parts)}",
            "make a new executor (fewer workers if memory ran out), or use a Dask cluster, which replaces workers",
            lost,
        ) from error
    finally:
        for future in waiting:
            future.cancel()


def _submitted(work: Callable[[P], R], part: P, engine: Executor) -> Future[R]:
    try:
        return engine.submit(work, part)
    except BrokenExecutor:
        raise
    except RuntimeError as error:
        raise InputError("engine", f"the executor takes no work: {error}", "give one that is not shut down") from error


def _arrived(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and not isinstance(future.exception(), BrokenExecutor)


def _named(lost: Sequence[int]) -> str:
    shown = ", ".join(map(str, lost[:_SHOWN])) + (", ..." if len(lost) > _SHOWN else "")
    return f"partition{'s' if len(lost) > 1 else ''} {shown}"


def _on_cluster(work: Callable[[P], R], parts: Sequence[P], client: Any) -> Generator[tuple[int, R]]:
    """Keep a few partitions a worker on their way; a result is moved here and forgotten there as soon as it is made.

    What was lost with a worker, also a result that was not moved yet, the scheduler computes again.
    """
    from distributed import CancelledError, KilledWorker, as_completed

    place: dict[str, int] = {}
    running: Any = as_completed()  # type: ignore[no-untyped-call]
    at = sent = 0
    try:
        while sent < len(parts) or place:
            limit = _AHEAD * max(1, sum(client.nthreads().values()))  # a cluster grows and shrinks
            while len(place) < limit and sent < len(parts):
                future = _sent(work, parts[sent], client)
                place[future.key] = sent
                running.add(future)
                sent += 1
            future = next(running)
            at = place.pop(future.key)
            try:
                result = future.result()
            finally:
                future.release()  # also an error: its traceback holds the future
            yield at, result
    except KilledWorker as error:
        what = f"several workers died, each with {_named([at])} of {len(parts)}: {error}"
        raise EngineError("engine", what, "give the workers more memory, or smaller partitions", [at]) from error
    except CancelledError as error:
        what = f"the cluster gave up {_named([at])} of {len(parts)}: {error}"
        raise EngineError("engine", what, "see whether its scheduler still runs, and start again", [at]) from error
    finally:
        client.cancel(list(running.futures))


def _sent(work: Callable[[P], R], part: P, client: Any) -> Any:
    """Submit a partition; that it is large is no news: it travels once, and few do at a time."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return client.submit(work, part, pure=False, retries=_AGAIN)
