"""The command line: parse, call, print."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from .errors import (
    BadData,
    InputError,
    MarketShockError,
    MarketShockWarning,
    MembershipWarning,
    NoUsableEventsError,
    RateLimited,
    Unavailable,
)
from .inputs import events_of, fetched, market_of, model_of, screened, store_at
from .options import command_parser

DONE, FELL_SHORT, BAD_INPUT = 0, 1, 2
_MOST_SHOWN = 600  # characters of a message


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 a check fell short, 2 bad input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show ± shows ? instead of failing
    arguments = command_parser().parse_args(argv)
    try:
        with _warnings_as_notes():
            return COMMANDS[arguments.command](arguments)
    except NoUsableEventsError as error:
        return _fail(error, FELL_SHORT)
    except (BadData, RateLimited, Unavailable) as error:
        return _fail(error, FELL_SHORT)
    except MarketShockError as error:
        return _fail(error, BAD_INPUT)
    except BrokenPipeError:  # the reader (head, less) went away: not our failure
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def reproduce(arguments: argparse.Namespace) -> int:
    """Print (and draw) who lost what on both dates."""
    from .report.files import output_folder, to_json, write_text
    from .report.reproduce import draw, reproduction, sections, to_dict

    folder = output_folder(arguments.out) if arguments.out else None
    with _progress(3 if folder else 1, arguments) as step:
        result = reproduction()
        step("computed")
        if arguments.json:
            sys.stdout.write(to_json(to_dict(result)))
        else:
            _print_sections(sections(result))
        if folder:
            write_text(folder / "reproduce.json", to_json(to_dict(result)))
            step("written")
            written = [folder / "reproduce.json", *draw(result, folder)]
            step("drawn")
            _say(arguments, "Written: " + ", ".join(str(path) for path in written))
    return DONE


def study(arguments: argparse.Namespace) -> int:
    """Run a study on the user's own files."""
    from .report.files import output_folder, to_json, write_study
    from .report.reproduce import records
    from .report.tables import alignment_table, exclusion_table
    from .study import event_study

    folder = output_folder(arguments.out) if arguments.out else None
    events = events_of(arguments.events)
    model = model_of(arguments)  # before anything is fetched
    result = event_study(
        events,
        tickers=arguments.tickers,
        **market_of(arguments, events, os.environ),
        model=model,
        window=arguments.window,
        estimation=arguments.estimation,
        min_obs=arguments.min_obs,
        on_closed=arguments.on_closed,
        duplicates=arguments.duplicates,
        calendar=arguments.calendar,
        log=arguments.log,
    )
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
        _say(arguments, "Written: " + ", ".join(str(path) for path in written))
    return DONE


def fetch(arguments: argparse.Namespace) -> int:
    """Fetch prices into the cache; print what came, what was odd and what failed."""
    from .report.fetched import fetched_table
    from .report.files import to_json, write_frame

    about, figures = fetched(arguments, os.environ)
    if arguments.json:
        sys.stdout.write(to_json(about))
    else:
        print(fetched_table(about))
    if arguments.out:
        _say(arguments, f"Written: {write_frame(arguments.out, figures)}")
    return FELL_SHORT if about["failed"] else DONE


def cache(arguments: argparse.Namespace) -> int:
    """List, verify or clear what was fetched."""
    from .providers.store import remove_file
    from .report.fetched import cache_summary, cache_table
    from .report.files import to_json

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
    from .marketcap import market_cap_change
    from .press import reconcile
    from .providers.snapshot import snapshot
    from .report.files import to_json
    from .report.reproduce import records

    prices = snapshot()
    ahead = arguments.allow_lookahead
    change = market_cap_change(arguments.date, prices, tickers=(arguments.ticker,), allow_lookahead=ahead)
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
    from .report import fragility as report
    from .report.files import output_folder, to_json

    if arguments.date and (arguments.start or arguments.end):
        raise InputError("--date", "is given beside a period", "give --date, or --start and --end")
    folder = output_folder(arguments.out) if arguments.out else None
    measured, asked, weighed = screened(arguments)
    made = report.fragility_report(
        measured, asked, clustered=arguments.clustering, weighed=weighed, progress=_bar(arguments)
    )
    if arguments.json:
        sys.stdout.write(to_json(report.to_dict(made)))
    else:
        _print_sections(report.sections(made))
    if folder:
        _say(arguments, "Written: " + ", ".join(str(path) for path in report.write(made, folder)))
    return DONE


def events(arguments: argparse.Namespace) -> int:
    """Read a text; print what it dates and draft a catalog of it."""
    from .catalog.document import read_document
    from .report.documents import document_record, document_text
    from .report.files import draft_path, to_json, write_text

    path = draft_path(arguments.out) if arguments.out else None
    document = read_document(arguments.file, arguments.published, encoding=arguments.encoding)
    if arguments.json:
        sys.stdout.write(to_json(document_record(document)))
    else:
        print(document_text(document))
    if path:
        write_text(path, document.draft())
        _say(arguments, f"\nWritten: {path}")
    if document.days.empty:
        return _fail(f"{document.name} dates no day: there is no event to draft", FELL_SHORT)
    return DONE


def simulate(arguments: argparse.Namespace) -> int:
    """Count how often each test rejects: its size under the null, its power for known abnormal returns."""
    from .report.files import output_folder, to_json, write_text
    from .report.reproduce import records
    from .simulate import Design, rejection_rates

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
        progress=_bar(arguments),
    )
    if arguments.json:
        sys.stdout.write(to_json({"design": asdict(design), "seed": rates.seed, "rates": records(rates.table)}))
    else:
        print(rates)
    if folder:
        write_text(folder / "rejection_rates.csv", rates.table.to_csv(lineterminator="\n"))
        _say(arguments, f"Written: {folder / 'rejection_rates.csv'}")
    return DONE


@contextmanager
def _progress(total: int, arguments: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Show a bar on a terminal if the work takes longer than a second."""
    from tqdm import tqdm

    off = True if arguments.quiet or arguments.json else None  # None: off unless stderr is a terminal
    with tqdm(total=total, delay=1, disable=off, leave=False, file=sys.stderr) as bar:

        def step(what: str) -> None:
            bar.set_description(what)
            bar.update()

        yield step


def _bar(arguments: argparse.Namespace) -> Callable[[Iterable[Any], int], Iterable[Any]]:
    """Return what shows a bar around an iterable, as `_progress` does around steps."""
    from tqdm import tqdm

    off = True if arguments.quiet or arguments.json else None

    def around(blocks: Iterable[Any], n: int) -> Iterable[Any]:
        return tqdm(blocks, total=n, delay=1, disable=off, leave=False, file=sys.stderr)

    return around


def _print_sections(sections: Iterable[tuple[str, str]]) -> None:
    for heading, text in sections:
        print(f"{heading}\n{'=' * len(heading)}\n{text}\n")


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Print our own warnings as one line on stderr instead of Python's two with a path."""
    plain = warnings.showwarning
    said: set[str] = set()  # a membership is asked by every table of a report

    def show(message: Any, category: Any, *rest: Any, **named: Any) -> None:
        if issubclass(category, MarketShockWarning):
            line = _one_line(str(message))
            if not (issubclass(category, MembershipWarning) and line in said):
                print(f"marketshock: note: {line}", file=sys.stderr)
            said.add(line)
        else:
            plain(message, category, *rest, **named)

    with warnings.catch_warnings():
        warnings.simplefilter("always", MarketShockWarning)
        warnings.showwarning = show
        yield


def _say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.quiet and not arguments.json:
        print(text)


def _fail(error: object, code: int) -> int:
    print(f"marketshock: {_one_line(str(error))}", file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    """Return a message as one short printable line: names out of a file may be anything."""
    line = _as_options("".join(c if c.isprintable() else " " for c in text))
    return line if len(line) <= _MOST_SHOWN else f"{line[: _MOST_SHOWN - 150]} ... {line[-140:]}"


def _as_options(text: str) -> str:
    """Write the arguments a message names as options of the command line: on_closed='next' is --on-closed next."""

    def option(match: re.Match[str]) -> str:
        value = "" if match[2] == "True" else f" {match[2]}"
        return f"--{match[1].replace('_', '-')}{value}"

    text = re.sub(r"\btolerate=\[([^]]*)\]", lambda m: "--tolerate " + re.sub(r"[' ]", "", m[1]), text)
    names = r"on_closed|calendar|duplicates|min_obs|log|allow_lookahead|by|offline|max_time|encoding"
    text = re.sub(rf"\b({names})='?(\w+)'?", option, text)
    return text.replace("raise max_time", "raise --max-time")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "reproduce": reproduce,
    "study": study,
    "fetch": fetch,
    "cache": cache,
    "loss": loss,
    "fragility": fragility,
    "events": events,
    "simulate": simulate,
}
