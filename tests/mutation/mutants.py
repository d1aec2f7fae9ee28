"""One-token mutants of a source file: numbers, flags, operators, comparisons and conditions.

A mutant is a change of the syntax tree and is never written to disk. Annotations, docstrings, decorators and code for
type checkers have none.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.USub: ast.UAdd,
}
UNTOUCHED = {"annotation", "returns", "decorator_list", "type_params"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one file.

    Parameters
    ----------
    file : str
        Path of the file from the root of the project.
    index : int
        Position among the mutants of the file.
    line : int
        Line of the expression.
    function : str
        Qualified name of the function, or ``<module>``.
    change : str
        The smallest expression around the token: ``before -> after``.
    nth : int
        1, or 2 and above for a repetition of the same change in the same function.
    """

    file: str
    index: int
    line: int
    function: str
    change: str
    nth: int = 1

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names the mutant independently of line numbers."""
        return self.file, self.function, self.change, self.nth

    def __str__(self) -> str:
        """Return file, line, function and change."""
        return f"{self.file}:{self.line} {self.function}: {self.change}" + (f" (#{self.nth})" if self.nth > 1 else "")


@dataclass(frozen=True, slots=True)
class _Change:
    """A field of a node, or an item of a field that is a list, and its new value."""

    node: ast.AST
    field: str
    new: Any
    at: int | None = None

    def apply(self) -> _Change:
        """Change the node; return the change that undoes it."""
        values = getattr(self.node, self.field)
        if self.at is None:
            setattr(self.node, self.field, self.new)
            return replace(self, new=values)
        old, values[self.at] = values[self.at], self.new
        return replace(self, new=old)


@dataclass(frozen=True, slots=True)
class _Site:
    """A place in a tree: the text shown of it, and its change."""

    shown: Callable[[], str]
    function: str
    line: int
    change: _Change


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Return the mutants of a file in the order of its syntax tree."""
    out: list[Mutant] = []
    met: Counter[tuple[str, str]] = Counter()
    for index, site in enumerate(list(_sites(ast.parse(source)))):
        before = site.shown()
        undo = site.change.apply()
        change = f"{before} -> {site.shown()}"
        undo.apply()
        met[site.function, change] += 1
        out.append(Mutant(file, index, site.line, site.function, change, met[site.function, change]))
    return out


def mutated(source: str, index: int) -> ast.Module:
    """Return the tree of a file with its mutant `index`."""
    tree = ast.parse(source)
    next(islice(_sites(tree), index, None)).change.apply()
    return ast.fix_missing_locations(tree)


def _sites(tree: ast.Module) -> Iterator[_Site]:
    return _below(tree, (), "<module>", 1)


def _below(node: ast.AST, above: tuple[ast.AST, ...], function: str, line: int) -> Iterator[_Site]:
    """Yield the sites of a node and of what is below it; `above` are its parents, the nearest one last."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, FUNCTIONS):
        function = node.name if function == "<module>" else f"{function}.{node.name}"
    if isinstance(node, ast.stmt) or not any(isinstance(parent, ast.JoinedStr) for parent in above):
        line = getattr(node, "lineno", line)  # inside an f-string Python 3.11 has no true lines
    for change in _changes(node):
        yield _Site(_shown(node, above), function, line, change)
    for name, value in ast.iter_fields(node):
        if name not in UNTOUCHED:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _below(child, (*above, node), function, line)


def _shown(node: ast.AST, above: tuple[ast.AST, ...]) -> Callable[[], str]:
    """Show the node; of a condition its test, of a number or flag the nearest expression or simple statement."""
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return lambda: f"if {ast.unparse(node.test)}"
    whole = _around(node, above) if isinstance(node, ast.Constant) else node
    return lambda: ast.unparse(whole)


def _around(node: ast.AST, above: tuple[ast.AST, ...]) -> ast.AST:
    for parent in reversed(above):
        if isinstance(parent, (ast.arguments, ast.comprehension)) or hasattr(parent, "body"):
            break
        if isinstance(parent, (ast.expr, ast.stmt)) and not isinstance(parent, (ast.Slice, ast.Tuple, ast.Starred)):
            return parent
    return node


def _changes(node: ast.AST) -> Iterator[_Change]:
    match node:
        case ast.Constant(value=bool() as flag):
            yield _Change(node, "value", not flag)
        case ast.Constant(value=int() | float() as number):
            yield _Change(node, "value", number + 1)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield _Change(node, "operand", _negated(operand))
        case ast.BinOp(op=op) | ast.AugAssign(op=op) | ast.BoolOp(op=op) | ast.UnaryOp(op=op) if type(op) in SWAPS:
            if not _is_of_types(node):
                yield _Change(node, "op", SWAPS[type(op)]())
        case ast.Compare(ops=ops):
            for at, op in enumerate(ops):
                yield _Change(node, "ops", SWAPS[type(op)](), at)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if isinstance(test, (ast.Name, ast.Attribute, ast.Call)):
                yield _Change(node, "test", _negated(test))


def _negated(test: ast.expr) -> ast.UnaryOp:
    return ast.UnaryOp(ast.Not(), test)


def _is_of_types(node: ast.AST) -> bool:
    """Tell a union of types, such as ``int | None``, from an operation on values."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and "None" in ast.unparse(node)
