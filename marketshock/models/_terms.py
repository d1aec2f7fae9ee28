"""Models on a list of factors: their names and regressors, and checks of their options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ..errors import InputError
from .benchmark import Benchmark, EqualWeighted, LeaveOneOut, Term


class FactorTerms:
    """The regressors of a model with the fields `factors` and `risk_free`: a constant and the factors."""

    __slots__ = ()

    factors: tuple[Benchmark, ...]
    risk_free: str | None

    intercept: ClassVar[bool] = True

    @property
    def terms(self) -> tuple[Term, ...]:
        """The factors."""
        return tuple(Term(name) for name in self.factors)

    @property
    def param_names(self) -> tuple[str, ...]:
        """Alpha and the factors."""
        return ("alpha", *map(str, self.factors))

    @property
    def offset(self) -> Term | None:
        """The risk-free return, subtracted from the security's."""
        return Term(self.risk_free) if self.risk_free else None

    @property
    def listed(self) -> str:
        """The factors and the risk-free column as text, for the model's name."""
        excess = f", excess of {self.risk_free}" if self.risk_free else ""
        return ", ".join(map(str, self.factors)) + excess


def factor_tuple(factors: Benchmark | Sequence[Benchmark]) -> tuple[Benchmark, ...]:
    """Return one benchmark, or a sequence of factors, as a tuple.

    Raises `InputError` if no factor is named, or one twice.
    """
    several = isinstance(factors, Sequence) and not isinstance(factors, str)
    names: tuple[Benchmark, ...] = tuple(factors) if several else (factors,)  # type: ignore[arg-type, assignment]
    kinds = (str, LeaveOneOut, EqualWeighted)
    if not names or not all(isinstance(n, kinds) and n != "" for n in names) or len(set(names)) < len(names):
        raise InputError("factors", f"got {names!r}", "name at least one factor, each once")
    return names


def check_column(parameter: str, name: object, remedy: str) -> None:
    """Raise `InputError` unless `name` is the name of a column."""
    if not isinstance(name, str) or not name:
        raise InputError(parameter, f"got {name!r}", remedy)
