"""Paths of bundled files: next to the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from .errors import MarketShockError


def bundled_path(*parts: str) -> Path:
    """Return the path of a bundled file, e.g. ``bundled_path("figures", "daily.npz")``.

    Raises
    ------
    MarketShockError
        If the file is missing from the installation.
    """
    package = Path(__file__).parent
    for root in (package / "_data", package.parent / "data"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    raise MarketShockError(f"bundled file {'/'.join(parts)} is missing from this installation; reinstall marketshock")
