"""Every option of every command, with any value: a command ends with 0, 1 or 2, and a failure is one sentence."""

from __future__ import annotations

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


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_tried(command):
    """The arguments are made from the parser: a new option is among them."""
    import random

    flags = {a.option_strings[0] for a in options_of(command) if a.option_strings}
    rng, tried = random.Random(1), set()
    for _ in range(6000):
        argv = argv_of(rng)
        if argv[:1] == [command]:
            tried |= {flag for flag in flags if any(word.partition("=")[0] == flag for word in argv)}
    assert tried == flags


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
