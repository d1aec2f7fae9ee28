"""The documentation names what there is, and nothing else; its pages hang together; where Sphinx is, it is built."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import marketshock as ms

from .conftest import ROOT

DOCS = ROOT / "docs"
API = sorted((DOCS / "api").glob("*.rst"))
NOT_PAGES = ("_templates/", "api/names/", "scripts/")
PAGES = sorted(
    path
    for path in [*DOCS.rglob("*.md"), *DOCS.rglob("*.rst")]
    if not str(path.relative_to(DOCS)).startswith(NOT_PAGES)
)
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NEEDED = ("sphinx", "pydata_sphinx_theme", "myst_nb", "jupytext", "ipykernel", "numpydoc")
HELD = (*PAGES, *EXAMPLES, DOCS / "conf.py", ROOT / "CITATION.cff")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def listed(kind: str) -> list[str]:
    """Return the entries of every directive of a kind on the API pages, in their order."""
    found = []
    for page in API:
        for block in re.findall(rf"^\.\. {kind}::\n((?:   .*\n|\n)+)", page.read_text("utf-8") + "\n", flags=re.M):
            found += [line.strip() for line in block.splitlines() if line.strip() and not line.strip().startswith(":")]
    return found


def toctree(page: Path) -> list[str]:
    """Return the documents a page's toctrees name, relative to ``docs``, without suffix."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"```\{toctree\}\n(.*?)```", text, flags=re.S)
    blocks += re.findall(r"^\.\. toctree::\n((?:   .*\n|\n)+)", text + "\n", flags=re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    names = [line for line in lines if line and not line.startswith(":")]
    return [str((page.parent / name).relative_to(DOCS)) for name in names]


# The reference


def test_reference_names_exactly_the_public_names():
    public = {*ms.__all__}
    for room in ("datasets", "rules", "plots", "report", "simulate", "types"):
        public |= {f"{room}.{name}" for name in getattr(ms, room).__all__}
    named = listed("autosummary")
    assert len(named) == len(set(named)), "a name stands there twice"
    inside = {name for name in named if name.startswith("errors.")}
    assert {*named} - inside == public


def test_reference_names_every_error_and_warning():
    tree = [ms.errors.MarketShockError, ms.errors.MarketShockWarning]
    errors = {
        f"errors.{name}"
        for name, value in vars(ms.errors).items()
        if isinstance(value, type) and issubclass(value, tuple(tree))
    }
    assert {name for name in listed("autosummary") if name.startswith("errors.")} == errors


@pytest.mark.parametrize("name", [n for n in listed("autosummary") if "." in n])
def test_reference_names_what_can_be_had(name):
    module, attribute = name.split(".")
    assert hasattr(getattr(ms, module), attribute)


# The pages


def test_every_page_is_in_exactly_one_toctree():
    named = [name for page in PAGES for name in toctree(page)]
    pages = [str(page.relative_to(DOCS).with_suffix("")) for page in PAGES]
    pages += [f"examples/{path.stem}" for path in EXAMPLES]
    assert sorted(named) == sorted(set(pages) - {"index"})


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as MyST makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", head.replace("`", "")).strip().lower().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", [p for p in (*PAGES, *EXAMPLES) if p.suffix in (".md", ".py")], ids=name_of)
def test_links_lead_somewhere(page):
    place = DOCS / "examples" if page in EXAMPLES else page.parent
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S) if page.suffix == ".md" else page.read_text()
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        assert not link.startswith(("http:", "https:", "file:")), f"{link}: the pages work without a network"
        target, _, anchor = link.partition("#")
        to = (place / target).resolve() if target else page
        if to.parent == DOCS / "examples" and to.suffix == ".py":
            to = ROOT / "examples" / to.name
        assert to.exists(), link
        assert not anchor or anchor in anchors(to), link


@pytest.mark.parametrize("page", HELD, ids=name_of)
def test_no_page_holds_a_path_of_a_machine_or_an_address_of_a_registry(page):
    text = page.read_text("utf-8")
    found = re.search(
        r"(?<![\w.])/(home|root|work|tmp|usr|opt|Users)/|[A-Z]:\\\\|pypi\.org|files\.pythonhosted|simple/", text
    )
    assert found is None, found


@pytest.mark.parametrize("page", [p for p in PAGES if p.suffix == ".md"], ids=name_of)
def test_python_on_the_pages_parses_and_names_what_there_is(page):
    for block in re.findall(r"```(?:python|\{code-cell\} python)\n(.*?)```", page.read_text("utf-8"), flags=re.S):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ms":
                assert node.attr in ms.__all__, f"ms.{node.attr}"


# The examples


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_examples_are_cells_with_a_title_and_say_how_they_are_run(path):
    text = path.read_text("utf-8")
    assert text.startswith("# %% [markdown]\n# # ")
    assert f"python examples/{path.name}" in re.sub(r"\n# ", " ", text)
    assert text.count("\n# %%\n") > 1


# How to cite


def test_citation_file_says_what_the_project_says():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    keys = dict(re.findall(r"^([a-z-]+): *(.*)$", text, flags=re.M))
    assert {"cff-version", "message", "title", "authors"} <= set(keys)
    assert keys["cff-version"] == "1.2.0"
    assert keys["version"] == project["version"] == ms.__version__
    assert keys["license"] == project["license"]
    assert re.findall(r"^  - name: (.+)$", text, flags=re.M) == [author["name"] for author in project["authors"]]
    assert f"version = {{{ms.__version__}}}" in (DOCS / "cite.md").read_text("utf-8")


# The build


@pytest.mark.skipif(
    missing := [name for name in NEEDED if importlib.util.find_spec(name) is None],
    reason=f"not installed (pip install --group docs): {', '.join(missing)}",
)
def test_site_is_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", "docs", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # -W: a warning is an error, and so is whatever a cell writes to stderr
    assert (tmp_path / "index.html").exists()
