"""Version of the package, tickers of the seven firms, and paths of the bundled figures."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"

MAGNIFICENT_SEVEN = ("AAPL", "MSFT", "GOOGL", "AMZN", "NVDA", "META", "TSLA")
"""Seven firms, seven tickers: GOOGL stands for Alphabet."""


def bundled_path(*parts: str) -> Path:
    """Return the path of a bundled file, e.g. ``bundled_path("figures", "daily.npz")``.

    The files are beside the package in a checkout, and inside it in an installed wheel. Raises `MarketShockError` if
    the file is missing from the installation, or the package is imported out of a zip file.
    """
    package = Path(__file__).parent
    for root in (package / "_data", package.parent / "data"):
        path = root.joinpath(*parts)
        if path.exists():
            return path
    from .errors import MarketShockError  # takes numpy, which the package itself does without

    if not package.is_dir():
        raise MarketShockError("marketshock cannot run from inside a zip file; install it with pip")
    raise MarketShockError(f"bundled file {'/'.join(parts)} is missing from this installation; reinstall marketshock")
