"""A pytest plugin that imports one module of the package with one mutant; the file stays as it is.

``MUTANT`` is ``path:index``, with the path from the working directory.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType

from .mutants import mutated


class MutantLoader(SourceFileLoader):
    """Load a source file with one mutant."""

    index = 0

    def get_code(self, fullname: str) -> CodeType:
        """Compile the mutated tree; compiled files are neither read nor written."""
        tree = mutated(Path(self.path).read_text("utf-8"), self.index)
        return compile(tree, self.path, "exec", dont_inherit=True)


class MutantFinder:
    """Find one module at one path, and give it the loader above."""

    def __init__(self, path: Path, index: int) -> None:
        self.path, self.index = path, index
        parts = path.relative_to(Path.cwd()).with_suffix("").parts
        self.module = ".".join(parts).removesuffix(".__init__")

    def find_spec(self, fullname: str, path: list[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Return the module's specification with the mutating loader, None for any other module."""
        if fullname != self.module:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is None or Path(spec.origin or "").resolve() != self.path:
            raise ImportError(f"{fullname} is imported from {spec and spec.origin}, the mutant is of {self.path}")
        loader = MutantLoader(fullname, str(self.path))
        loader.index = self.index
        spec.loader = loader
        return spec


if given := os.environ.get("MUTANT"):
    file, _, number = given.rpartition(":")
    sys.meta_path.insert(0, MutantFinder(Path(file).resolve(), int(number)))
