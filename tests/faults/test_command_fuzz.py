"""Every option of every command, with any value: a command ends with 0, 1 or 2, and a failure is one sentence."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketshock.command.main import COMMANDS

from .attacks_command import argv_of, attacked, judge, options_of


@pytest.mark.slow
@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_any_command_line_ends_as_commands_do(rng):
    attacked(argv_of(rng))


def test_every_option_of_every_command_is_tried():
    """The arguments are made from the parser: a new option is among them."""
    rng, tried = random.Random(1), {name: set[str]() for name in COMMANDS}
    for _ in range(8000):
        command, *words = argv_of(rng) or [""]
        tried.get(command, set()).update(word.partition("=")[0] for word in words)
    for command, words in tried.items():
        assert {a.option_strings[0] for a in options_of(command) if a.option_strings} <= words, command


@pytest.mark.parametrize(
    ("code", "out", "err"),
    [
        (3, "", "marketshock: no"),
        (2, "", ""),
        (2, "", "marketshock: one\nmarketshock: two"),
        (2, "", "Traceback (most recent call last):"),
        (1, "", ""),
        (0, "done", "marketshock: but this failed"),
        (0, "done", "UserWarning: something"),
    ],
)
def test_what_is_no_right_end_is_found(code, out, err):
    with pytest.raises(AssertionError):
        judge(["study"], code, out, err)


def test_a_result_that_is_no_json_is_found():
    with pytest.raises(AssertionError, match="NaN"):
        judge(["study", "--json"], 0, '{"car": NaN}', "")
