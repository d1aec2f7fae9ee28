"""Bodies without end, and small ones that unpack to large ones: they end at the bound, in time and memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from marketshock.errors import BadData
from marketshock.providers import download, yahoo_client
from marketshock.providers.download import Download
from marketshock.providers.retry import MOST_BYTES, Retry
from marketshock.providers.store import Key

from ..loopback.client import loopback_session, requests_session
from ..loopback.files import QuietServer
from .vendor import fetch, fresh_yfinance

BOUND = 1 << 20  # for tests: a megabyte
BOMB = gzip.compress(b" " * (BOUND * 40) + b"{}", 9)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.close_connection = True
        self.send_response(200)
        if "endless" in self.server.kind:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            except OSError:
                self.server.ended.set()
        else:
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(BOMB)))
            self.end_headers()
            self.wfile.write(BOMB)


@pytest.fixture(params=["endless", "bomb"])
def server(request):
    made = QuietServer(("127.0.0.1", 0), Handler)
    made.kind, made.ended = request.param, threading.Event()
    made.base = f"http://127.0.0.1:{made.server_address[1]}"
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    with fresh_yfinance():
        yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("session_of", [loopback_session, requests_session])
def test_an_answer_of_yahoo_ends_at_the_bound(server, session_of, monkeypatch):
    monkeypatch.setattr(yahoo_client, "MOST_BYTES", BOUND)
    with pytest.raises(BadData, match=r"NVDA.*an answer of more than 1 MB"):
        fetch(session_of(server.base), "NVDA", max_time=60)
    if server.kind == "endless":
        assert server.ended.wait(10)


def test_a_file_ends_at_the_bound(server, monkeypatch):
    monkeypatch.setattr(download, "MOST_BYTES", BOUND)
    with pytest.raises(BadData, match="more than 1 MB"):
        Download(None, retry=Retry(1), max_time=60).file(Key("x", "y", "z"), server.base)


IN_MEMORY = """
import resource, sys
sys.path.insert(0, {root!r})
from tests.loopback import guard
guard.install()
from marketshock.errors import BadData
from tests.faults.vendor import fetch, fresh_yfinance
from tests.loopback.client import loopback_session, requests_session
session = {session}({base!r})
with fresh_yfinance():
    import marketshock, yfinance, pandas
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        fetch(session, "NVDA", max_time=60)
    except BadData as error:
        assert "more than 64 MB" in str(error), error
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit elsewhere")
@pytest.mark.parametrize("server", ["endless"], indirect=True)
def test_the_memory_it_takes_is_bounded(server):
    assert MOST_BYTES == 64 << 20
    text = IN_MEMORY.format(root=str(Path(__file__).parents[2]), session="loopback_session", base=server.base)
    run = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 300 << 10  # kilobytes: a buffer that grows, and its copy
