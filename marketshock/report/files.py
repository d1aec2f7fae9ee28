"""Results written to files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import digests, output_file, together, whole
from .._format import visible
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
    except (OSError, ValueError) as error:  # ValueError: a NUL
        said = error.strerror if isinstance(error, OSError) else error
        raise InputError("out", f"{visible(str(folder))} cannot be made a folder: {said}", "name another") from error
    return folder


def write_text(path: Path, text: str, parameter: str = "out") -> None:
    """Write a text file whole or not at all; half of a character beyond 16 bits is written as its escape."""
    with whole(path, parameter) as part:
        part.write_bytes(text.encode("utf-8", "backslashreplace"))


def save_figure(figure: Figure, path: Path, dpi: int = 120) -> Path:
    """Save a picture whole or not at all, without a date in it: the same picture is the same bytes."""
    with whole(path) as part:
        figure.savefig(part, format=path.suffix[1:], dpi=dpi, metadata={"Software": None})
    return path


def writable(path: str | Path) -> Path:
    """Return a path to which a frame can be written; raise `InputError` if it is none, or no .csv or .parquet file."""
    return output_file(path, "out", (".csv", ".parquet"), "give a .csv or a .parquet file")


def draft_path(path: str | Path) -> Path:
    """Return a path to which a draft catalog can be written: of a new file, because an old one may have been edited.

    Raises
    ------
    InputError
        If it is no .toml file, is there already, or its folder does not exist.
    """
    path = output_file(path, "out", (".toml",), "give a .toml file")
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
    if path.suffix.lower() == ".csv":
        write_text(path, csv_text(frame, index=False))
        return path
    try:
        with whole(path) as part:
            frame.to_parquet(part, index=False)
    except ImportError as error:
        raise InputError("out", "Parquet needs pyarrow", "pip install 'marketshock[parquet]'") from error
    return path


def csv_text(frame: pd.DataFrame, index: bool = True) -> str:
    """Return a frame as CSV with every text as it is: one that begins with "=" is a formula to a spreadsheet.

    All texts are put in quotes if one holds a carriage return, which a reader would take for the end of a line.
    """
    text = frame.to_csv(index=index, lineterminator="\n")
    return frame.to_csv(index=index, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC) if "\r" in text else text


def write_frames(frames: Mapping[str, pd.DataFrame], folder: Path) -> list[Path]:
    """Write frames by name as CSV, with their index if it has a name; return the paths."""
    paths = [folder / f"{name}.csv" for name in frames]
    for path, frame in zip(paths, frames.values(), strict=True):
        write_text(path, csv_text(frame, index=frame.index.name is not None))
    return paths


def cars_by_market(study: StudyResult) -> pd.DataFrame:
    """Return the CARs of the whole window, with the market, benchmark and calendar of each event if these differ."""
    import pandas as pd

    car, events = pd.DataFrame(study.car()), study.events
    own = [name for name in CLOCK if name in events]
    return pd.concat([car, events[own]], axis=1)


def write_study(study: StudyResult, folder: Path, by: str | None = None, inputs: Iterable[str] = ()) -> list[Path]:
    """Write ar, car, events, tests, exclusions, alignment and findings as CSV, the spec as JSON; return the paths.

    `inputs` are files that must not be replaced; see `together`.
    """
    frames = {
        "ar": study.ar,
        "car": cars_by_market(study),
        "events": study.events,
        "tests": study.tests(by=by),
        **{name: getattr(study, name) for name in ("exclusions", "alignment", "findings")},
    }
    with together(folder, "spec.json", inputs=inputs) as fresh:
        written = [*write_frames(frames, fresh), write_record(fresh / "spec.json", study_record(study))]
    return [folder / path.name for path in written]


def write_record(path: Path, record: Mapping[str, Any]) -> Path:
    """Write the JSON of a set of results, with the SHA-256 of the other files of its folder under "files"."""
    write_text(path, to_json({**record, "files": digests(path.parent)}))
    return path


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
