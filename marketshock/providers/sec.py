"""Share counts of SEC filings: company facts from a file or from the servers of the SEC."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from .._files import parsed_json, read_bytes
from ..errors import BadData, InputError, NoData, Refused, SharesError, did_you_mean, twice
from .company_facts import counts_of, document_of
from .download import Download
from .retry import Retry
from .shares import SharesTable, joined
from .store import Held, Key, Store, store_of

Source: TypeAlias = str | int | Path

_CIK = re.compile(r"(?:CIK)?(\d{1,10})", re.IGNORECASE)
_TICKER = re.compile(r"[A-Za-z][A-Za-z0-9.\-]{0,9}")
_CONTACT = re.compile(r"(?=.*\S\s+\S)(?=.*[^\s@]+@[^\s@]+\.[^\s@])[ -~]+")
_MOST_BYTES = 1 << 28  # of a file, as of one from the web
_LONGEST = 300  # characters of a user agent
_PAUSE = 0.11  # seconds; the SEC allows ten requests a second


@dataclass(frozen=True, slots=True)
class Addresses:
    """Addresses of the SEC: the folder of company facts, and the list of tickers."""

    facts: str = "https://data.sec.gov/api/xbrl/companyfacts"
    tickers: str = "https://www.sec.gov/files/company_tickers.json"


def sec_share_counts(
    source: Source | Sequence[Source],
    ticker: str | Sequence[str] | None = None,
    *,
    user_agent: str | None = None,
    balance_sheet: bool = False,
    cache: bool | str | Path | Store = True,
    offline: bool = False,
    max_time: float | None = 120,
    retry: Retry | None = None,
) -> SharesTable:
    """Read share counts from the company facts of the SEC: the count on each cover page, and when it was filed.

    Parameters
    ----------
    source : str, int, Path, or a sequence of them
        A company-facts file (a Path, or text that ends in .json); a CIK (1045810, "1045810", "CIK0001045810"); or a
        ticker, looked up in the SEC's own list ("BRK-B"; "BRK.B" is the same).
    ticker : str or sequence of str, optional
        The firm's name in the table, and the ticker whose close values its shares; as many as there are sources. By
        default the source, if that is a ticker.
    user_agent : str
        Your name and e-mail address, such as "Jane Doe jane@example.org"; needed unless `offline` or for files alone:
        the SEC refuses requests that do not say who makes them. It is sent to the SEC and kept nowhere.
    balance_sheet : bool, optional
        Take ``us-gaap:CommonStockSharesOutstanding`` too, as basis "balance sheet". Market caps use it for a firm
        without a cover count, such as one of several share classes, whose sum it often is.
    cache : bool, str, Path or Store, optional
        True: the cache folder of the platform; False: none; or another folder. A file younger than a day is not fetched
        again; an older one serves where a newer one cannot be had, and ``notes`` says so.
    offline : bool, optional
        Open no connection.
    max_time : float or None, optional
        Seconds for one file, retries included.
    retry : Retry, optional
        How often a request is repeated.

    Returns
    -------
    SharesTable
        A row a count: `as_of` the day it is of, `filed` the day it was first filed, `form`, and `rounding`, which the
        facts do not say and which is read off trailing zeros (three at least): 24,490,000,000 is taken to be rounded to
        10,000,000, and a count that ends in zeros by chance too. ``notes`` names what was left out. ``public_float``
        has the market value that the public held, against which market caps hold counts and closes: they warn where the
        closes may be of receipts, or where the facts give no float.

    Raises
    ------
    InputError
        If `user_agent` is missing, a source is none of these, or `ticker` is missing beside a file or a CIK.
    SharesError
        If a file is no company facts, or they hold no usable count: a firm of several classes reports by class, which
        company facts leave out.
    NoData
        If the SEC has no such ticker or no facts of that CIK.
    OfflineMiss, RateLimited, Unavailable, BadData
        If the files cannot be had, or are not what they should be. No table is made of some firms alone.

    Warns
    -----
    ShareCountWarning
        If cover counts end more than 400 days before the firm's last filing: it may report by class since. If that
        filing is of a foreign firm (20-F, 40-F, 6-K): prices in the US may be of ADRs, each of several of its shares.

    Notes
    -----
    Of ``dei:EntityCommonStockSharesOutstanding``, by date of filing: a count that a later filing repeats is kept as
    first filed; another value of the same date is a row of its own, known from its own filing. Left out are values that
    cannot be read, below 10,000, or dated after their filing; of several filed on one day all but the one of the latest
    date (of two of one date, the one nearest to the last count); and counts off those around them by more than a factor
    3 that the next ones take back (such as a count in thousands), at the ends by more than a factor 100. A jump that
    stays is kept and named.

    References
    ----------
    SEC, EDGAR Application Programming Interfaces, and "Accessing EDGAR Data" (fair access: a declared user agent, at
    most ten requests a second).
    """
    download = Download(store_of(cache), offline, max_time=max_time, retry=retry or Retry())
    return _share_counts(source, ticker, user_agent, balance_sheet, download, Addresses())


def _share_counts(
    source: Any, ticker: Any, user_agent: str | None, balance_sheet: bool, download: Download, addresses: Addresses
) -> SharesTable:
    """Read the counts with a download and from addresses of the caller's; the arguments are those of the public one."""
    sources, names = _named(source, ticker)
    if not download.offline and any(_kind(s) != "file" for s in sources):
        download = replace(download, headers={"User-Agent": _contact(user_agent)})
    ciks = _ciks(sources, names, download, addresses.tickers)
    tables = []
    for one, name, cik in zip(sources, names, ciks, strict=True):
        if cik is None:
            tables.append(_from_file(Path(str(one)), name, balance_sheet))
        else:
            tables.append(_fetched(cik, name, balance_sheet, download, addresses.facts))
    return joined(tables)


def _named(source: Any, ticker: Any) -> tuple[list[Source], list[str]]:
    sources = list(source) if isinstance(source, (list, tuple)) else [source]
    given = list(ticker) if isinstance(ticker, (list, tuple)) else [ticker] * (1 if ticker else len(sources))
    if not sources:
        raise InputError("source", "names no firm", "give a file, a CIK or a ticker")
    if len(given) != len(sources):
        raise InputError("ticker", f"got {len(given)} for {len(sources)} sources", "give one a source, or none")
    names = [_name(one, name) for one, name in zip(sources, given, strict=True)]
    if again := twice(names):
        raise InputError("source", f"names {again} twice", "name each firm once")
    return sources, names


def _name(source: Source, ticker: str | None) -> str:
    kind = _kind(source)
    if ticker is not None:
        return str(ticker)
    if kind != "ticker":
        what = f"not given for {source}, and company facts hold none"
        raise InputError("ticker", what, "give the ticker that prices are under")
    return str(source).upper()


def _kind(source: Any) -> str:
    """Return what a source is: "file", "cik" or "ticker"."""
    if isinstance(source, Path) or (isinstance(source, str) and re.search(r"[/\\]|\.json$", source.lower())):
        return "file"
    if isinstance(source, (int, str)) and not isinstance(source, bool):
        if _CIK.fullmatch(str(source)):
            return "cik"
        if _TICKER.fullmatch(str(source)):
            return "ticker"
    what = f"got {source!r}"
    raise InputError("source", what, "give a company-facts .json file, a CIK of up to ten digits, or a ticker")


def _contact(user_agent: str | None) -> str:
    if isinstance(user_agent, str) and len(user_agent) <= _LONGEST and _CONTACT.fullmatch(user_agent):
        return user_agent
    came = "not given" if user_agent is None else "is no name with an e-mail address"
    raise InputError(
        "user_agent",
        f"{came}, and the SEC refuses requests that do not say who makes them",
        'give your own, such as user_agent="Jane Doe jane@example.org"; it is sent to the SEC alone and kept nowhere',
    )


def _ciks(sources: Sequence[Source], names: Sequence[str], download: Download, url: str) -> list[int | None]:
    """Return each source's CIK, None for a file."""
    listed = _listed(download, url) if any(_kind(s) == "ticker" for s in sources) else {}
    ciks: list[int | None] = []
    firms: dict[int, str] = {}
    for source, name in zip(sources, names, strict=True):
        kind = _kind(source)
        cik = None if kind == "file" else _resolved(str(source), listed, url) if kind == "ticker" else _digits(source)
        if cik is not None and firms.setdefault(cik, name) != name:
            both = f"{firms[cik]} and {name} are one firm (CIK {cik})"
            raise InputError("source", both, "name it once: its counts are of all its classes")
        ciks.append(cik)
    return ciks


def _digits(source: Source) -> int:
    return int(re.sub(r"\D", "", str(source)))


def _resolved(ticker: str, listed: dict[str, int], url: str) -> int:
    key = ticker.upper().replace(".", "-")
    if key not in listed:
        near = did_you_mean(key, listed)
        hint = f"no such ticker there (did you mean {near}?)" if near else "no such ticker there"
        raise NoData(ticker, url, hint, "give the firm's CIK and ticker=")
    return listed[key]


def _listed(download: Download, url: str) -> dict[str, int]:
    """Return the SEC's list: ticker -> CIK."""
    key = Key("sec", "tickers", "company_tickers")
    held = _file(download, key, url, lambda payload: {"tickers": len(_tickers(payload))})
    return _tickers(held.payload)


def _tickers(payload: bytes) -> dict[str, int]:
    try:
        return {str(row["ticker"]).upper(): int(row["cik_str"]) for row in parsed_json(payload).values()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        came = "no list of tickers came"
        raise BadData("company_tickers", "the SEC's list", came, "try again later, or give a CIK") from error


def _fetched(cik: int, ticker: str, balance_sheet: bool, download: Download, url: str) -> SharesTable:
    key = Key("sec", "facts", f"CIK{cik:010d}")
    address = f"{url.rstrip('/')}/{key.name}.json"
    started = dt.datetime.now(dt.UTC)

    def checked(payload: bytes) -> dict[str, Any]:
        try:
            document = document_of(payload)
            if int(document.get("cik", -1)) != cik:
                raise ValueError(f"it is of CIK {document.get('cik')}")
        except (ValueError, TypeError) as error:
            raise BadData(ticker, address, str(error), "try again later") from error
        return {"entity": str(document.get("entityName", ""))}

    held = _file(download, key, address, checked)
    fetched = dt.datetime.fromisoformat(held.about["fetched"])
    if fetched >= started.replace(microsecond=0):
        time.sleep(_PAUSE)
    document = document_of(held.payload)
    table = counts_of(document, ticker, balance_sheet, f"SEC company facts, {key.name}, fetched {fetched.date()}")
    if "stale" in held.about:
        late = f"{ticker}: as fetched on {fetched.date()}; a newer file was not had ({held.about['stale']})"
        return replace(table, notes=(*table.notes, late))
    return table


def _file(download: Download, key: Key, url: str, check: Callable[[bytes], dict[str, Any]]) -> Held:
    """Return a file that passes the check before it is kept; the SEC's refusals get their own words."""
    try:
        return download.file(key, url, check)
    except NoData as error:
        remedy = "check the CIK; funds, and firms that file no XBRL, have no company facts"
        raise NoData(error.symbol, error.asked, error.came, remedy) from error
    except Refused as error:
        known = "the SEC refuses a user_agent it cannot reach, and who asks more than ten times a second: "
        raise Refused(error.symbol, error.asked, error.came, f"{known}check yours, or wait ten minutes") from error


def _from_file(path: Path, ticker: str, balance_sheet: bool) -> SharesTable:
    payload = read_bytes(path, _MOST_BYTES, "give the facts of one firm")
    try:
        document = document_of(payload)
    except ValueError as error:
        remedy = "give a company-facts file, CIK##########.json, as the SEC has it"
        raise SharesError(str(path), str(error), remedy) from error
    return counts_of(document, ticker, balance_sheet, f"SEC company facts ({path.name})")
