"""Plan of a backtest: rules, costs, sizes and options as tables, read from a TOML file.

The keys of each table are the arguments of the object it makes, and the keys at the top are those of `backtest`. In a
rule, ``kind`` is its name here, and ``hedge`` names the securities that hedge it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from inspect import signature
from pathlib import Path
from typing import Any

from .._files import read_toml
from ..errors import ChoiceError, InputError, UnknownNameError
from .baskets import LowVolatility, Pair
from .costs import Costs, Sizing
from .draws import check_draws, generator
from .hedged import Hedged
from .rules import AfterDrop, Fade, Follow, HoldAfter
from .run import backtest
from .timing import Rule

KINDS: Mapping[str, type[Any]] = {
    "hold": HoldAfter,
    "fade": Fade,
    "follow": Follow,
    "drop": AfterDrop,
    "pair": Pair,
    "low_volatility": LowVolatility,
}
_HEDGE = {"hedge": "by", "hedge_estimation": "estimation", "hedge_min_obs": "min_obs"}
_FILES = ("events", "prices", "intraday")
_OPTIONS = tuple(name for name in signature(backtest).parameters if name not in ("rule", "costs", "sizing"))
_RANDOM = ("match", "how", "seed")  # of `placebo_trades`; they need random dates
_COMPARED = ("placebo", "tried", *_RANDOM)


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules, events, costs and comparison of a backtest."""

    rules: Mapping[str, Rule]  # by name
    costs: Costs
    sizing: Sizing
    # The options of `backtest` that were given; events, prices and intraday are names of files
    options: Mapping[str, Any]
    # The options of the comparison that were given: placebo (number of draws), match, how, seed, tried
    judged: Mapping[str, Any]


def read_plan(path: str | Path) -> dict[str, Any]:
    """Read a TOML file as tables; paths in it are relative to its folder.

    Raises `InputError` if the file cannot be read or is not TOML.
    """
    path = Path(path)
    tables = read_toml(path, invalid="is not TOML", remedy="correct it; each rule begins with [[rule]]")
    for name in _FILES:
        named = tables.get(name)
        if isinstance(named, str) and named not in ("bundled", "yahoo"):
            tables[name] = str(path.parent / named)
    return tables


def plan_of(tables: Mapping[str, Any], where: str) -> Plan:
    """Make a plan from tables and check every name.

    Raises `InputError` if a table or option is not known, a rule is missing, or a value is not allowed.

    Parameters
    ----------
    tables : mapping
        ``rule`` (a list of tables with ``kind``), ``costs``, ``sizing``, and single options.
    where : str
        Name of the file, for errors; "" for the options of a command line.
    """
    _check_names(where, tables, ("rule", "costs", "sizing", *_OPTIONS, *_COMPARED))
    listed = tables.get("rule", [])
    if not isinstance(listed, Sequence) or not listed or not all(isinstance(t, Mapping) for t in listed):
        raise InputError(where, "has no [[rule]]", "give one or more, with kind = 'hold' and days = 5 in it")
    named = [(_name(table), rule_of(table, _place(where, f"rule {k}"))) for k, table in enumerate(listed, start=1)]
    rules = {name or str(rule): rule for name, rule in named}
    if len(rules) < len(named):
        raise InputError(where, "two rules have the same name", "give each rule its own name")
    return Plan(
        rules,
        _made(Costs, tables.get("costs", {}), _place(where, "costs")),
        _made(Sizing, tables.get("sizing", {}), _place(where, "sizing")),
        {name: tables[name] for name in _OPTIONS if name in tables},
        _judged(tables, len(rules)),
    )


def _judged(tables: Mapping[str, Any], n_rules: int) -> dict[str, Any]:
    """Return the options of the comparison, checked."""
    judged = {name: tables[name] for name in _COMPARED if name in tables}
    if "placebo" in judged:
        check_draws(judged["placebo"], "placebo")
    elif n_rules == 1 and not judged.get("tried"):
        for name in [name for name in _RANDOM if name in judged]:
            raise InputError(name, "is given without placebo", "give placebo = 999, or leave it out")
    if "match" in judged:
        judged["match"] = (judged["match"],) if isinstance(judged["match"], str) else tuple(judged["match"])
    generator(judged.get("seed", 0))
    return judged


def plain_kinds() -> tuple[str, ...]:
    """Return the kinds of rules that need no argument but ``days``."""
    return tuple(name for name, kind in KINDS.items() if _needed(kind) == ["days"])


def rule_of(table: Mapping[str, Any], where: str) -> Rule:
    """Make a rule from a table: ``kind``, its arguments, and ``hedge`` (with hedge_estimation, hedge_min_obs)."""
    kind = str(table.get("kind"))
    if kind not in KINDS:
        raise ChoiceError(_place(where, "kind") or "kind", kind, KINDS)
    own = {k: v for k, v in table.items() if k not in ("kind", "name", *_HEDGE)}
    rule: Rule = _made(KINDS[kind], own, _place(where, kind))
    hedge = {_HEDGE[k]: v for k, v in table.items() if k in _HEDGE}
    if "estimation" in hedge:
        hedge["estimation"] = tuple(hedge["estimation"])
    if not hedge:
        return rule
    if "by" not in hedge:
        raise InputError(where, "has options of a hedge and no hedge", "name the hedge, such as hedge = 'SPY'")
    return Hedged(rule=rule, **hedge)


def _place(where: str, part: str) -> str:
    return f"{where}, {part}" if where else ""


def _made(kind: type[Any], table: Any, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise InputError(where, f"got {table!r}, not a table", "write it as a table of options")
    _check_names(where, table, [f.name for f in fields(kind)])
    missing = [name for name in _needed(kind) if name not in table]
    if missing:
        raise InputError(where, f"lacks {', '.join(missing)}", "add it")
    try:
        return kind(**table)
    except InputError as error:
        raise InputError(_place(where, error.parameter) or error.parameter, error.problem, error.remedy) from error


def _needed(kind: type[Any]) -> list[str]:
    return [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]


def _check_names(where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = [str(name) for name in table if name not in known]
    if unknown:
        raise UnknownNameError(where, unknown, known)


def _name(table: Mapping[str, Any]) -> str:
    name = table.get("name", "")
    if not isinstance(name, str):
        raise InputError("name", f"got {name!r}", "give text")
    return name
