"""Bundled data: prices, share counts, factors, an index and its members, events, recorded facts.

Each function reads files of the package and opens no connection. Some also read a file of your own, by its path.
"""

from __future__ import annotations

from .catalog.load import load_catalog as catalog
from .catalog.load import release_calendar
from .providers.facts import recorded_facts
from .providers.french import french_factors as factors
from .providers.members import sp500
from .providers.shares import share_counts
from .providers.snapshot import snapshot as prices

__all__ = ["catalog", "factors", "prices", "recorded_facts", "release_calendar", "share_counts", "sp500"]
