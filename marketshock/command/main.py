"""Commands of the shell: parse, call, print."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._format import wrapped
from ..errors import (
    Argument,
    BadData,
    InputError,
    MarketShockError,
    NoUsableEventsError,
    RateLimited,
    Unavailable,
    Words,
)
from . import options
from .console import bar, fail, print_sections, progress_bar, say, warnings_as_notes
from .inputs import backtested, checked_claims, explained_event, fetched, given, reported, screened, store_at, studied

if TYPE_CHECKING:
    from pathlib import Path

    from ..dollars.reported import Reconciliation
    from ..explained.explanation import Explanation
    from ..providers.base import Prices
    from ..providers.store import Entry, Store
    from ..study.results import StudyResult

DONE, FELL_SHORT, BAD_INPUT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a check fell short, 2 bad input.

    What is no error of the library is left to `entry.run`.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ± shows ? instead of failing
    argv = sys.argv[1:] if argv is None else argv
    if empty := [text for text in argv if text.startswith("--") and text.endswith("=--")]:
        return fail(f"{empty[0][:-3]} is given without a value", BAD_INPUT)  # argparse would take it for an empty list
    arguments, unknown = options.command_parser(argv, COMMANDS).parse_known_args(argv)
    if unknown:
        arguments.refuse(unknown)
    if any("\0" in text for text in argv):
        return fail("an argument has a NUL character; remove it", BAD_INPUT)
    try:
        with warnings_as_notes(arguments.spell):
            return COMMANDS[arguments.command][0](arguments)
    except (NoUsableEventsError, BadData, RateLimited, Unavailable) as error:
        return fail(error, FELL_SHORT, arguments.spell)
    except MarketShockError as error:
        return fail(error, BAD_INPUT, arguments.spell)
    except UnicodeEncodeError as error:  # bytes of an argument that are no text, where a name is needed
        return fail(f"{error.object!r} is not UTF-8 text; correct it", BAD_INPUT)


def reproduce(arguments: argparse.Namespace) -> int:
    """Print who lost what on January 27 and February 3, 2025, from the bundled data."""
    from ..report.files import output_folder
    from ..report.reproduce import reproduction, sections, to_dict, write

    folder = output_folder(arguments.out) if arguments.out else None
    with progress_bar(2 if folder else 1, arguments) as step:
        result = reproduction()
        step("computed")
        _print(arguments, lambda: to_dict(result), lambda: sections(result))
        if folder:
            _say_written(arguments, write(result, folder))
            step("written")
    return DONE


def study(arguments: argparse.Namespace) -> int:
    """Run an event study on your own files."""
    from ..report.files import output_folder, write_study

    if arguments.explain_days and not arguments.explain:
        raise InputError("explain_days", Words("is given without ", Argument("explain")), "name the event")
    folder = output_folder(arguments.out) if arguments.out else None
    result = studied(arguments, os.environ)
    if arguments.explain:
        return _explained(explained_event(result, arguments), arguments)
    _print(arguments, lambda: _study_record(result, arguments.by), lambda: _study_text(result, arguments.by))
    if folder:
        _say_written(arguments, write_study(result, folder, arguments.by, _files_read(arguments)))
    return DONE


def _study_record(result: StudyResult, by: str | None) -> dict[str, Any]:
    from ..report.files import cars_by_market
    from ..report.reproduce import records

    frames = {"events": result.events, "car": cars_by_market(result), "tests": result.tests(by=by)}
    frames |= {"exclusions": result.exclusions, "alignment": result.alignment, "findings": result.findings}
    return {"spec": result.spec.to_dict(), **{name: records(frame) for name, frame in frames.items()}}


def _study_text(result: StudyResult, by: str | None) -> str:
    from ..report.tables import alignment_table, exclusion_table, findings_text

    window = result.spec.window
    moved = alignment_table(result) if (result.alignment["moved"] != 0).any() else ""
    excluded = exclusion_table(result) if not result.exclusions.empty else ""
    tests = f"Tests of CAR{window}{f' by {by}' if by else ''}\n\n{result.tests(by=by)!r}"
    return "\n\n".join(part for part in (repr(result), findings_text(result.found), moved, excluded, tests) if part)


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch prices from Yahoo Finance into the cache, check them, and print the findings."""
    from ..report.fetched import fetched_table
    from ..report.files import write_frame

    about, figures = fetched(arguments, os.environ)
    _print(arguments, lambda: about, lambda: fetched_table(about, arguments.spell))
    if arguments.out:
        _say_written(arguments, [write_frame(arguments.out, figures)])
    return FELL_SHORT if about["failed"] else DONE


def cache(arguments: argparse.Namespace) -> int:
    """List, verify or clear the fetched data."""
    from ..report.fetched import cache_summary, cache_table, cleared_text

    if arguments.action == "clear" and not (arguments.names or arguments.all):
        raise InputError("clear", "no name is given", "name what to clear, or pass --all")
    store = store_at(arguments, os.environ)
    entries = _entries(store, arguments.names)
    summary = cache_summary(store, entries)
    text = cache_table(summary)
    code = FELL_SHORT if arguments.action == "verify" and summary["damaged"] else DONE
    if arguments.action == "clear":
        cleared = _cleared(store, entries, arguments.all)
        summary |= cleared
        text = cleared_text(cleared, store)
        code = FELL_SHORT if any(entry.ours and str(entry.path) in cleared["left"] for entry in entries) else DONE
    elif arguments.action == "verify" and not summary["damaged"]:
        text += "\nevery file matches its checksum"
    _print(arguments, lambda: {"action": arguments.action, **summary}, lambda: text)
    return code


def _entries(store: Store, named: Sequence[str]) -> list[Entry]:
    """Return the entries of some names, or all."""
    names = {name.casefold() for name in named}
    entries = [entry for entry in store.entries() if not names or entry.key.name.casefold() in names]
    if names and not entries:
        raise InputError("names", f"{store.root} holds nothing of {', '.join(named)}", "see: cache list")
    return entries


def _cleared(store: Store, entries: Sequence[Entry], everything: bool) -> dict[str, Any]:
    """Delete files of the cache; return how many, and why others were left."""
    left = {entry.path: why for entry in entries if (why := store.remove(entry))}
    removed = len(entries) - len(left)
    if everything:
        left |= store.sweep()
    return {"removed": removed, "left": {str(path): why for path, why in left.items()}}


def loss(arguments: argparse.Namespace) -> int:
    """Print one firm's market-cap change and the convention that gives the reported figure."""
    from ..dollars.change import market_cap_change
    from ..providers.snapshot import snapshot
    from ..report.reproduce import records

    prices, ahead = snapshot(), arguments.allow_lookahead
    change = market_cap_change(arguments.date, prices, tickers=(arguments.ticker,), allow_lookahead=ahead)
    if arguments.explain:
        return _explained(change.explain(arguments.ticker), arguments)
    told = _reconciled(arguments, prices)
    plain: dict[str, Any] = {"session": str(change.session), "change": records(change.table)}
    if told is not None:
        plain["reconciliation"] = {"table": records(told.table), "reported": records(told.reported)}
    _print(arguments, lambda: plain, lambda: f"{change}" if told is None else f"{change}\n\n{told}")
    return DONE


def _reconciled(arguments: argparse.Namespace, prices: Prices) -> Reconciliation | None:
    """Return the reconciliation with the reported loss; None if none is given and none is bundled."""
    from ..dollars.reported import reconcile

    try:
        return reconcile(**given(arguments, reconcile), prices=prices)
    except InputError as error:
        if error.parameter != "reported_usd" or arguments.reported_usd is not None:
            raise
        return None


def fragility(arguments: argparse.Namespace) -> int:
    """Count and rank moves in units of their own volatility: S&P 500, or your own prices."""
    from ..report import fragility as report
    from ..report.files import output_folder

    folder = output_folder(arguments.out) if arguments.out else None
    measured, asked, weighed = screened(arguments)
    made = report.fragility_report(
        measured, asked, clustered=arguments.clustering, weighed=weighed, progress=bar(arguments)
    )
    _print(arguments, lambda: report.to_dict(made), lambda: report.sections(made))
    if folder:
        _say_written(arguments, report.write(made, folder, _files_read(arguments)))
    return DONE


def claims(arguments: argparse.Namespace) -> int:
    """Check the statements of the two bundled documents, or of your own, against the figures."""
    from ..report import claims as report

    if arguments.explain and not arguments.id:
        raise InputError("explain", Words("is given without ", Argument("id")), "name the claim, such as --id A11")
    result = checked_claims(arguments, bar(arguments))
    if arguments.explain:
        return _explained(result[arguments.id].explain(), arguments)
    if arguments.markdown and not arguments.json:
        sys.stdout.write(report.markdown(result))
        return DONE
    _print(
        arguments,
        lambda: report.to_dict(result),
        lambda: report.details(result[arguments.id]) if arguments.id else report.sections(result),
    )
    return DONE


def backtest(arguments: argparse.Namespace) -> int:
    """Trade a rule on events, after costs, and compare it with random dates."""
    from ..report import backtest as report
    from ..report.files import output_folder

    folder = output_folder(arguments.out) if arguments.out else None
    made = backtested(arguments, os.environ, bar(arguments))
    _print(arguments, lambda: report.to_dict(made), lambda: report.sections(made))
    if folder:
        written = report.write(made, folder, _files_read(arguments))
        say(arguments, wrapped(f"Written to {folder}: " + ", ".join(path.name for path in written), "  "))
    if not any(len(result.trades) for result in made.backtests.values()):
        return fail("no event was traded", FELL_SHORT)
    return DONE


def events(arguments: argparse.Namespace) -> int:
    """Find dates, figures and names in a news text, and draft a catalog of its events."""
    from ..documents.document import read_document
    from ..report.documents import document_record, document_text
    from ..report.files import draft_path, write_text

    path = draft_path(arguments.out) if arguments.out else None
    document = read_document(arguments.file, arguments.published, encoding=arguments.encoding)
    _print(arguments, lambda: document_record(document), lambda: document_text(document))
    if path:
        write_text(path, document.draft())
        say(arguments, f"\nWritten: {path}")
    if document.days.empty:
        return fail(f"{document.name} dates no day: there is no event to draft", FELL_SHORT)
    return DONE


def report(arguments: argparse.Namespace) -> int:
    """Write results as one HTML file: the bundled ones, or a study on your own files."""
    from ..report.page.write import page_path, write_page

    page_path(arguments.out, "out")  # before anything is computed
    with progress_bar(2, arguments) as step:
        results = reported(arguments, os.environ)
        step("computed")
        path = write_page(results, arguments.out, arguments.title)
        step("written")
    if arguments.json:
        _print(arguments, lambda: {"written": str(path), "bytes": path.stat().st_size}, str)
    _say_written(arguments, [path])
    return DONE


def simulate(arguments: argparse.Namespace) -> int:
    """Simulate how often each test rejects: its size, and its power for known abnormal returns."""
    from ..report.files import csv_text, output_folder, write_text
    from ..report.reproduce import records
    from ..simulate import Design, rejection_rates

    folder = output_folder(arguments.out) if arguments.out else None
    design = Design(**given(arguments, Design))
    rates = rejection_rates(design, progress=bar(arguments), **given(arguments, rejection_rates))
    plain = {"design": asdict(design), "seed": rates.seed, "rates": records(rates.table)}
    _print(arguments, lambda: plain, lambda: str(rates))
    if folder:
        path = folder / "rejection_rates.csv"
        write_text(path, csv_text(rates.table))
        _say_written(arguments, [path])
    return DONE


def _print(
    arguments: argparse.Namespace, record: Callable[[], Any], text: Callable[[], str | Iterable[tuple[str, str]]]
) -> None:
    """Print a result: as JSON its record, else its text or its sections."""
    from ..report.files import to_json

    if arguments.json:
        sys.stdout.write(to_json(record()))
    elif isinstance(shown := text(), str):
        print(shown)
    else:
        print_sections(shown)


def _files_read(arguments: argparse.Namespace) -> list[str]:
    """Return the files that the command line names, which no result may replace."""
    return [value for value in vars(arguments).values() if isinstance(value, str) and os.path.isfile(value)]


def _say_written(arguments: argparse.Namespace, paths: Iterable[Path]) -> None:
    say(arguments, "Written: " + ", ".join(str(path) for path in paths))


def _explained(explanation: Explanation, arguments: argparse.Namespace) -> int:
    """Print a derivation."""
    _print(arguments, explanation.to_dict, lambda: str(explanation))
    return DONE


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], options.Fill, str]] = {
    "reproduce": (reproduce, options.reproduce_options, "reproduce --out out"),
    "study": (study, options.study_options, "study --events events.csv --prices prices.csv --benchmark ^GSPC"),
    "fetch": (
        fetch,
        options.fetch_options,
        "fetch NVDA AAPL ^GSPC --start 2024-01-02 --end 2025-03-31 --out prices.csv",
    ),
    "cache": (cache, options.cache_options, "cache verify"),
    "loss": (loss, options.loss_options, "loss --ticker NVDA --date 2025-01-27"),
    "claims": (claims, options.claims_options, "claims --id A11"),
    "fragility": (fragility, options.fragility_options, "fragility --date 2025-01-27"),
    "events": (events, options.events_options, "events article.txt --published 2025-02-13 --out draft.toml"),
    "backtest": (
        backtest,
        options.backtest_options,
        "backtest --events bundled --tickers NVDA --rule hold --days 1,5,20 --bps 5 --placebo 999",
    ),
    "report": (report, options.report_options, "report --out report.html"),
    "simulate": (simulate, options.simulate_options, "simulate --samples 1000 --firms 7 --correlation 0.3"),
}
