"""How the site is built: `make docs`. Nothing is fetched; every code cell and every example is run."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

import marketshock

HERE = Path(__file__).parent
ROOT = HERE.parent

# The kernels read this profile and no one's own: the same figures on every machine, sharp enough for a good screen.
PROFILE = tempfile.TemporaryDirectory()
os.environ["IPYTHONDIR"] = PROFILE.name
settings = Path(PROFILE.name) / "profile_default" / "ipython_kernel_config.py"
settings.parent.mkdir()
settings.write_text(
    "c.IPKernelApp.log_level = 'ERROR'\nc.HistoryManager.enabled = False\nc.InlineBackend.figure_formats = {'retina'}\n"
)

project = "marketshock"
author = "The marketshock developers"
copyright = author
version = release = marketshock.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_nb"]
exclude_patterns = ["conf.py", "scripts"]
templates_path = ["_templates"]

# Prose is MyST, API pages are reStructuredText, examples are scripts in jupytext's percent format.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_output_stderr = "error"  # a cell that warns fails the build
nb_merge_streams = True
nb_number_source_lines = False

autosummary_generate = True
autosummary_filename_map = {  # `placebo` and `Placebo` are one file where the disk knows no capitals
    f"marketshock.{name}": f"marketshock.{name}-class"
    for name in marketshock.__all__
    if name != name.lower() and name.lower() in marketshock.__all__
}
autodoc_typehints = "none"  # the docstrings say types, shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # the template of a class lists them
numpydoc_xref_param_type = False
default_role = "py:obj"
nitpick_ignore_regex = [
    ("py:obj", r".*"),  # single backticks: parameters and words of the text stand there beside names
]

html_theme = "pydata_sphinx_theme"
html_title = "marketshock"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {name: [] for name in ("index", "start", "coming_from")}  # pages without neighbours
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_toc_level": 2,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["footer"],
    "footer_end": [],
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}


def make_sources(*_: object) -> None:
    """Copy ``examples/*.py`` beside the pages (Sphinx reads nothing outside its folder); forget names that are gone."""
    shutil.rmtree(HERE / "api" / "names", ignore_errors=True)
    for old in (HERE / "examples").glob("*.py"):
        old.unlink()
    for path in sorted((ROOT / "examples").glob("*.py")):
        shutil.copy2(path, HERE / "examples")


def setup(app: Sphinx) -> None:
    """Connect what happens before pages are looked for."""
    app.connect("config-inited", make_sources)
