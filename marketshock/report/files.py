"""Results written to a folder. Each file appears whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..catalog.vocabulary import CLOCK
from ..errors import InputError
from ..study.results import StudyResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def output_folder(path: str | Path) -> Path:
    """Make a folder for results and return it.

    Raises
    ------
    InputError
        If it cannot be made or is a file.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("out", f"{folder} cannot be made a folder: {error.strerror}", "name another") from error
    return folder


def write_text(path: Path, text: str, parameter: str = "out") -> None:
    """Write a text file through a temporary one beside it, so that an interruption leaves no half file."""
    with _whole(path, path.with_name(path.name + ".part"), parameter) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def save_figure(figure: Figure, path: Path, dpi: int = 120) -> Path:
    """Save a picture through a temporary file beside it, without a date in it: the same picture is the same bytes."""
    with _whole(path, path.with_name(f".{path.stem}.part{path.suffix}"), "out") as part:
        figure.savefig(part, dpi=dpi, metadata={"Software": None})
    return path


@contextlib.contextmanager
def _whole(path: Path, part: Path, parameter: str) -> Iterator[Path]:
    """Yield a temporary file, and put it in the place of the file when it is written."""
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise InputError(parameter, f"{path} cannot be written: {error.strerror}", "name another folder") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def writable(path: str | Path) -> Path:
    """Return a path to which a frame can be written.

    Raises
    ------
    InputError
        If it is no .csv or .parquet file, or its folder does not exist.
    """
    path = Path(path)
    if path.suffix not in (".csv", ".parquet"):
        raise InputError("out", f"unknown kind of file {path.suffix!r}", "give a .csv or a .parquet file")
    if not path.parent.is_dir():
        raise InputError("out", f"there is no folder {path.parent}", "make it, or name another")
    return path


def draft_path(path: str | Path) -> Path:
    """Return a path to which a draft catalog can be written: of a new file, because an old one may have been edited.

    Raises
    ------
    InputError
        If it is no .toml file, is there already, or its folder does not exist.
    """
    path = Path(path)
    if path.suffix != ".toml":
        raise InputError("out", f"unknown kind of file {path.suffix!r}", "give a .toml file")
    if not path.parent.is_dir():
        raise InputError("out", f"there is no folder {path.parent}", "make it, or name another")
    if path.exists():
        raise InputError("out", f"{path} is there already", "it may have been edited: name another, or remove it")
    return path


def write_frame(path: str | Path, frame: pd.DataFrame) -> Path:
    """Write a frame without its index to a .csv or .parquet file.

    Raises
    ------
    InputError
        If the file is of another kind or cannot be written.
    """
    path = writable(path)
    if path.suffix == ".csv":
        write_text(path, frame.to_csv(index=False, lineterminator="\n"))
        return path
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise InputError("out", "Parquet needs pyarrow", "pip install 'marketshock[parquet]'") from error
    except OSError as error:
        raise InputError("out", f"{path} cannot be written: {error}", "name another file") from error
    return path


def write_frames(frames: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write frames by name as CSV, with their index if it has a name; return the paths."""
    paths = [folder / f"{name}.csv" for name in frames]
    for path, frame in zip(paths, frames.values(), strict=True):
        write_text(path, frame.to_csv(lineterminator="\n", index=frame.index.name is not None))
    return paths


def cars_by_market(study: StudyResult) -> pd.DataFrame:
    """Return the CARs of the whole window, with the market, benchmark and calendar of each event if these differ."""
    import pandas as pd

    car, events = pd.DataFrame(study.car()), study.events
    own = [name for name in CLOCK if name in events]
    return pd.concat([car, events[own]], axis=1)


def write_study(study: StudyResult, folder: Path, by: str | None = None) -> list[Path]:
    """Write ar, car, events, tests, exclusions, alignment and findings as CSV, the spec as JSON; return the paths."""
    frames = {
        "ar": study.ar,
        "car": cars_by_market(study),
        "events": study.events,
        "tests": study.tests(by=by),
        **{name: getattr(study, name) for name in ("exclusions", "alignment", "findings")},
    }
    written = write_frames(frames, folder)
    path = folder / "spec.json"
    write_text(path, to_json(study_record(study)))
    return [*written, path]


def study_record(study: StudyResult) -> dict[str, Any]:
    """Return what is needed to run a study again: options, calendar taken, span of the prices, versions."""
    days = [part.returns.days for part in study.panel.parts]
    return {
        **study.spec.to_dict(),
        "calendar_taken": ", ".join(study.panel.calendars),
        "markets": [
            {"model": part.spec.model.name, "calendar": part.panel.calendars[0], "n_events": len(part)}
            for part in study.parts
        ],
        "sessions": [str(min(d[0] for d in days)), str(max(d[-1] for d in days)), max(map(len, days))],
        "tickers": sorted(set(study.panel.ticker)),
        "prices": None if study.prices is None else dict(study.prices.provenance),
        "versions": {name: version(name) for name in ("marketshock", "numpy", "pandas")},
    }


def to_json(value: Any) -> str:
    """Return strict JSON (no NaN), two spaces deep."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
