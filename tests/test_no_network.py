"""No test and no offline call leaves 127.0.0.1."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import urllib.request

import pytest
import requests

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import ProviderError

from .loopback.client import OutsideLoopbackError, rewritten

WORLD = "192.0.2.1"  # TEST-NET-1: reserved, nobody's


def unshared() -> list[str]:
    """Return the command that runs another without any network, [] if this system does not let us."""
    unshare = shutil.which("unshare")
    command = [unshare, "-rn"] if unshare else []
    if command and subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
        return command
    return []


def test_sockets_are_refused():
    with pytest.raises(OutsideLoopbackError, match=WORLD):
        socket.create_connection((WORLD, 80), timeout=0.1)
    with pytest.raises(OutsideLoopbackError, match=r"example\.com"):
        socket.getaddrinfo("example.com", 80)


def test_curl_is_refused():
    from curl_cffi import requests as curl

    with pytest.raises(OutsideLoopbackError, match=r"example\.com"):
        curl.get("https://example.com/")


@pytest.mark.parametrize("get", [requests.get, urllib.request.urlopen])
def test_other_clients_meet_a_closed_proxy(get):
    with pytest.raises(OSError, match="refused"):
        get("http://example.com/", timeout=1)


def test_the_rewriting_session_knows_one_host():
    assert (
        rewritten("https://query2.finance.yahoo.com/v8/x?a=1", "http://127.0.0.1:80")[0]
        == "http://127.0.0.1:80/v8/x?a=1"
    )
    with pytest.raises(OutsideLoopbackError):
        rewritten("https://example.com/", "http://127.0.0.1:80")


def test_the_real_yfinance_is_refused():
    """Without the loopback session the guard stops it, and the library says so as it would of any dead network."""
    with pytest.raises((ProviderError, OutsideLoopbackError)):
        ms.yahoo("NVDA", "2025-01-02", "2025-01-31", cache=False, retry=None, max_time=2, progress=False)


OFFLINE = """
import sys
refused = []
def hook(event, arguments):
    if event == "socket.connect" or event == "socket.getaddrinfo":
        refused.append((event, arguments))
sys.addaudithook(hook)
import marketshock as ms
from marketshock.command.main import main
assert main(["reproduce", "--quiet"]) == 0
assert main(["loss", "--ticker", "NVDA", "--date", "2025-01-27"]) == 0
assert main(["fetch", "NVDA", "--start", "2025-01-02", "--offline", "--cache", sys.argv[1]]) == 2
assert main(["cache", "list", "--cache", sys.argv[1]]) == 0
for call in (
    lambda: ms.yahoo("NVDA", "2025-01-02", "2025-01-31", cache=sys.argv[1], offline=True),
    lambda: ms.yahoo_intraday("NVDA", "2025-01-02", "2025-01-31", cache=sys.argv[1], offline=True),
    lambda: ms.yahoo_share_counts("NVDA", "2025-01-02", cache=sys.argv[1], offline=True),
    lambda: ms.french_factors("F-F_Research_Data_Factors_daily", cache=sys.argv[1], offline=True),
    lambda: ms.sec_share_counts("NVDA", cache=sys.argv[1], offline=True),
    lambda: ms.earnings_dates("NVDA", cache=sys.argv[1], offline=True),
):
    try:
        call()
    except ms.errors.OfflineMiss:
        continue
    raise SystemExit("no OfflineMiss")
assert not refused, refused
assert "yfinance" not in sys.modules and "curl_cffi" not in sys.modules
print("no socket was opened")
"""


@pytest.mark.parametrize("network", ["as it is", "none"])
def test_offline_calls_open_no_socket(tmp_path, network):
    command = unshared() if network == "none" else []
    if network == "none" and not command:
        pytest.skip("this system does not let us take the network away (unshare -rn)")
    done = subprocess.run(
        [*command, sys.executable, "-c", OFFLINE, tmp_path / "cache"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("no socket was opened\n")


def test_offline_is_refused_without_a_cache(capsys):
    with pytest.raises(ms.errors.InputError, match="there is no cache to read"):
        ms.yahoo("NVDA", "2025-01-02", "2025-01-31", cache=False, offline=True)
    assert main(["fetch", "NVDA", "--start", "2025-01-02", "--offline", "--no-cache"]) == 2
    assert "no cache" in capsys.readouterr().err
