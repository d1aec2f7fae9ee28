"""Small answers of a source, kept for a while."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from ..errors import OfflineMiss
from .retry import Bound
from .store import Key, Store


def remembered(
    store: Store | None,
    key: Key,
    ask: Callable[[], Any],
    *,
    offline: bool,
    now: dt.datetime,
    bound: Bound,
    max_age: dt.timedelta = dt.timedelta(days=1),
) -> Any:
    """Return an answer (plain data), from the cache if it is younger than `max_age`.

    Offline the age does not matter. Raises `OfflineMiss` if the cache does not hold it.
    """
    held = store.read(key) if store else None
    if held and (offline or abs(now - dt.datetime.fromisoformat(held.about["fetched"])) < max_age):
        return json.loads(held.payload)
    if offline:
        raise OfflineMiss(
            key.name, f"{key.kind} offline", "the cache does not hold it", "fetch it once without offline"
        )
    answer = ask()
    if store:
        about = {"fetched": now.isoformat(timespec="seconds")}
        with store.lock(key, bound.remaining()):
            store.write(key, about, json.dumps(answer, allow_nan=False).encode())
    return answer
