"""The command line reads its defaults and names its options from data, and never from text."""

from __future__ import annotations

import inspect
import json
import pickle
import warnings

import pytest

import marketshock as ms
from marketshock.backtests.plan import plan_of
from marketshock.command.main import COMMANDS, main
from marketshock.command.options import command_parser
from marketshock.errors import Argument, CalendarWarning, InputError, NotSessionError, Words

REMEDY = Words("pass ", Argument("on_closed", "next"), ", or raise ", Argument("max_time"))


def parser_of(command: str):
    """Return the parser of one command."""
    return command_parser([command], COMMANDS)._subparsers._group_actions[0].choices[command]


class TestWords:
    def test_they_are_the_python_text_and_keep_their_arguments(self):
        assert REMEDY == "pass on_closed='next', or raise max_time"
        assert Words("a; ", REMEDY).spelled(lambda a: a.name.upper()) == "a; pass ON_CLOSED, or raise MAX_TIME"

    def test_an_error_spells_its_parameter_too_also_after_pickling(self):
        error = pickle.loads(pickle.dumps(InputError("min_obs", "got 0", REMEDY)))
        assert str(error) == f"min_obs: got 0; {REMEDY}"
        said = error.words.spelled(parser_of("study").spell)
        assert said == "--min-obs: got 0; pass --on-closed next, or raise --max-time"

    def test_a_closed_day_is_an_attribute_of_the_error(self):
        with pytest.raises(NotSessionError) as caught:
            ms.event_study(_frame("2025-01-25"), prices=ms.snapshot(), model=_MODEL)
        assert str(caught.value.day) == "2025-01-25"

    def test_a_warning_keeps_its_arguments(self):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.warn(CalendarWarning(REMEDY), stacklevel=1)
        assert caught[0].message.words.parts == REMEDY.parts


class TestSpelling:
    @pytest.mark.parametrize(
        ("command", "argument", "option"),
        [
            ("study", Argument("calendar", "index"), "--calendar index"),
            ("study", Argument("log", True), "--log"),
            ("fetch", Argument("tolerate", ["spike", "adjustment"]), "--tolerate spike,adjustment"),
            ("fetch", Argument("cache", False), "--no-cache"),
            ("fetch", Argument("offline", True), "--offline"),
            ("simulate", Argument("n_samples"), "--samples"),
            ("simulate", Argument("window"), "--window-length"),
            ("loss", Argument("reported_usd"), "--reported"),
            ("fragility", Argument("log", False), "--simple"),
            ("backtest", Argument("entry", "next_close"), "entry='next_close'"),
            ("events", Argument("calendar", "index"), "calendar='index'"),
        ],
    )
    def test_an_argument_is_the_option_of_the_command_that_was_run(self, command, argument, option):
        assert parser_of(command).spell(argument) == option


class TestDefaults:
    @pytest.mark.parametrize("command", list(COMMANDS))
    def test_every_command_has_help_of_80_columns(self, capsys, monkeypatch, command):
        monkeypatch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as caught:
            main([command, "--help"])
        out = capsys.readouterr().out
        assert caught.value.code == 0
        assert "example: marketshock " in out
        assert max(map(len, out.splitlines())) <= 80

    def test_an_option_that_is_not_given_is_not_passed(self):
        argv = ["study", "--events", "e.csv", "--prices", "p.csv"]
        assert not {"window", "min_obs", "calendar", "log"} & set(vars(command_parser(argv, COMMANDS).parse_args(argv)))

    def test_the_page_names_an_option_that_needs_events(self, capsys, tmp_path):
        assert main(["report", "--out", str(tmp_path / "a.html"), "--min-obs", "120"]) == 2
        assert "--events: is missing beside --min-obs" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("argv", "text"),
        [
            (("study", "--min-obs", "x"), "--min-obs: got 'x'; write a whole number"),
            (("simulate", "--level", "x"), "--level: got 'x'; write a number"),
            (("simulate", "--tests", ","), "--tests: got ','; write names"),
            (("backtest", "--sigma", "3"), "unknown argument '--sigma'; what has no option is written in a plan"),
            (("reproduce", "--outt", "x"), "unknown argument '--outt' (did you mean --out?)"),
        ],
    )
    def test_a_value_of_the_wrong_kind(self, capsys, argv, text):
        with pytest.raises(SystemExit) as caught:
            main(list(argv))
        err = capsys.readouterr().err
        assert caught.value.code == 2
        assert text in err
        assert "see: marketshock" in err


def test_an_option_whose_value_is_two_dashes(capsys):
    assert main(["simulate", "--samples=--"]) == 2
    assert capsys.readouterr().err == "marketshock: --samples is given without a value\n"


def test_characters_that_cannot_be_printed_are_escapes(capsys):
    assert main(["study", "--prices", "p.csv", "--benchmark", "SPY", "--events=\udcff\x1b[31m.csv"]) == 2
    assert capsys.readouterr().err.startswith(r"marketshock: \udcff\x1b[31m.csv: cannot be read")


def test_no_public_function_has_a_hook_for_tests():
    for name in ms.__all__:
        thing = getattr(ms, name)
        if callable(thing) and not isinstance(thing, type):
            taken = set(inspect.signature(thing).parameters)
            if name == "fetch_prices":
                taken.remove("now")  # a source of one's own may keep its own time
            assert not {"now", "clock", "facts_url", "tickers_url"} & taken, name


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (
            ("loss", "--ticker", "NVDA", "--date", "2025-01-27", "--rounding", "5"),
            "--rounding: given without --reported",
        ),
        (("fetch", "NVDA", "--start", "soon"), "--start: 'soon' is no date"),
        (
            ("fetch", "NVDA", "--start", "2024-01-02", "--offline", "--no-cache"),
            "--offline: there is no cache to read; leave --no-cache out",
        ),
        (("backtest", "--events", "bundled", "--tickers", "NVDA", "--rule", "hold", "--days", "0"), "--days: got 0"),
        (("backtest", "--tickers", "NVDA", "--rule", "drop", "--days", "5", "--bps", "-3"), "--bps: got -3"),
        (("fragility", "--threshold", "-1"), "--threshold: got -1"),
    ],
)
def test_an_error_names_the_option_that_was_given(capsys, argv, text):
    assert main(list(argv)) == 2
    assert f"marketshock: {text}" in capsys.readouterr().err


class TestBacktestPlans:
    def test_flags_are_the_plan_they_stand_for(self, capsys, tmp_path):
        argv = ["--events", "bundled", "--tickers", "NVDA", "--rule", "hold", "--days", "1,5", "--bps", "5"]
        assert main(["backtest", *argv, "--placebo", "99", "--json"]) == 0
        by_flags = json.loads(capsys.readouterr().out)
        (tmp_path / "plan.toml").write_text(
            'events = "bundled"\ntickers = ["NVDA"]\nplacebo = 99\n[costs]\nbps = 5\n'
            '[[rule]]\nname = "1 day"\nkind = "hold"\ndays = 1\n[[rule]]\nname = "5 days"\nkind = "hold"\ndays = 5\n'
        )
        assert main(["backtest", "--config", str(tmp_path / "plan.toml"), "--json"]) == 0
        by_plan = json.loads(capsys.readouterr().out)
        assert by_flags["asked"] == by_plan["asked"]
        assert by_flags["rules"] == by_plan["rules"]
        assert by_flags["comparison"] == by_plan["comparison"]

    def test_random_dates_are_needed_by_their_options(self):
        with pytest.raises(InputError, match="match: is given without placebo"):
            plan_of({"rule": [{"kind": "hold", "days": 5}], "match": "weekday"}, "plan.toml")


_MODEL = ms.MarketModel("^GSPC")


def _frame(day: str):
    import pandas as pd

    return pd.DataFrame({"ticker": ["NVDA"], "date": [day]})
