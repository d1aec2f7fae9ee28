"""Options of the command line.

An option that is passed on to a function takes its name (``dest``) and its default from that function's signature.
Messages name arguments; `CommandParser.spell` turns an argument into the option of the command that was run.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, NoReturn, TypeAlias

from .._bundled import __version__
from .._typing import ALTERNATIVES, DUPLICATES, GAPS, ON_CLOSED, ON_FINDINGS, ON_HALT
from ..errors import Argument, did_you_mean
from .console import short
from .inputs import models


class CommandParser(argparse.ArgumentParser):
    """Parser of one command, which knows the option of each argument."""

    hint = ""  # where to look for what is no option

    def spell(self, argument: Argument) -> str:
        """Return an argument as an option: on_closed='next' is ``--on-closed next``.

        An argument without an option is written as in Python.
        """
        value = argument.value
        for action in self._actions:
            if action.dest == argument.name and action.option_strings:
                flag, switch = action.option_strings[0], action.nargs == 0
                if value is None or (switch and action.const == value):
                    return flag
                if not switch and not isinstance(value, bool):
                    return f"{flag} {','.join(map(str, value)) if isinstance(value, list) else value}"
        return str(argument)

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Exit with 2 and name the first argument that the command does not have, and the nearest that it has."""
        near = did_you_mean(unknown[0], [flag for action in self._actions for flag in action.option_strings])
        self.error(f"unknown argument {unknown[0]!r}" + (f" (did you mean {near}?)" if near else "") + self.hint)

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is sys.stdout and message:
            file.write(message)  # argparse passes over a full disk
        else:
            super()._print_message(message, file)

    def error(self, message: str) -> NoReturn:
        """Print the message and where help is, and exit with 2."""
        self.exit(2, f"{self.prog}: {short(message)}\nsee: {self.prog} --help\n")


Fill: TypeAlias = Callable[[CommandParser], None]


def command_parser(argv: Sequence[str], commands: Mapping[str, tuple[Callable[..., int], Fill, str]]) -> CommandParser:
    """Return the parser; ``command`` is the name of the command, ``spell`` writes an argument as an option of it.

    Only the command that is named gets its options, because the functions that they belong to take time to import. Of
    each command the mapping has the function that runs it, whose docstring is the help, the function that adds its
    options, and an example.
    """
    parser = CommandParser(
        prog="marketshock",
        description="Event studies from the shell: on bundled data without a connection, or on your own files.",
    )
    parser.add_argument("--version", action="version", version=f"marketshock {__version__}")
    listed = parser.add_subparsers(dest="command", required=True, metavar="command", title="commands")
    for name, (run, fill, example) in commands.items():
        text = (run.__doc__ or "").partition("\n")[0]
        one = listed.add_parser(
            name, help=text, description=text, epilog=f"example: marketshock {example}", allow_abbrev=False
        )
        if name in argv[:1]:
            fill(one)
            one.add_argument("--json", action="store_true", help="print JSON")
            one.add_argument("--offline", action="store_true", help="open no network connection")
            one.add_argument("--quiet", action="store_true", help="print no progress and no list of written files")
            one.set_defaults(spell=one.spell, refuse=one.refuse)
    return parser


def _adder(parser: Any, function: Callable[..., Any]) -> Callable[..., None]:
    """Return what adds an option for an argument of a function; the help shows the default of the signature."""
    parameters = signature(function).parameters

    def add(flag: str, text: str, dest: str = "", **named: Any) -> None:
        dest = dest or flag[2:].replace("-", "_")
        default = _shown(parameters[dest].default)
        text += f" (default: {default})" if default else ""
        if "action" not in named and "choices" not in named:
            named.setdefault("metavar", "N" if named.get("type") is _whole else "X")
        parser.add_argument(flag, dest=dest, default=argparse.SUPPRESS, help=text, **named)

    return add


def _shown(default: Any) -> str:
    if default is None or isinstance(default, bool):
        return ""
    if isinstance(default, tuple):
        return (":" if all(isinstance(v, int) for v in default) else ",").join(f"{v:g}" for v in default)
    return f"{default:g}" if isinstance(default, float) else str(default)


def reproduce_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="write the two plots and the JSON to this folder")


def study_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    from ..study.run import event_study

    data = parser.add_argument_group("data")
    data.add_argument(
        "--events",
        required=required,
        metavar="FILE",
        help="events: a table (CSV, Parquet, Feather) with columns ticker and date, and if each has its own: market "
        "(an exchange's code), benchmark, calendar, timing, window_first and window_last, estimation_first and "
        "estimation_last; a .toml catalog, or 'bundled'",
    )
    source = data.add_mutually_exclusive_group(required=required)
    source.add_argument(
        "--prices",
        metavar="FILE",
        action="append",
        help="adjusted closes, wide or long; several files (A.csv,B.csv) are joined by date; or 'bundled', or 'yahoo'",
    )
    source.add_argument("--returns", metavar="FILE", help="decimal returns instead of prices, wide or long")
    data.add_argument(
        "--factors",
        metavar="FILE",
        help="decimal factor returns, wide; zips of the Ken French data library (A.zip,B.zip); or 'bundled'",
    )
    data.add_argument("--tickers", type=_names, metavar="A,B", help="securities for events that name none")
    model = parser.add_argument_group("model of the normal return").add_argument
    names = tuple(models())
    model("--model", choices=names, metavar="NAME", help=f"{', '.join(names)} (default: market)")
    model(
        "--benchmark",
        metavar="NAME",
        help="column of the benchmark, if the events have no column benchmark; several, separated by commas, for "
        "factor",
    )
    model("--risk-free", metavar="NAME", help="column of the risk-free return, for factor and capm")
    group = parser.add_argument_group("options of the study")
    linked = _adder(group, event_study)
    linked("--window", "event window in trading days; write --window=-1:5", type=_days, metavar="A:B")
    linked("--estimation", "estimation window in trading days", type=_days, metavar="A:B")
    linked("--min-obs", "returns needed in the estimation window", type=_whole)
    linked("--log", "use log returns instead of simple returns", action="store_true")
    linked("--gaps", "the return over sessions without a price", choices=GAPS)
    linked("--on-halt", "what to do with an event on whose day there is no price", choices=ON_HALT)
    _calendar(group, event_study)
    _fetching(parser)
    if required:
        add = parser.add_argument
        add("--by", metavar="COLUMN", help="test the events by a column of theirs too, such as market")
        add("--explain", metavar="EVENT_ID", help="print only how the CAR of this event follows from its prices")
        add(
            "--explain-days", type=_days, metavar="A:B", help="days of that CAR (default: day 0, else the whole window)"
        )
        add("--out", metavar="DIR", help="write the tables as CSV and the options as JSON to this folder")


def report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="the .html file; an existing one is replaced")
    parser.add_argument("--title", metavar="TEXT", help="heading of the page")
    study_options(parser, required=False)


def _calendar(parser: Any, function: Callable[..., Any]) -> None:
    add = _adder(parser, function)
    add("--on-closed", "what to do with a date on which the market was closed", choices=ON_CLOSED)
    add("--duplicates", "what to do with a second event of a security on the same session", choices=DUPLICATES)
    add("--calendar", "sessions on which days are counted: auto, NYSE, index, 24/7 or an exchange's code")
    add("--on-findings", "what to do about warnings of the checks of prices", choices=ON_FINDINGS)


def _fetching(parser: argparse.ArgumentParser) -> None:
    from ..providers.fetch import yahoo

    group = parser.add_argument_group("fetching from Yahoo Finance")
    where = group.add_mutually_exclusive_group()
    where.add_argument("--cache", metavar="DIR", help=_FOLDER)
    where.add_argument("--no-cache", dest="cache", action="store_const", const=False, help="keep no fetched data")
    add = _adder(group, yahoo)
    add("--tolerate", "accept a series in spite of these findings, such as spike or tick", type=_names, metavar="A,B")
    add("--max-time", "limit for all requests together", type=_number, metavar="SECONDS")


_FOLDER = "folder of the cache (default: $MARKETSHOCK_CACHE, else the folder of the platform)"


def fetch_options(parser: argparse.ArgumentParser) -> None:
    from ..providers.fetch import yahoo

    add = parser.add_argument
    add("tickers", nargs="+", metavar="TICKER", help="symbols as Yahoo writes them: NVDA, BRK-B, ^GSPC")
    add("--start", required=True, metavar="YYYY-MM-DD", help="first day")
    add("--end", metavar="YYYY-MM-DD", help="last day, included (default: the last completed day)")
    add("--interval", default="1d", help="1d, or 1m 2m 5m 15m 30m 60m 90m for bars within the day (default: 1d)")
    add("--out", metavar="FILE", help="write a long .csv or .parquet; study --prices reads the daily ones")
    _adder(parser, yahoo)("--workers", "symbols requested at the same time", type=_whole)
    _fetching(parser)


def cache_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("action", choices=("list", "verify", "clear"), help="what to do")
    add("names", nargs="*", metavar="NAME", help="tickers (default: all; clear then needs --all)")
    add("--all", action="store_true", help="clear everything, including bars that no vendor still has")
    add("--cache", metavar="DIR", help=_FOLDER)


def loss_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--ticker", required=True, help="any ticker of the firm")
    add("--date", required=True, metavar="YYYY-MM-DD", help="the session")
    add("--reported", dest="reported_usd", type=_number, metavar="USD", help="a reported loss in dollars, e.g. 589e9")
    add(
        "--rounding",
        dest="rounding_usd",
        type=_number,
        metavar="USD",
        help="unit to which that loss was rounded (default: its last digit)",
    )
    add("--allow-lookahead", action="store_true", help="also use counts filed on or after the session, marked *")
    add("--explain", action="store_true", help="print only how the change follows from prices and share counts")


def claims_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--document", metavar="NAME", help="only the claims of one document, by the beginning of its name")
    add("--id", metavar="ID", help="one claim in full: every convention tried and the figures used")
    add("--markdown", action="store_true", help="print Markdown tables with the reason of each verdict")
    add("--explain", action="store_true", help="with --id: print how the verdict follows from the figures")
    add("--catalog", metavar="FILE", help="a .toml file with [[claim]] tables (default: the bundled ones)")
    add("--prices", metavar="FILE", help="long table of daily bars, closes as traded (default: the bundled ones)")
    add("--facts", metavar="FILE", help="CSV of recorded facts (default: the bundled ones)")


def fragility_options(parser: argparse.ArgumentParser) -> None:
    from ..report.fragility import Asked
    from ..volatility.measure import fragility

    add, measure, look = parser.add_argument, _adder(parser, fragility), _adder(parser, Asked)
    add("--prices", default="bundled", metavar="FILE", help="adjusted closes (default: the bundled S&P 500)")
    look("--date", "one session: its events and its largest moves", metavar="YYYY-MM-DD")
    look("--start", "first day counted (default: the first of the prices)", metavar="YYYY-MM-DD")
    look("--end", "last day counted (default: the last of the prices)", metavar="YYYY-MM-DD")
    measure("--window", "sessions of the trailing volatility", type=_whole)
    measure("--threshold", "absolute z from which a move is an event", type=_number)
    measure("--simple", "use simple instead of log returns", dest="log", action="store_false")
    measure("--about", "volatility about zero or about the mean return", choices=("zero", "mean"))
    measure("--min-obs", "returns needed in the window (default: all)", type=_whole)
    add("--top", type=_whole, metavar="N", help="only the N largest firms by market cap at the close before each day")
    add("--caps", metavar="FILE", help="market caps in USD, for --top with your own prices")
    look("--by", "count the share classes of a firm once, or each listing", choices=("firm", "listing"))
    look("--group", "tickers shown separately, and their part of the bundled index", type=_names, metavar="A,B")
    add("--clustering", action="store_true", help="test whether events of different stocks cluster in time")
    look("--rows", "rows of each ranking", type=_whole)
    measure("--calendar", "sessions on which days are counted: auto, NYSE, index, 24/7 or an exchange's code")
    add("--out", metavar="DIR", help="write tables and z as CSV, everything as JSON, and three plots to this folder")


def events_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="plain text, HTML or Markdown, in Chinese or English")
    add("--published", metavar="YYYY-MM-DD", help="date of publication (default: as the page states it)")
    add("--encoding", metavar="NAME", help="encoding of the file, e.g. gb18030 (default: as declared, else UTF-8)")
    add("--out", metavar="FILE", help="write the draft catalog to this .toml file")


def backtest_options(parser: CommandParser) -> None:
    from ..backtests.plan import plain_kinds
    from ..backtests.run import backtest

    parser.hint = "; what has no option is written in a plan, see --config"
    parser.usage = "marketshock backtest (--rule RULE --days N,N | --config PLAN) [options]"
    add = parser.add_argument
    add(
        "--config",
        metavar="PLAN",
        help="a .toml plan: rules, hedges, stops, all costs, sizes; options here win over it",
    )
    add("--events", metavar="FILE", help="as in study; leave it out for --rule drop, which finds its own events")
    add("--prices", metavar="FILE", help="prices, wide or long; or 'yahoo' (default: 'bundled')")
    add("--tickers", type=_names, metavar="A,B", help="securities for events that name none, and for --rule drop")
    add("--rule", choices=plain_kinds(), help="what is traded after an event")
    add("--days", type=_wholes, metavar="N,N", help="closes until the exit; several values make several rules")
    add("--bps", type=_number, metavar="X", help="commission per fill, in basis points (default: 0)")
    add("--benchmark", metavar="NAME", help="security for alpha and beta")
    add("--placebo", type=_whole, metavar="N", help="sets of random dates (default: none; 999 for several rules)")
    _calendar(parser, backtest)
    _fetching(parser)
    add("--out", metavar="DIR", help="write ledgers as CSV, everything as JSON, and the plots to this folder")


def simulate_options(parser: argparse.ArgumentParser) -> None:
    from ..simulate import Design, rejection_rates

    design, run = _adder(parser, Design), _adder(parser, rejection_rates)
    run("--samples", "number of samples", dest="n_samples", type=_whole)
    design("--firms", "firms per sample", dest="n_firms", type=_whole)
    design("--days", "days of the estimation window", dest="n_days", type=_whole)
    design("--window-length", "days of the event window", dest="window", type=_whole)
    run("--shocks", "abnormal returns on day 0", type=_numbers, metavar="X,X")
    design("--correlation", "correlation of the firms' residuals", type=_number)
    design("--tails", "distribution of the residuals", choices=("normal", "t4"))
    design("--event-variance", "factor on the variance of the event days", type=_number)
    design("--missing", "share of the estimation returns that are missing", type=_number)
    design("--dates", "one event date for all firms, or one each", choices=("common", "scattered"))
    run("--tests", "names of the tests (default: all)", type=_names, metavar="A,B")
    run("--level", "nominal level", type=_number)
    run("--alternative", "direction of the tests", choices=ALTERNATIVES)
    run("--seed", "seed of the random numbers", type=_whole)
    run("--workers", "processes; the result does not depend on their number", type=_whole)
    parser.add_argument("--out", metavar="DIR", help="write rejection_rates.csv to this folder")


def _names(text: str) -> tuple[str, ...]:
    named = tuple(part.strip() for part in text.split(",") if part.strip())
    if not named:
        raise argparse.ArgumentTypeError(f"got {text!r}; write names as NVDA,AAPL")
    return named


def _listed(kind: Callable[[str], Any], example: str) -> Callable[[str], Any]:
    def listed(text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(f"got {text!r}; write {example}") from None

    return listed


def _bounded(text: str) -> int:
    """Return a whole number. Raises `ValueError` if it is none, or beyond 64 bits."""
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _finite(text: str) -> float:
    """Return a number. Raises `ValueError` if it is none, not a number, or infinite."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


_wholes, _numbers = _listed(_bounded, "whole numbers as 1,5,20"), _listed(_finite, "numbers as 0,0.01,0.02")


def _whole(text: str) -> int:
    try:
        return _bounded(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"got {text!r}; write a whole number of at most 18 digits, such as 120"
        ) from None


def _number(text: str) -> float:
    try:
        return _finite(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}; write a number, such as 0.05") from None


def _days(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    try:
        return _bounded(first), _bounded(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}; write two whole numbers, such as -1:5") from None
