"""Plans: the rules, costs and sizes of a backtest from a TOML file or the options of the command line.

Each table contains the keyword arguments of an object; ``kind`` is the rule and ``hedge`` the securities that hedge it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import ChoiceError, InputError, UnknownNameError
from .baskets import LowVolatility, Pair
from .costs import Costs, Sizing
from .draws import check_draws, generator
from .hedged import Hedged
from .rules import AfterDrop, Fade, Follow, HoldAfter
from .timing import Rule

KINDS: Mapping[str, type[Any]] = {
    "hold": HoldAfter,
    "fade": Fade,
    "follow": Follow,
    "drop": AfterDrop,
    "pair": Pair,
    "low_volatility": LowVolatility,
}
OPTIONS = ("events", "prices", "intraday", "tickers", "benchmark", "capital", "risk_free", "delisting_return")
JUDGED = ("placebo", "match", "how", "seed", "tried")
_OTHERS = ("on_closed", "duplicates", "calendar")
_HEDGE = {"hedge": "by", "hedge_estimation": "estimation", "hedge_min_obs": "min_obs"}


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules, costs, sizes and options of a backtest.

    Attributes
    ----------
    rules : mapping of str to Rule
        By name.
    costs : Costs
    sizing : Sizing
    options : mapping
        Given options of `backtest`, and the names of the files events, prices and intraday.
    judged : mapping
        Given options of the evaluation: placebo (draws), match, how, seed, tried.
    """

    rules: Mapping[str, Rule]
    costs: Costs
    sizing: Sizing
    options: Mapping[str, Any]
    judged: Mapping[str, Any]


def read_plan(path: str | Path) -> dict[str, Any]:
    """Read a TOML file as tables; paths in it are relative to its folder.

    Raises
    ------
    InputError
        If it cannot be read or is not valid TOML.
    """
    path = Path(path)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}", "name a .toml file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"is no TOML: {error}", "correct it; each rule begins with [[rule]]") from error
    for name in ("events", "prices", "intraday"):
        named = tables.get(name)
        if isinstance(named, str) and named not in ("bundled", "yahoo"):
            tables[name] = str(path.parent / named)
    return tables


def plan_of(tables: Mapping[str, Any], where: str) -> Plan:
    """Make a plan from tables; every name is checked.

    Parameters
    ----------
    tables : mapping
        ``rule`` (a list of tables with ``kind``), ``costs``, ``sizing``, and single options.
    where : str
        File or command line, for errors.

    Raises
    ------
    InputError
        If a table or option is unknown, the rule is missing, or a value is invalid.
    """
    known = ("rule", "costs", "sizing", *OPTIONS, *_OTHERS, *JUDGED)
    _check_names(where, tables, known)
    listed = tables.get("rule", [])
    if not isinstance(listed, Sequence) or not listed or not all(isinstance(t, Mapping) for t in listed):
        raise InputError(where, "has no [[rule]]", "give one or more, with kind = 'hold' and days = 5 in it")
    named = [(_name(table), rule_of(table, f"{where}, rule {k}")) for k, table in enumerate(listed, start=1)]
    rules = {name or str(rule): rule for name, rule in named}
    if len(rules) < len(named):
        raise InputError(where, "two rules have the same name", "give each rule its own name")
    judged = {name: tables[name] for name in JUDGED if name in tables}
    if "placebo" in judged:
        check_draws(judged["placebo"], "placebo")
    if isinstance(judged.get("match"), str):
        judged["match"] = (judged["match"],)
    generator(judged.get("seed", 0))
    return Plan(
        rules,
        _made(Costs, tables.get("costs", {}), f"{where}, costs"),
        _made(Sizing, tables.get("sizing", {}), f"{where}, sizing"),
        {name: tables[name] for name in (*OPTIONS, *_OTHERS) if name in tables},
        judged,
    )


def rule_of(table: Mapping[str, Any], where: str) -> Rule:
    """Make a rule from a table: ``kind``, its arguments, and ``hedge`` (with hedge_estimation, hedge_min_obs)."""
    kind = str(table.get("kind"))
    if kind not in KINDS:
        raise ChoiceError(f"{where}, kind", kind, KINDS)
    own = {k: v for k, v in table.items() if k not in ("kind", "name", *_HEDGE)}
    rule: Rule = _made(KINDS[kind], own, f"{where}, {kind}")
    hedge = {_HEDGE[k]: v for k, v in table.items() if k in _HEDGE}
    if "estimation" in hedge:
        hedge["estimation"] = tuple(hedge["estimation"])
    if not hedge:
        return rule
    if "by" not in hedge:
        raise InputError(where, "has options of a hedge but no hedge", "give the security, such as hedge = 'SPY'")
    return Hedged(rule=rule, **hedge)


def _made(kind: type[Any], table: Any, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise InputError(where, f"got {table!r}", "give a table of options")
    _check_names(where, table, [f.name for f in fields(kind)])
    missing = [f.name for f in fields(kind) if f.name not in table and _needed(f)]
    if missing:
        raise InputError(where, f"lacks {', '.join(missing)}", "add it")
    try:
        return kind(**table)
    except InputError as error:
        raise InputError(f"{where}, {error.parameter}", error.problem, error.remedy) from error


def _needed(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is MISSING and field.default_factory is MISSING


def _check_names(where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = [str(name) for name in table if name not in known]
    if unknown:
        raise UnknownNameError(where, unknown, known)


def _name(table: Mapping[str, Any]) -> str:
    name = table.get("name", "")
    if not isinstance(name, str):
        raise InputError("name", f"got {name!r}", "give text")
    return name
