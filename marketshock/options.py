"""The options of the command line."""

from __future__ import annotations

import argparse
from typing import Any

from . import __version__
from ._typing import ALTERNATIVES, CALENDARS, DUPLICATES, ON_CLOSED

MODELS = (
    "market",
    "market-adjusted",
    "constant-mean",
    "factor",
    "capm",
    "ff3",
    "ff5",
    "carhart",
    "scholes-williams",
    "dimson",
    "huber",
    "garch",
)


def command_parser() -> argparse.ArgumentParser:
    """Return the parser; ``command`` names what to run."""
    parser = argparse.ArgumentParser(
        prog="marketshock",
        description="Event studies of dated market shocks, offline from bundled figures or your own files.",
    )
    parser.add_argument("--version", action="version", version=f"marketshock {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command", title="commands")
    _reproduce_parser(
        _command(
            commands,
            "reproduce",
            "Print (and draw) who lost what on 27 January and 3 February 2025.",
            "marketshock reproduce --out out",
        )
    )
    _study_parser(
        _command(
            commands,
            "study",
            "Run a study on your own files.",
            "marketshock study --events events.csv --prices prices.csv --benchmark ^GSPC",
        )
    )
    _loss_parser(
        _command(
            commands,
            "loss",
            "Print one firm's market-cap change and what gives the reported figure.",
            "marketshock loss --ticker NVDA --date 2025-01-27",
        )
    )
    _simulate_parser(
        _command(
            commands,
            "simulate",
            "Count how often each test rejects: its size under the null, its power for known abnormal returns.",
            "marketshock simulate --samples 1000 --firms 7 --correlation 0.3",
        )
    )
    return parser


def _command(commands: Any, name: str, text: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=text, description=text, epilog=f"example: {example}", allow_abbrev=False
    )
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    parser.add_argument("--offline", action="store_true", help="open no connection (these commands never do)")
    parser.add_argument("--quiet", action="store_true", help="no progress, no list of files written")
    return parser


def _reproduce_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="save the two plots and the JSON there")


def _study_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--events",
        required=True,
        metavar="FILE",
        help="CSV, Parquet or Feather (ticker, date, ...), a .toml catalog, or 'bundled'",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--prices",
        metavar="FILE",
        help="CSV, Parquet or Feather of adjusted closes, wide or long; or 'bundled'",
    )
    source.add_argument("--returns", metavar="FILE", help="CSV, Parquet or Feather of decimal returns, wide or long")
    add("--factors", metavar="FILE", help="wide file of decimal factor returns, or 'bundled' (Fama-French)")
    add(
        "--benchmark",
        metavar="NAME",
        help="column of the benchmark; for --model factor a comma-separated list",
    )
    add("--risk-free", metavar="NAME", help="column of the risk-free return, for --model factor")
    add("--model", choices=MODELS, default="market", help="model of the normal return (default: %(default)s)")
    add("--tickers", type=lambda text: tuple(text.split(",")), metavar="A,B", help="for market-wide events")
    add(
        "--window",
        type=_days,
        default=(-1, 5),
        metavar="A:B",
        help="event window, write --window=-1:5 (the default)",
    )
    add(
        "--estimation",
        type=_days,
        default=(-260, -11),
        metavar="A:B",
        help="estimation window (default: -260:-11)",
    )
    add(
        "--min-obs",
        type=int,
        default=120,
        help="returns needed in the estimation window (default: %(default)s)",
    )
    add(
        "--on-closed",
        choices=ON_CLOSED,
        default="raise",
        help="for dates without a session (default: %(default)s)",
    )
    add("--duplicates", choices=DUPLICATES, default="exclude", help="second event of a security and session")
    add(
        "--calendar",
        choices=CALENDARS,
        default="auto",
        help="sessions on which days are counted (default: %(default)s)",
    )
    add("--log", action="store_true", help="log instead of simple returns")
    add(
        "--out",
        metavar="DIR",
        help="write ar, car, tests, exclusions, alignment as CSV and the spec as JSON there",
    )


def _loss_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ticker", required=True, help="any ticker of the firm")
    parser.add_argument("--date", required=True, metavar="YYYY-MM-DD", help="the session")
    parser.add_argument("--reported", type=float, metavar="USD", help="a reported loss in dollars, e.g. 589e9")
    parser.add_argument(
        "--rounding", type=float, metavar="USD", help="the unit it was given to (default: its last digit)"
    )
    parser.add_argument(
        "--allow-lookahead",
        action="store_true",
        help="also use counts filed on or after the session, marked *",
    )


def _simulate_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--samples", type=int, default=1000, help="samples (default: %(default)s)")
    add("--firms", type=int, default=50, help="firms a sample (default: %(default)s)")
    add("--days", type=int, default=239, help="estimation days (default: %(default)s)")
    add("--window-length", type=int, default=1, metavar="DAYS", help="event days under test (default: %(default)s)")
    add("--shocks", type=_numbers, default=(0.0, 0.005, 0.01, 0.02), metavar="A,B", help="abnormal returns on day 0")
    add("--correlation", type=float, default=0.0, help="of the firms' residuals (default: %(default)s)")
    add("--tails", choices=("normal", "t4"), default="normal", help="distribution of the residuals")
    add("--event-variance", type=float, default=1.0, help="factor on the variance of the event days")
    add("--missing", type=float, default=0.0, help="share of estimation returns missing")
    add("--dates", choices=("common", "scattered"), default="common", help="one event date for all firms, or own ones")
    add("--tests", type=lambda text: tuple(text.split(",")), metavar="A,B", help="names of tests (default: all)")
    add("--level", type=float, default=0.05, help="nominal level (default: %(default)s)")
    add("--alternative", choices=ALTERNATIVES, default="two-sided", help="direction (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed (default: %(default)s)")
    add("--workers", type=int, default=1, help="processes; the result does not depend on it (default: %(default)s)")
    add("--out", metavar="DIR", help="write rejection_rates.csv there")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}; write numbers as 0,0.01,0.02") from None


def _days(text: str) -> tuple[int, int]:
    first, _, last = text.partition(":")
    try:
        return int(first), int(last)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}; write two whole numbers as -1:5") from None
