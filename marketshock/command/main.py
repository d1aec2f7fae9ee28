"""The command line: parse, call, print."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .._format import wrapped
from ..errors import BadData, InputError, MarketShockError, NoUsableEventsError, RateLimited, Unavailable
from .console import as_options, bar, fail, print_sections, progress_bar, say, warnings_as_notes
from .inputs import backtested, explained_event, fetched, reported, screened, store_at, studied
from .options import command_parser

if TYPE_CHECKING:
    from ..explained.explanation import Explanation

DONE, FELL_SHORT, BAD_INPUT = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a check fell short, 2 bad input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ± shows ? instead of failing
    arguments = command_parser().parse_args(argv)
    try:
        with warnings_as_notes():
            return COMMANDS[arguments.command](arguments)
    except NoUsableEventsError as error:
        return fail(error, FELL_SHORT)
    except (BadData, RateLimited, Unavailable) as error:
        return fail(error, FELL_SHORT)
    except MarketShockError as error:
        return fail(error, BAD_INPUT)
    except BrokenPipeError:  # the reader (head, less) went away: not our failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return fail("interrupted", 130)


def reproduce(arguments: argparse.Namespace) -> int:
    """Print (and draw) who lost what on both dates."""
    from ..report.files import output_folder, to_json, write_text
    from ..report.reproduce import draw, reproduction, sections, to_dict

    folder = output_folder(arguments.out) if arguments.out else None
    with progress_bar(3 if folder else 1, arguments) as step:
        result = reproduction()
        step("computed")
        if arguments.json:
            sys.stdout.write(to_json(to_dict(result)))
        else:
            print_sections(sections(result))
        if folder:
            write_text(folder / "reproduce.json", to_json(to_dict(result)))
            step("written")
            written = [folder / "reproduce.json", *draw(result, folder)]
            step("drawn")
            say(arguments, "Written: " + ", ".join(str(path) for path in written))
    return DONE


def study(arguments: argparse.Namespace) -> int:
    """Run a study on the user's own files."""
    from ..report.files import output_folder, to_json, write_study
    from ..report.reproduce import records
    from ..report.tables import alignment_table, exclusion_table

    if arguments.explain_days and not arguments.explain:
        raise InputError("--explain-days", "is given without --explain", "name the event")
    folder = output_folder(arguments.out) if arguments.out else None
    result = studied(arguments, os.environ)
    if arguments.explain:
        return _explained(explained_event(result, arguments), arguments)
    window = result.spec.window
    tests = result.tests(window.first, window.last)
    if arguments.json:
        frames = {"car": result.car(window.first, window.last), "tests": tests}
        frames |= {"exclusions": result.exclusions, "alignment": result.alignment}
        sys.stdout.write(to_json({"spec": result.spec.to_dict(), **{k: records(f) for k, f in frames.items()}}))
    else:
        moved = alignment_table(result) if (result.alignment["moved"] != 0).any() else ""
        left = exclusion_table(result) if not result.exclusions.empty else ""
        print("\n\n".join(part for part in (repr(result), moved, left, f"Tests of CAR{window}\n\n{tests!r}") if part))
    if folder:
        written = write_study(result, folder)
        say(arguments, "Written: " + ", ".join(str(path) for path in written))
    return DONE


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch prices into the cache; print what came, what was odd and what failed."""
    from ..report.fetched import fetched_table
    from ..report.files import to_json, write_frame

    about, figures = fetched(arguments, os.environ)
    if arguments.json:
        sys.stdout.write(to_json(about))
    else:
        print(fetched_table(about))
    if arguments.out:
        say(arguments, f"Written: {write_frame(arguments.out, figures)}")
    return FELL_SHORT if about["failed"] else DONE


def cache(arguments: argparse.Namespace) -> int:
    """List, verify or clear what was fetched."""
    from ..providers.store import remove_file
    from ..report.fetched import cache_summary, cache_table
    from ..report.files import to_json

    if arguments.action == "clear" and not (arguments.names or arguments.all):
        raise InputError("clear", "no name is given", "name what to clear, or pass --all")
    store = store_at(arguments, os.environ)
    names = {name.casefold() for name in arguments.names}
    entries = [entry for entry in store.entries() if not names or entry.key.name.casefold() in names]
    if names and not entries:
        raise InputError("cache", f"{store.root} holds nothing of {', '.join(arguments.names)}", "see: cache list")
    summary = cache_summary(store, entries)
    if arguments.action == "clear":
        for entry in entries:
            store.remove(entry)
        for path in store.leftovers() if arguments.all else ():
            remove_file(path)
        text = f"{len(entries)} files removed from {store.root}"
    else:
        text = cache_table(summary)
        if arguments.action == "verify" and not summary["damaged"]:
            text += "\nevery file matches its checksum"
    sys.stdout.write(to_json({"action": arguments.action, **summary}) if arguments.json else f"{text}\n")
    return FELL_SHORT if arguments.action == "verify" and summary["damaged"] else DONE


def loss(arguments: argparse.Namespace) -> int:
    """Print one firm's market-cap change and, where a loss was reported, what gives that figure."""
    from ..dollars.change import market_cap_change
    from ..dollars.reported import reconcile
    from ..providers.snapshot import snapshot
    from ..report.files import to_json
    from ..report.reproduce import records

    prices = snapshot()
    ahead = arguments.allow_lookahead
    change = market_cap_change(arguments.date, prices, tickers=(arguments.ticker,), allow_lookahead=ahead)
    if arguments.explain:
        return _explained(change.explain(arguments.ticker), arguments)
    try:
        told = reconcile(
            arguments.ticker,
            arguments.date,
            arguments.reported,
            rounding_usd=arguments.rounding,
            prices=prices,
            allow_lookahead=ahead,
        )
    except InputError as error:
        if error.parameter != "reported_usd" or arguments.reported is not None:
            raise
        told = None
    if arguments.json:
        plain: dict[str, Any] = {"session": str(change.session), "change": records(change.table)}
        if told is not None:
            plain["reconciliation"] = {"table": records(told.table), "reported": records(told.reported)}
        sys.stdout.write(to_json(plain))
        return DONE
    print(change)
    if told is not None:
        print(f"\n{told}")
    return DONE


def fragility(arguments: argparse.Namespace) -> int:
    """Count and rank moves in units of their own volatility."""
    from ..report import fragility as report
    from ..report.files import output_folder, to_json

    if arguments.date and (arguments.start or arguments.end):
        raise InputError("--date", "is given beside a period", "give --date, or --start and --end")
    folder = output_folder(arguments.out) if arguments.out else None
    measured, asked, weighed = screened(arguments)
    made = report.fragility_report(
        measured, asked, clustered=arguments.clustering, weighed=weighed, progress=bar(arguments)
    )
    if arguments.json:
        sys.stdout.write(to_json(report.to_dict(made)))
    else:
        print_sections(report.sections(made))
    if folder:
        say(arguments, "Written: " + ", ".join(str(path) for path in report.write(made, folder)))
    return DONE


def claims(arguments: argparse.Namespace) -> int:
    """Check what documents state against the figures."""
    from ..catalog.load import load_catalog
    from ..claims.verify import verify_claims
    from ..providers.facts import recorded_facts
    from ..providers.files import read_prices
    from ..report import claims as report
    from ..report.files import to_json

    if arguments.explain and not arguments.id:
        raise InputError("--explain", "is given without --id", "name the claim, such as --id A11")
    result = verify_claims(
        load_catalog(arguments.catalog),
        prices=read_prices(arguments.prices) if arguments.prices else None,
        facts=recorded_facts(arguments.facts) if arguments.facts else None,
        progress=bar(arguments),
    )
    result = result.of_document(arguments.document) if arguments.document else result
    if arguments.id:
        result = result.only(arguments.id)
    if arguments.explain:
        return _explained(result[arguments.id].explain(), arguments)
    if arguments.json:
        sys.stdout.write(to_json(report.to_dict(result)))
    elif arguments.markdown:
        sys.stdout.write(report.markdown(result))
    elif arguments.id:
        print(report.details(result[arguments.id]))
    else:
        print_sections(report.sections(result))
    return DONE


def backtest(arguments: argparse.Namespace) -> int:
    """Trade one rule or several on events, and hold them against random dates."""
    from ..report import backtest as report
    from ..report.files import output_folder, to_json

    folder = output_folder(arguments.out) if arguments.out else None
    made = backtested(arguments, os.environ, bar(arguments))
    if arguments.json:
        sys.stdout.write(to_json(report.to_dict(made)))
    else:
        print_sections((heading, as_options(text)) for heading, text in report.sections(made))
    if folder:
        say(arguments, wrapped(f"Written to {folder}: " + ", ".join(p.name for p in report.write(made, folder)), "  "))
    if not any(len(result.trades) for result in made.backtests.values()):
        return fail("no event was traded", FELL_SHORT)
    return DONE


def events(arguments: argparse.Namespace) -> int:
    """Read a text; print what it dates and draft a catalog of it."""
    from ..documents.document import read_document
    from ..report.documents import document_record, document_text
    from ..report.files import draft_path, to_json, write_text

    path = draft_path(arguments.out) if arguments.out else None
    document = read_document(arguments.file, arguments.published, encoding=arguments.encoding)
    if arguments.json:
        sys.stdout.write(to_json(document_record(document)))
    else:
        print(document_text(document))
    if path:
        write_text(path, document.draft())
        say(arguments, f"\nWritten: {path}")
    if document.days.empty:
        return fail(f"{document.name} dates no day: there is no event to draft", FELL_SHORT)
    return DONE


def report(arguments: argparse.Namespace) -> int:
    """Write results as one HTML file."""
    from ..report.files import to_json
    from ..report.page.write import page_path, write_page

    page_path(arguments.out, "--out")  # before anything is computed
    with progress_bar(2, arguments) as step:
        results = reported(arguments, os.environ)
        step("computed")
        path = write_page(results, arguments.out, arguments.title)
        step("written")
    if arguments.json:
        sys.stdout.write(to_json({"written": str(path), "bytes": path.stat().st_size}))
    else:
        say(arguments, f"Written: {path}")
    return DONE


def simulate(arguments: argparse.Namespace) -> int:
    """Count how often each test rejects: its size under the null, its power for known abnormal returns."""
    from ..report.files import output_folder, to_json, write_text
    from ..report.reproduce import records
    from ..simulate import Design, rejection_rates

    folder = output_folder(arguments.out) if arguments.out else None
    design = Design(
        n_firms=arguments.firms,
        n_days=arguments.days,
        window=arguments.window_length,
        correlation=arguments.correlation,
        tails=arguments.tails,
        event_variance=arguments.event_variance,
        missing=arguments.missing,
        dates=arguments.dates,
    )
    rates = rejection_rates(
        design,
        tests=arguments.tests,
        shocks=arguments.shocks,
        n_samples=arguments.samples,
        level=arguments.level,
        alternative=arguments.alternative,
        seed=arguments.seed,
        workers=arguments.workers,
        progress=bar(arguments),
    )
    if arguments.json:
        sys.stdout.write(to_json({"design": asdict(design), "seed": rates.seed, "rates": records(rates.table)}))
    else:
        print(rates)
    if folder:
        write_text(folder / "rejection_rates.csv", rates.table.to_csv(lineterminator="\n"))
        say(arguments, f"Written: {folder / 'rejection_rates.csv'}")
    return DONE


def _explained(explanation: Explanation, arguments: argparse.Namespace) -> int:
    """Print a derivation."""
    from ..report.files import to_json

    sys.stdout.write(to_json(explanation.to_dict()) if arguments.json else f"{explanation}\n")
    return DONE


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "reproduce": reproduce,
    "study": study,
    "fetch": fetch,
    "cache": cache,
    "loss": loss,
    "claims": claims,
    "fragility": fragility,
    "backtest": backtest,
    "events": events,
    "report": report,
    "simulate": simulate,
}
