"""Small answers of a source, kept for a while."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from ..errors import OfflineMiss
from .retry import Bound
from .store import Key, Store

_KEPT = dt.timedelta(days=1)


def remembered(
    store: Store | None, key: Key, ask: Callable[[], Any], *, offline: bool, now: dt.datetime, bound: Bound
) -> Any:
    """Return an answer (plain data), from the cache if it is younger than a day.

    Offline the age does not matter. Raises `OfflineMiss` if the cache does not hold it.
    """
    held = store.read(key) if store else None
    if held and (offline or held.is_younger(_KEPT, now)):
        return json.loads(held.payload)
    if offline:
        what = "the cache does not hold it"
        raise OfflineMiss(key.name, f"{key.kind} offline", what, "fetch it once without offline")
    answer = ask()
    if store:
        about = {"fetched": now.isoformat(timespec="seconds")}
        with store.lock(key, bound.remaining()):
            store.write(key, about, json.dumps(answer, allow_nan=False).encode())
    return answer
