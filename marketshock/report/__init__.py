"""Results as text, files and pages."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .export import to_excel, to_latex, to_markdown

__all__ = ["html", "to_excel", "to_latex", "to_markdown"]


def html(result: Any, path: str | Path, *, title: str | None = None) -> Path:
    """Write results as one HTML file that needs nothing else: no network, no folder beside it.

    Parameters
    ----------
    result : StudyResult, MarketCapChange, Reconciliation, Claims, Fragility, Backtest, PlaceboTrades, RuleComparison
        Or a sequence of such results, or a mapping of headings to them: a section each.
    path : str or Path
        A .html or .htm file in a folder that exists; it is replaced where it is there already.
    title : str, optional
        Heading of the page; by default what is in it.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    InputError
        If a result is of a kind that has no section, there is none, or the file cannot be written. Then no file appears
        and one that was there stays as it was.

    Notes
    -----
    Numbers are written as everywhere else. Each table has its conventions below it, and tests their papers; columns
    sort by a click on their heads, and a button copies a table as tab-separated text. Alignment and exclusions are
    there in full, spec, provenance and versions at the end. The same results with the same versions give the same
    bytes.

    Examples
    --------
    >>> import marketshock as ms, pathlib, tempfile
    >>> change = ms.market_cap_change("2025-01-27", tickers=["NVDA"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ms.report.html(change, pathlib.Path(folder) / "nvidia.html").name
    'nvidia.html'
    """
    from .page.write import write_page

    return write_page(result, path, title)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".export", __name__), name)


def __dir__() -> list[str]:
    return list(__all__)
