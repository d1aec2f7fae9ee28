"""All pictures speak one vocabulary, use what they are given, and can be read on white and on black."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import marketshock as ms

from .conftest import ROOT
from .pictures import PICTURES

NAMES = [name for name in ms.plots.__all__ if name != "bare_figure"]
RESULTS = {"study", "result", "measured", "change", "changes", "placebo", "curve", "rates"}
WHICH = {"event_id", "first", "last", "start", "end", "tickers", "placebo"}  # what is drawn, not how
DEFAULTS = {"confidence": 0.95, "level": 0.05, "first": None, "last": None, "start": None, "end": None, "members": None}
LEAST_LINE, LEAST_FILL = 2.2, 1.1  # contrast with the page (WCAG 2: 1 is none, 21 black on white)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def first_of(drawn) -> Axes:
    return drawn[0] if isinstance(drawn, list) else drawn


def test_every_picture_is_public_and_tried_here():
    assert sorted(ms.plots.__all__) == ms.plots.__all__
    assert set(NAMES) == set(PICTURES)
    made = set()
    for module in pkgutil.iter_modules(ms.plots.__path__):
        inside = vars(importlib.import_module(f"marketshock.plots.{module.name}"))
        for name, thing in inside.items():
            if inspect.isfunction(thing) and not name.startswith("_") and thing.__module__.endswith(module.name):
                parameters = list(inspect.signature(thing).parameters.values())
                if parameters and parameters[-1].name in ("ax", "figure") and parameters[-1].default is None:
                    made.add(name)
    assert made == set(NAMES)


def test_the_page_names_every_picture():
    page = (ROOT / "docs" / "plots.md").read_text("utf-8")
    table = re.findall(r"^\|.*\|$", page, re.MULTILINE)
    assert {name for row in table for name in re.findall(r"`(\w+)`", row.split("|")[2])} == set(NAMES)
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    exec(compile(code.replace('ax.figure.savefig("forest.pdf")', ""), "plots.md", "exec"), {})


@pytest.mark.parametrize("name", NAMES)
class TestSignature:
    def test_the_result_comes_first(self, name):
        first = next(iter(inspect.signature(getattr(ms.plots, name)).parameters.values()))
        assert first.name in RESULTS
        assert first.default is first.empty

    def test_options_are_keywords_of_one_vocabulary(self, name):
        _, *options = inspect.signature(getattr(ms.plots, name)).parameters.values()
        for option in options:
            assert option.kind is (option.POSITIONAL_OR_KEYWORD if option.name in WHICH else option.KEYWORD_ONLY), (
                option
            )
            if option.name in DEFAULTS:
                assert option.default == DEFAULTS[option.name]

    def test_axes_or_figure_come_last(self, name):
        signature = inspect.signature(getattr(ms.plots, name))
        last = list(signature.parameters.values())[-1]
        assert last.name in ("ax", "figure")
        assert last.default is None
        assert {"ax", "figure"} & set(signature.parameters) == {last.name}
        assert last.annotation == {"ax": "Axes | None", "figure": "Figure | None"}[last.name]
        assert signature.return_annotation == {"ax": "Axes", "figure": "list[Axes]"}[last.name]

    def test_docstring_names_every_parameter(self, name):
        function = getattr(ms.plots, name)
        text = inspect.getdoc(function)
        parts = re.split(r"\n(\w+)\n-+\n", text)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        assert {"Parameters", "Returns"} <= set(sections)
        named = {
            one.strip()
            for line in re.findall(r"^(\S.*?) : ", sections["Parameters"], re.MULTILINE)
            for one in line.split(",")
        }
        assert named == set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", NAMES)
def test_given_axes_and_figures_are_used_and_settings_left_alone(name):
    made, draw = PICTURES[name]
    before = dict(plt.rcParams)
    open_before = plt.get_fignums()
    if "figure" in inspect.signature(getattr(ms.plots, name)).parameters:
        own = Figure(layout="constrained")
        panels = draw(made(), figure=own)
        assert all(isinstance(ax, Axes) and ax.figure is own for ax in panels)
    else:
        ax = Figure(layout="constrained").add_subplot()
        assert draw(made(), ax=ax) is ax
    assert plt.get_fignums() == open_before
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("name", NAMES)
def test_axes_have_units_or_say_what_they_are(name):
    made, draw = PICTURES[name]
    drawn = draw(made())
    panels = drawn if isinstance(drawn, list) else [drawn]
    figure = panels[0].figure
    figure.canvas.draw()
    said = " ".join([*(ax.get_ylabel() + ax.get_xlabel() for ax in figure.axes), figure.get_supxlabel()])
    said += figure.get_supylabel()
    assert re.search(r"%|USD|sd|stocks|days|z\b|close,", said), said
    title = first_of(drawn).get_title(loc="left") if figure.get_suptitle() == "" else figure.get_suptitle()
    assert "\n" in title or name == "specification_curve", title


def luminance(rgb) -> float:
    linear = np.where(np.array(rgb) <= 0.04045, np.array(rgb) / 12.92, ((np.array(rgb) + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(colour, page, alpha=None) -> float:
    r, g, b, a = to_rgba(colour, alpha)
    mixed = a * np.array([r, g, b]) + (1 - a) * np.array(page[:3])
    one, other = sorted([luminance(mixed), luminance(page[:3])])
    return (other + 0.05) / (one + 0.05)


@pytest.mark.parametrize("look", ["default", "dark_background"])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_vanishes_on_the_page(name, look):
    made, draw = PICTURES[name]
    with plt.style.context(look):
        figure = first_of(draw(made())).figure
        figure.canvas.draw()
        page = to_rgba(figure.get_facecolor())
        for ax in figure.axes:
            if not ax.axison:
                continue
            labels = [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, ax.yaxis.label, ax._left_title]
            inside = [] if ax.images else [*ax.texts, *(ax.get_legend().get_texts() if ax.get_legend() else [])]
            for text in [*labels, *inside]:
                assert not text.get_text() or contrast(text.get_color(), page) > 7, text
            for line in [] if ax.images else ax.lines:
                marks = [line.get_markeredgecolor(), line.get_markerfacecolor()]
                shown = marks if line.get_linestyle() == "None" else [line.get_color()]
                least = LEAST_FILL if line.get_alpha() else LEAST_LINE
                assert max(contrast(c, page, line.get_alpha()) for c in shown) > least, line
            for part in [] if ax.images else [*ax.collections, *ax.patches]:
                colours = np.atleast_2d(part.get_facecolor()) if len(np.atleast_1d(part.get_facecolor())) else []
                edges = np.atleast_2d(part.get_edgecolor()) if len(np.atleast_1d(part.get_edgecolor())) else []
                seen = [contrast(c, page) for c in [*colours, *edges]]
                assert max(seen) > LEAST_FILL, part
