"""A few attacks of every kind; ``make torture`` makes many."""

from __future__ import annotations

import pytest

from . import Kind, kinds


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_few_of_each_kind_are_survived(kind: Kind):
    made, lost = kind.tried(1, kind.few)
    assert made
    assert not lost
