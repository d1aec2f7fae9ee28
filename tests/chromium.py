"""A real browser, spoken to over two pipes: Chromium's own protocol, no driver and no socket."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PATIENCE = 60.0  # seconds for one answer

# The protocol is spoken on descriptors 3 and 4; a child that puts them there needs no fork hook in a threaded parent.
_START = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)


def found() -> str | None:
    """Return the browser of MARKETSHOCK_BROWSER, or the first that is on the path."""
    named = os.environ.get("MARKETSHOCK_BROWSER")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """One page of a headless browser."""

    def __init__(self, browser: str, profile: Path) -> None:
        commands, answers = os.pipe(), os.pipe()
        flags = [
            "--headless", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--disable-gpu",
            "--no-sandbox",  # the page is ours, and containers have no sandbox
            "--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking",
        ]  # fmt: skip
        # Copies above 10, so that the child's 3 and 4 are free whatever the parent has open.
        inner = [os.dup(fd) for fd in (commands[0], answers[1])]
        for fd in inner:
            os.set_inheritable(fd, True)
        self._said = profile / "said.txt"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, *map(str, inner), browser, *flags, "about:blank"],
                pass_fds=inner, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
        for fd in (*inner, commands[0], answers[1]):
            os.close(fd)
        self._write, self._read = commands[1], answers[0]
        self._buffer, self._last, self._session = b"", 0, None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired, RuntimeError, TimeoutError):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        message: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        return self._until(lambda got: got.get("id") == self._last)

    def open(self, path: Path, width: int = 1200, height: int = 900, dark: bool = False) -> None:
        """Open a file and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        if not any(e["method"] == "Page.loadEventFired" for e in self.events):
            self._until(lambda got: got.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return what an expression amounts to; promises are awaited."""
        got = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in got:
            raise RuntimeError(json.dumps(got["exceptionDetails"]))
        return got["result"].get("value")

    def requests(self) -> list[str]:
        return [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """Return errors of the console, of the script and of the browser."""
        told = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        thrown = [e["params"] for e in self.events if e["method"] == "Runtime.exceptionThrown"]
        said = [e["params"] for e in self.events if e["method"] == "Runtime.consoleAPICalled"]
        return [json.dumps(one) for one in (*told, *thrown, *said)]

    def _until(self, wanted: Any) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE
        while True:
            while b"\0" in self._buffer:
                line, _, self._buffer = self._buffer.partition(b"\0")
                got = json.loads(line)
                if "method" in got:
                    self.events.append(got)
                if wanted(got):
                    if "error" in got:
                        raise RuntimeError(f"{got['error']}")
                    return got.get("result", got)
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            read = os.read(self._read, 1 << 20)
            if not read:
                said = self._said.read_text("utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"the browser is gone ({self._process.wait(10)}): {said}")
            self._buffer += read
