"""A derivation as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import render
from .blocks import Step
from .mathtext import fill


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """How a result comes from its data, step by step, with its own numbers in every line.

    Made by `StudyResult.explain`, `Verdict.explain` and `MarketCapChange.explain`. ``str()`` and a notebook print it.

    Attributes
    ----------
    title : str
        What is explained.
    about : tuple of str
        The result and what it rests on, a sentence each; templates over `values`.
    steps : tuple of Step
        In the order in which one computes.
    """

    title: str
    about: tuple[str, ...]
    steps: tuple[Step, ...]

    @property
    def values(self) -> dict[str, float]:
        """The figures of all steps by name, unrounded; of a name that several steps have, the last."""
        return {name: value for step in self.steps for name, value in step.values.items()}

    def __str__(self) -> str:
        return render.text(self)

    __repr__ = __str__

    def to_markdown(self) -> str:
        """Return it as Markdown: formulas between ``$$``, tables with pipes.

        Returns
        -------
        str
            It ends with a line break.
        """
        return render.markdown(self)

    def to_latex(self) -> str:
        r"""Return it as LaTeX to be put into a document that loads ``amsmath``.

        Returns
        -------
        str
            A ``\subsection*`` with a ``\paragraph`` a step; special characters are escaped.
        """
        return render.latex(self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, ready for JSON.

        Returns
        -------
        dict
            title, about (sentences) and steps: each with heading, formula (LaTeX), put_in, value and values.
        """
        steps = [
            {
                "heading": step.heading,
                "formula": step.formula,
                "put_in": step.put_in,
                "value": step.value,
                "values": dict(step.values),
            }
            for step in self.steps
        ]
        return {"title": self.title, "about": [fill(line, self.values) for line in self.about], "steps": steps}

    def _repr_html_(self) -> str:
        return render.html(self)
