"""Fixtures of a cache and of a vendor."""

from __future__ import annotations

import datetime as dt

import pytest

from marketshock.providers.store import Store

from .attacks_late import Vendor


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


@pytest.fixture
def vendor():
    made = Vendor()
    made.today = dt.date(2025, 3, 6)
    return made
