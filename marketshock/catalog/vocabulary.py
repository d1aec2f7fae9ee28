"""Column names of events: those that are read, and those by which users of other programs mean one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..errors import Argument, InputError, Words

OWN_WINDOWS = ("window_first", "window_last", "estimation_first", "estimation_last")
CLOCK = ("market", "benchmark", "calendar")
COLUMNS = ("ticker", "date", "event_id", "group", "timing", "on_closed", *CLOCK, *OWN_WINDOWS)
TAKEN = ("event", "n_obs", "n_event_days", "day")
"""Names that `StudyResult.events` and ``tests(by=...)`` give to columns of their own."""


class _Meant(NamedTuple):
    """What a name means: columns of ours, or another place; `always` if it does so beside such a column too."""

    columns: tuple[str, ...]
    remedy: str | Words = ""
    always: bool = False


def _words(text: str, *columns: str, remedy: str | Words = "", always: bool = False) -> dict[str, _Meant]:
    return dict.fromkeys(text.split(), _Meant(columns, remedy, always))


_DAYS = "trading days relative to day 0"
_TIME = "write time and zone into 'date' (2025-01-29T14:00:00-05:00), or give a date and a column 'timing'"
_MEANT: Mapping[str, _Meant] = {
    # in small letters without blanks, points, hyphens and underscores
    **_words(
        "eventdate evtdate evdate evntdate eventdt evtdt eventdates eventday evtday dateevent dateofevent dayzero day0"
        " t0 eventtimestamp eventdatetime announcementdate announcedate announceddate anndate anndats"
        " datetime timestamp when",
        "date",
        always=True,
    ),
    **_words(
        "datum fecha caldt tradingdate tradedate earningsdate reportdate reportingdate releasedate publicationdate"
        " publishedat effectivedate filingdate filedate filed fdate rdq datadate edate",
        "date",
    ),
    **_words(
        "symbol symbols tickersymbol stocksymbol securitysymbol permno permco firmsymbol firmid eventfirmid companyid"
        " securityid secid stockid assetid instrumentid sid ric isin cusip ncusip sedol figi gvkey tic tick stkcd"
        " stockcode security stock",
        "ticker",
    ),
    **_words(
        "indexsymbol indexid indexticker indexcode indexname idmarket idmkt marketid mktid mkt marketindex marketsymbol"
        " marketticker marketreturn marketreturns benchmarksymbol benchmarkid benchmarkticker benchmarkindex bench"
        " referenceindex refindex referencemarket marketfile",
        "benchmark",
        always=True,
    ),
    **_words(
        "exchange exch exchg exchcd exchangecode exchangename exchangeid exchcode mic miccode stockexchange"
        " primaryexchange listingexchange venue",
        "market",
        "calendar",
        always=True,
    ),
    **_words("tradingcalendar exchangecalendar cal holidays holidaycalendar sessions", "calendar", always=True),
    **_words("markets marketname", "market", always=True),
    **_words(
        "starteventwindow eventwindowstart windowstart startwindow startofwindow startofeventwindow eventwindowfirst"
        " eventstart evtwinstart winstart evwlb evwlbound evtwins lb1 windowlower lowerwindow leftwindow"
        " lefteventwindow windowleft windowbegin prewindow windowpre eventwindowlower windowfrom",
        "window_first",
        always=True,
    ),
    **_words("evtstart pre tau1 dayfirst firstday", "window_first", always=True),
    **_words("evtend post tau2 daylast lastday", "window_last", always=True),
    **_words(
        "endeventwindow eventwindowend windowend endwindow endofwindow endofeventwindow eventwindowlast eventend"
        " evtwinend winend evwub evwubound evtwine ub1 windowupper upperwindow rightwindow righteventwindow"
        " windowright postwindow windowpost eventwindowupper windowto",
        "window_last",
        always=True,
    ),
    **_words(
        "window eventwindow evtwin evwindow eventwin windowlength eventwindowlength windows first last start end",
        "window_first",
        "window_last",
        remedy=f"days go into 'window_first' and 'window_last', {_DAYS}",
        always=True,
    ),
    **_words(
        "startestimationwindow estimationwindowstart estimationstart startestimation startofestimation"
        " startofestimationwindow eststart estwinstart eswlb eswlbound estimationwindowfirst estimationbegin",
        "estimation_first",
        always=True,
    ),
    **_words(
        "endestimationwindow estimationwindowend estimationend endestimation endofestimation endofestimationwindow"
        " estend estwinend eswub eswubound estimationwindowlast",
        "estimation_last",
        always=True,
    ),
    **_words(
        "estimation estimationwindow estimationwindowlength estimationlength lengthofestimationwindow estimationdays"
        " estimationperiod estper estperiod estwin estwindow estlen estlength estimwindow shift shiftestimationwindow"
        " estimationwindowshift estimationshift gap estgap estimationgap",
        "estimation_first",
        "estimation_last",
        remedy=f"days go into 'estimation_first' and 'estimation_last', {_DAYS}: 250 days up to day -11 are -260"
        " and -11",
        always=True,
    ),
    **_words(
        "time tz timezone zone zoneinfo utcoffset eventtime announcementtime announcetime anntime anntims hour"
        " timeofday eventhour utctime",
        "date",
        remedy=_TIME,
        always=True,
    ),
    **_words("amcbmo bmoamc marketsession sessiontime tradingsession timeofannouncement beforeafter", "timing"),
    **_words("closed holiday onholiday onweekend", "on_closed"),
    **_words("grouping groupingvariable groupvariable groupname groupid grp grpvar groupvar", "group"),
    **_words("event events eventidentifier eventnumber eventno evtid evid id", "event_id"),
    **_words(
        "gaps onhalt halt halts",
        remedy=Words(Argument("gaps"), " and ", Argument("on_halt"), " are of the whole study"),
        always=True,
    ),
    **_words(
        "minobs minestimationobs minesw mineventobs minevw minestn",
        remedy=Words(Argument("min_obs"), " and ", Argument("min_event_obs"), " are of the whole study"),
        always=True,
    ),
    **_words("model benchmarkmodel evtmodel", remedy=Words(Argument("model"), " is of the whole study"), always=True),
    **_words("weight weights eventweight aarweight", remedy="events weigh the same; leave the column out", always=True),
    **_words(
        "currency ccy curr",
        remedy="a currency is that of the prices or of the market, not of an event; leave the column out",
        always=True,
    ),
}
_NAMES = frozenset(
    ("company", "companyname", "firm", "firmname", "name", "issuer", "comnam", "entity", "asset", "code")
)
"""What a security is called where nothing else says which it is."""


def folded(column: Any) -> str:
    """Return a column name as it is compared: in small letters, without surrounding blanks."""
    return str(column).strip().casefold()


def refuse_misnamed(parameter: str, columns: Iterable[Any], crossed: bool) -> None:
    """Refuse column names that mean or nearly spell one of `COLUMNS`.

    Raises `InputError` with the name that fits. Other names are left alone.

    Parameters
    ----------
    parameter : str
        Name of the argument or file, for errors.
    columns : iterable
        All column names.
    crossed : bool
        Whether the securities are named elsewhere, so that a column "company" is none of them.
    """
    columns = list(columns)
    there = {folded(c) for c in columns} & set(COLUMNS)
    for column in columns:
        if folded(column) in COLUMNS:
            continue
        plain = _plain(column)
        meant = _MEANT.get(plain)
        if meant is None and "date" not in there and "date" in plain:
            meant = _Meant(("date",))
        if meant is None and plain in _NAMES and not crossed:
            meant = _Meant(("ticker",))
        if meant is None:
            near = next((name for name in COLUMNS if name not in there and _nearly(plain, _plain(name))), None)
            meant = _Meant((near,)) if near else None
        if meant is not None and (meant.always or not there & set(meant.columns)):
            remedy = meant.remedy or _rename(meant.columns, there)
            problem = f"column {str(column)!r} is not read"
            raise InputError(parameter, problem, Words(remedy, " (any other name is kept as a trait)"))


def _rename(columns: tuple[str, ...], there: set[str]) -> str:
    free = [repr(name) for name in columns if name not in there]
    if not free:
        return f"{columns[0]!r} is there already: drop one of the two"
    return f"name it {' or '.join(free)} if it is meant, or drop it"


def _plain(column: Any) -> str:
    return "".join(c for c in folded(column) if c.isalnum())


def _nearly(name: str, ours: str) -> bool:
    """Return whether two names differ by one slip of the keys, in long names by two."""
    allowed = 2 if len(ours) >= 9 else 1
    if abs(len(name) - len(ours)) > allowed:
        return False
    before: list[int] = []
    row = list(range(len(ours) + 1))
    for i, c in enumerate(name, 1):
        two_before, before, row = before, row, [i]
        for j, d in enumerate(ours, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (c != d))
            if i > 1 and j > 1 and c == ours[j - 2] and name[i - 2] == d:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1] <= allowed
