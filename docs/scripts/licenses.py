"""Write docs/licenses.md: every package that the library needs at run time, with its version and license.

Read from the metadata of the installed packages; every extra must be installed. Markers are evaluated for Linux and
the oldest Python that the project supports.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "licenses.md"
LINUX = {
    "python_version": "3.11",
    "python_full_version": "3.11.0",
    "implementation_name": "cpython",
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
}
# Names that metadata use, as SPDX identifiers
SPDX = {
    "MIT License": "MIT",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "2-clause BSD": "BSD-2-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "University of Illinois/NCSA Open Source License": "NCSA",
}
# Packages whose metadata name no license, with the license that their own file is
FROM_FILE = {"peewee": ("MIT", "Permission is hereby granted, free of charge")}
ALLOWED = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "LLVM-exception", "MIT", "MIT-0"),
        *("MIT-CMU", "MPL-2.0", "NCSA", "PSF-2.0", "Unlicense", "Zlib"),
    )
)
HEAD = """# Licenses of the dependencies

marketshock is under the MIT License. The table lists each package that is installed with it, directly or through
another package, on Linux with Python 3.11, in the versions of `constraints.txt`. All licenses are permissive, or the
Mozilla Public License 2.0, whose conditions are about changed copies of the package's own files.

`make licenses` writes this page from the metadata of the packages. A test holds that it is complete and that no
license outside a list of allowed ones is among them. *always* stands for packages without which the library is not
installed; other names are its extras (`pip install "marketshock[fast]"`). BSD stands where the metadata do not state
which BSD license is meant. A \\* stands where the metadata name no license: it is that of the package's license file.

| package | version | license | needed by |
|---|---|---|---|
"""


def plain(name: str) -> str:
    """Return the normalized name of a package."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> dict[str, list[str]]:
    """Return the requirements of the project by extra; "always" are those without one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"always": project["dependencies"], **project["optional-dependencies"]}


def needed(requirements: Iterable[str], environment: dict[str, str] = LINUX) -> dict[str, Distribution]:
    """Return the installed packages that requirements lead to, by normalized name.

    Raises `PackageNotFoundError` if one is not installed.
    """
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        asked, extra = todo.pop()
        if asked.marker is not None and not asked.marker.evaluate({**environment, "extra": extra}):
            continue
        name = plain(asked.name)
        found[name] = package = distribution(asked.name)
        for own in ("", *asked.extras):
            if (name, own) not in done:
                done.add((name, own))
                todo += [(Requirement(text), own) for text in package.requires or ()]
    return found


def license_of(package: Distribution) -> tuple[str, bool]:
    """Return the license of a package, and whether it was read from its license file; "" if none is known."""
    meta = package.metadata
    classified = [c.rpartition(" :: ")[2] for c in meta.get_all("Classifier") or () if c.startswith("License :: OSI")]
    written = (meta.get("License") or "").strip()
    for named in (meta.get("License-Expression"), *([written] if "\n" not in written else []), *classified):
        if named and len(named) < 100 and ALLOWED.issuperset(parts(SPDX.get(named, named))):
            return SPDX.get(named, named), False
    spdx, sentence = FROM_FILE.get(plain(meta["Name"]), ("", ""))
    texts = (Path(str(package.locate_file(f))) for f in package.files or () if "LICEN" in f.name.upper())
    return (spdx, True) if spdx and any(sentence in text.read_text("utf-8") for text in texts) else ("", False)


def parts(expression: str) -> list[str]:
    """Return the identifiers of an SPDX expression."""
    return [word for word in re.split(r"[()\s]+", expression) if word and word not in ("AND", "OR", "WITH")]


def rows() -> Iterator[str]:
    """Return the rows of the table, by name."""
    by: dict[str, list[str]] = {}
    packages: dict[str, Distribution] = {}
    for extra, requirements in declared().items():
        for name, package in needed(requirements).items():
            packages[name] = package
            by.setdefault(name, []).append(extra)
    for name in sorted(packages):
        text, from_file = license_of(packages[name])
        mark = r" \*" if from_file else ""
        who = "always" if "always" in by[name] else ", ".join(by[name])
        yield f"| {name} | {packages[name].version} | {text}{mark} | {who} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(HEAD + "\n".join(rows()) + "\n", "utf-8", newline="\n")


if __name__ == "__main__":
    try:
        main()
    except PackageNotFoundError as missing:
        raise SystemExit(f"{missing.name} is not installed: make licenses installs every extra") from missing
