"""A few attacks of every kind; ``make torture`` makes many."""

from __future__ import annotations

import pytest

from . import Kind, kinds, lost_by


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_a_few_of_each_kind_are_survived(kind: Kind):
    made = [(words, lost_by(attack)) for _, words, attack in kind.numbered(1, 0, kind.few)]
    assert made
    assert not [(words, how) for words, how in made if how]
    passed_over = [words for _, words, _ in kind.numbered(1, 0, kind.few)]
    assert passed_over == [words for words, _ in made], "an attack depends on whether those before it were made"


def test_names_differ():
    names = [kind.name for kind in kinds()]
    assert len(set(names)) == len(names)
