"""The page of licenses lists every package of the run time, and no license that was not decided on."""

from __future__ import annotations

import importlib.util
import re
from importlib.metadata import PackageNotFoundError

import pytest

from .conftest import ROOT

SCRIPT = importlib.util.spec_from_file_location("licenses", ROOT / "docs" / "scripts" / "licenses.py")
licenses = importlib.util.module_from_spec(SCRIPT)
SCRIPT.loader.exec_module(licenses)
EVERY = [text for listed in licenses.declared().values() for text in listed]


@pytest.fixture(scope="module")
def packages():
    try:
        return licenses.needed(EVERY)
    except PackageNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed here")


def test_every_license_is_known_and_allowed(packages):
    unknown = {name: dict(package.metadata).get("License") for name, package in packages.items()}
    assert not {name: text for name, text in unknown.items() if not licenses.license_of(packages[name])[0]}


def test_the_page_is_what_the_metadata_say(packages):
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "constraints.txt").read_text("utf-8"), re.M))
    pinned = {licenses.plain(name): version for name, version in pinned.items()}
    if any(pinned.get(name, package.version) != package.version for name, package in packages.items()):
        pytest.skip("the versions installed here are not those of constraints.txt")
    assert set(packages) <= set(pinned), "a package of the run time is not pinned"
    assert licenses.PAGE.read_text("utf-8") == licenses.HEAD + "\n".join(licenses.rows()) + "\n"


def test_dependencies_of_dependencies_are_followed(packages):
    assert {"numpy", "peewee", "certifi", "llvmlite", "et-xmlfile", "polars-runtime-32"} <= set(packages)
    assert "pytest" not in packages


def test_what_is_not_allowed_is_found():
    class Other:
        files = ()

        def __init__(self, **named):
            self.metadata = Meta(named)

    class Meta(dict):
        def get_all(self, name):
            return self.get(name)

    assert licenses.license_of(Other(Name="a", License="MIT")) == ("MIT", False)
    assert licenses.license_of(Other(Name="a", **{"License-Expression": "MIT AND GPL-3.0-only"})) == ("", False)
    assert licenses.license_of(Other(Name="peewee")) == ("", False), "its file is not there to be read"
