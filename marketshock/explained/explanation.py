"""A derivation as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .blocks import Step
from .mathtext import fill
from .render import HTML, LATEX, MARKDOWN, TEXT, Form, write


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """The derivation of a result from its data, step by step, with its own numbers in every line.

    Made by `StudyResult.explain`, `Verdict.explain` and `MarketCapChange.explain`. ``str()`` and a notebook print it.

    Attributes
    ----------
    title : str
        The result that is derived.
    about : tuple of str
        The result and its basis, one sentence each; templates over `values`.
    steps : tuple of Step
        In the order of the computation.
    """

    title: str
    about: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def values(self) -> dict[str, float]:
        """The figures of all steps by name, unrounded; of a name in several steps, the last."""
        return {name: value for step in self.steps for name, value in step.values.items()}

    def __str__(self) -> str:
        return self._as(TEXT)

    __repr__ = __str__

    def to_markdown(self) -> str:
        """Return it as Markdown: formulas between ``$$``, tables with pipes.

        Returns
        -------
        str
            Ends with a line break.
        """
        return f"{self._as(MARKDOWN)}\n"

    def to_latex(self) -> str:
        r"""Return it as LaTeX for a document that loads ``amsmath``.

        Returns
        -------
        str
            A ``\subsection*`` with one ``\paragraph`` per step; special characters are escaped.
        """
        return f"{self._as(LATEX)}\n"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON.

        Returns
        -------
        dict
            title, about (sentences) and steps: each with heading, formula (LaTeX), put_in, value and values.
        """
        names = ("heading", "formula", "put_in", "value")
        steps = [{**{n: getattr(step, n) for n in names}, "values": dict(step.values)} for step in self.steps]
        return {"title": self.title, "about": self._about(), "steps": steps}

    def _repr_html_(self) -> str:
        return self._as(HTML)

    def _about(self) -> list[str]:
        return [fill(line, self.values) for line in self.about]

    def _as(self, form: Form) -> str:
        return write(form, self.title, self._about(), self.steps)
