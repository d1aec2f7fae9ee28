"""The options of the command line."""

from __future__ import annotations

import argparse
from typing import Any

from .._bundled import __version__
from .._typing import ALTERNATIVES, CALENDARS, DUPLICATES, ON_CLOSED

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
RULES = ("hold", "fade", "follow", "drop", "pair", "low_volatility")


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
    _fetch_parser(
        _command(
            commands,
            "fetch",
            "Fetch prices from Yahoo Finance into the cache, checked, and say what was found.",
            "marketshock fetch NVDA AAPL ^GSPC --start 2024-01-02 --end 2025-03-31 --out prices.csv",
        )
    )
    _cache_parser(
        _command(
            commands,
            "cache",
            "List, verify or clear what was fetched.",
            "marketshock cache verify",
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
    _claims_parser(
        _command(
            commands,
            "claims",
            "Check what the two documents, or yours, state: verdicts with their numbers and conventions.",
            "marketshock claims --id A11",
        )
    )
    _fragility_parser(
        _command(
            commands,
            "fragility",
            "Count and rank moves in units of their own volatility: bundled S&P 500, or your own prices.",
            "marketshock fragility --date 2025-01-27",
        )
    )
    _events_parser(
        _command(
            commands,
            "events",
            "Read the dates, figures and names of a news text, and draft a catalog of its events.",
            "marketshock events article.txt --published 2025-02-13 --out draft.toml",
        )
    )
    _backtest_parser(
        _command(
            commands,
            "backtest",
            "Trade a rule on events, after costs, and hold it against random dates; several rules side by side.",
            "marketshock backtest --events bundled --tickers NVDA --rule hold --days 1,5,20 --bps 5 --placebo 999",
        )
    )
    _report_parser(
        _command(
            commands,
            "report",
            "Write results as one HTML file: the bundled ones, or a study on your own files.",
            "marketshock report --out report.html",
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
    parser.add_argument("--offline", action="store_true", help="open no connection")
    parser.add_argument("--quiet", action="store_true", help="no progress, no list of files written")
    return parser


def _reproduce_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="DIR", help="save the two plots and the JSON there")


def _study_parser(parser: argparse.ArgumentParser) -> None:
    _study_options(parser, required=True)
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="write ar, car, tests, exclusions, alignment as CSV and the spec as JSON there",
    )


def _report_parser(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FILE", help="the .html file; it is replaced if it is there")
    parser.add_argument("--title", metavar="TEXT", help="heading of the page")
    _study_options(parser, required=False)


def _study_options(parser: argparse.ArgumentParser, required: bool) -> None:
    add = parser.add_argument
    add(
        "--events",
        required=required,
        metavar="FILE",
        help="CSV, Parquet or Feather (ticker, date, ...), a .toml catalog, or 'bundled'",
    )
    source = parser.add_mutually_exclusive_group(required=required)
    source.add_argument(
        "--prices",
        metavar="FILE",
        help="CSV, Parquet or Feather of adjusted closes, wide or long; 'bundled', or 'yahoo'",
    )
    source.add_argument("--returns", metavar="FILE", help="CSV, Parquet or Feather of decimal returns, wide or long")
    add(
        "--factors",
        metavar="FILE",
        help="wide file of decimal factor returns, zips of the Ken French data library (A.zip,B.zip), or 'bundled'",
    )
    add(
        "--benchmark",
        metavar="NAME",
        help="column of the benchmark; for --model factor a comma-separated list",
    )
    add("--risk-free", metavar="NAME", help="column of the risk-free return, for --model factor")
    add("--model", choices=MODELS, default="market", help="model of the normal return (default: %(default)s)")
    add("--tickers", type=_names, metavar="A,B", help="for market-wide events")
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
    add("--explain", metavar="EVENT_ID", help="print instead how that event's CAR comes from its prices, step by step")
    add("--explain-days", type=_days, metavar="A:B", help="days of that CAR (default: 0:0, else the whole window)")
    _cache_options(parser)


def _fetch_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("tickers", nargs="+", metavar="TICKER", help="as Yahoo writes them: NVDA, BRK-B, ^GSPC")
    add("--start", required=True, metavar="YYYY-MM-DD", help="first day")
    add("--end", metavar="YYYY-MM-DD", help="last day, included (default: the last one that is over)")
    add("--interval", default="1d", help="1d, or 1m 2m 5m 15m 30m 60m 90m as far as Yahoo keeps them (default: 1d)")
    add(
        "--out",
        metavar="FILE",
        help="write the figures as a long .csv or .parquet (daily ones as study --prices reads them)",
    )
    add("--workers", type=int, default=4, help="symbols asked at the same time (default: %(default)s)")
    _cache_options(parser)


def _cache_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("action", choices=("list", "verify", "clear"), help="what to do")
    add("names", nargs="*", metavar="NAME", help="tickers meant (default: all; clear then needs --all)")
    add("--all", action="store_true", help="clear everything, also bars that no vendor keeps any more")
    add("--cache", metavar="DIR", help=_WHERE)


_WHERE = "folder of the cache (default: $MARKETSHOCK_CACHE, else the platform's)"


def _cache_options(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--cache", metavar="DIR", help=_WHERE)
    where.add_argument("--no-cache", action="store_true", help="keep nothing of what is fetched")
    add = parser.add_argument
    add("--tolerate", type=_names, default=(), metavar="A,B", help="findings that do not refuse a series, e.g. spike")
    add("--max-time", type=float, default=300, metavar="SECONDS", help="for all that is fetched (default: %(default)s)")


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
    parser.add_argument("--explain", action="store_true", help="print instead how the change comes from its figures")


def _claims_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--document", metavar="NAME", help="claims of one document, by the beginning of its name")
    add("--id", metavar="ID", help="one claim in full: every convention tried, the figures that went in")
    add("--markdown", action="store_true", help="print Markdown tables with every reason")
    add("--explain", action="store_true", help="with --id: print how the verdict comes from the figures")
    add("--catalog", metavar="FILE", help="a .toml file with [[claim]] tables (default: the bundled ones)")
    add(
        "--prices",
        metavar="FILE",
        help="long CSV or Parquet of daily bars, closes as traded (default: the bundled ones)",
    )
    add("--facts", metavar="FILE", help="CSV of recorded facts (default: the bundled ones)")


def _fragility_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--prices", default="bundled", metavar="FILE", help="file of adjusted closes (default: the bundled S&P 500)")
    add("--date", metavar="YYYY-MM-DD", help="one session: its events and its largest moves")
    add("--start", metavar="YYYY-MM-DD", help="first day counted (default: the first)")
    add("--end", metavar="YYYY-MM-DD", help="last day counted (default: the last)")
    add("--window", type=int, default=21, metavar="DAYS", help="sessions of the volatility (default: %(default)s)")
    add("--threshold", type=float, default=3.0, help="|z| from which a move is an event (default: %(default)s)")
    add("--simple", action="store_true", help="simple instead of log returns")
    add("--about", choices=("zero", "mean"), default="zero", help="what the volatility is about (default: %(default)s)")
    add("--min-obs", type=int, metavar="N", help="returns needed in the window (default: all)")
    add("--top", type=int, metavar="N", help="the N largest by market cap the session before each day")
    add("--caps", metavar="FILE", help="market caps in USD, for --top with prices of your own")
    add(
        "--by",
        choices=("firm", "listing"),
        default="firm",
        help="count classes of a firm once, or each (default: firm)",
    )
    add("--group", type=_names, metavar="A,B", help="tickers looked at apart, and in the index where it is bundled")
    add("--clustering", action="store_true", help="test whether events of different stocks come together")
    add("--rows", type=int, default=10, metavar="N", help="rows of a ranking (default: %(default)s)")
    add("--calendar", choices=CALENDARS, default="auto", help="sessions on which days are counted (default: auto)")
    add("--out", metavar="DIR", help="write the tables and z as CSV, the whole as JSON and three plots there")


def _events_parser(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="plain text, HTML or Markdown, Chinese or English")
    add("--published", metavar="YYYY-MM-DD", help="date of publication (default: the page's own or its by-line's)")
    add("--encoding", metavar="NAME", help="of the file, e.g. gb18030 (default: as it declares, else UTF-8)")
    add("--out", metavar="FILE", help="write the draft catalog there, a .toml file")


def _backtest_parser(parser: argparse.ArgumentParser) -> None:
    parser.usage = "marketshock backtest --events FILE --rule RULE --days N [options], or --config FILE"
    add = parser.add_argument
    add("--config", metavar="FILE", help=".toml with [[rule]], [costs], [sizing]; options given beside it win")
    add("--events", metavar="FILE", help="as in study; none for --rule drop, which finds its own")
    add("--prices", metavar="FILE", help="CSV, Parquet or Feather, wide or long; 'yahoo' (default: 'bundled')")
    add("--intraday", metavar="FILE", help="bars as fetch --interval writes them, for --entry intraday")
    add("--tickers", type=_names, metavar="A,B", help="for events that name none, and for --rule drop")
    rule = parser.add_argument_group("the rule").add_argument
    rule("--rule", choices=RULES, help="what is done after an event")
    rule("--days", type=_whole, metavar="N,N", help="closes held; several make several rules")
    rule("--side", choices=("long", "short"), help="of hold and drop (default: long)")
    rule("--entry", choices=("next_open", "next_close", "close", "intraday"), help="way in (default: next_open)")
    rule("--exit", choices=("close", "open"), help="way out (default: close)")
    rule("--stop", type=float, metavar="SHARE", help="out after this loss, e.g. 0.05")
    rule("--target", type=float, metavar="SHARE", help="out after this gain")
    rule("--delay", type=float, metavar="MINUTES", help="from the timestamp to the first bar used, of intraday")
    rule("--threshold", type=float, metavar="MOVE", help="smallest move of day 0 that fade and follow trade")
    rule("--sigma", type=float, help="the fall that drop waits for, in units of volatility (default: 3)")
    rule("--window", type=int, metavar="DAYS", help="sessions of that volatility (default: 21)")
    rule("--long", type=_names, metavar="A,B", help="one side of pair")
    rule("--short", type=_names, metavar="A,B", help="the other side of pair")
    rule("--groups", type=int, help="of low_volatility (default: 3)")
    rule("--lookback", type=int, metavar="DAYS", help="sessions low_volatility sorts by (default: 126)")
    rule("--hedge", type=_names, metavar="A,B", help="securities whose estimated betas are sold against the position")
    cost = parser.add_argument_group("costs").add_argument
    cost("--bps", type=float, help="commission, basis points of each fill")
    cost("--per-share", type=float, help="commission a share")
    cost("--per-order", type=float, help="commission a fill")
    cost("--half-spread-bps", type=float, help="half of the spread, basis points")
    cost("--slippage-bps", type=float, help="slippage, basis points")
    cost("--borrow", type=float, metavar="RATE", help="annual fee on short positions, e.g. 0.01")
    cost("--financing", type=float, metavar="RATE", help="annual rate paid on cash below zero")
    size = parser.add_argument_group("sizes").add_argument
    size("--size-by", choices=("equal", "inverse_volatility", "fixed"), help="what --amount is (default: equal)")
    size("--amount", type=float, help="share of equity (0.1), daily volatility (0.002), or money an event")
    size("--max-gross", type=float, help="longs plus shorts over equity (default: 1)")
    size("--max-net", type=float, help="longs less shorts over equity")
    size("--max-position", type=float, help="one security over equity")
    size("--whole-shares", action="store_true", default=None, help="no fractions of shares")
    size("--capital", type=float, help="cash before the first fill (default: 1000000)")
    judge = parser.add_argument_group("judged by").add_argument
    judge("--benchmark", metavar="NAME", help="security for alpha and beta")
    judge("--risk-free", type=float, metavar="RATE", help="annual rate taken off for the ratios")
    judge("--placebo", type=int, metavar="N", help="sets of random dates (default: none; 999 for several rules)")
    judge("--match", type=_names, metavar="A,B", help="ticker, weekday, volatility (default: ticker)")
    judge("--how", choices=("dates", "shift"), help="random dates, or the calendar shifted (default: dates)")
    judge("--seed", type=int, help="of the random dates (default: 0)")
    judge("--tried", type=int, metavar="N", help="rules tried in all, for the correction")
    add("--delisting-return", type=float, metavar="R", help="from the last close of what stops trading (default: 0)")
    add("--on-closed", choices=ON_CLOSED, help="for dates without a session (default: raise)")
    add("--duplicates", choices=DUPLICATES, help="second event of a security and session (default: exclude)")
    add("--calendar", choices=CALENDARS, help="sessions on which days are counted (default: auto)")
    _cache_options(parser)
    add("--out", metavar="DIR", help="write ledgers as CSV, the whole as JSON, and the pictures there")


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
    add("--tests", type=_names, metavar="A,B", help="names of tests (default: all)")
    add("--level", type=float, default=0.05, help="nominal level (default: %(default)s)")
    add("--alternative", choices=ALTERNATIVES, default="two-sided", help="direction (default: %(default)s)")
    add("--seed", type=int, default=0, help="seed (default: %(default)s)")
    add("--workers", type=int, default=1, help="processes; the result does not depend on it (default: %(default)s)")
    add("--out", metavar="DIR", help="write rejection_rates.csv there")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _whole(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}; write whole numbers as 1,5,20") from None


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
