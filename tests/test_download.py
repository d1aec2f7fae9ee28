"""Files from the web: errors by what came, repeated where that may help, cached, and nothing kept that is no file."""

from __future__ import annotations

import datetime as dt
import hashlib
import time

import pytest

from marketshock.errors import BadData, CacheWarning, InputError, NoData, OfflineMiss, RateLimited, Unavailable
from marketshock.providers.download import Download
from marketshock.providers.retry import Retry
from marketshock.providers.store import Key, Store, store_of

from .loopback.files import FileServer

KEY = Key("french", "factors", "a")
PATH = "/a.zip"
BODY = b"figures" * 5000
NOW = dt.datetime(2025, 1, 27, 12, tzinfo=dt.UTC)
AT_ONCE = Retry(attempts=3, base=0, base_limited=0)


@pytest.fixture
def server():
    with FileServer({PATH: BODY}) as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "cache")


def download(store, days=0.0, **changed):
    """Download some days after the first time, without waiting between requests."""
    return Download(store, **{"retry": AT_ONCE, "now": lambda: NOW + dt.timedelta(days=days), **changed})


def test_a_file_and_what_is_known_of_it(server, store):
    held = download(store).file(KEY, server.base + PATH, lambda payload: {"vintage": "202510"})
    assert held.payload == BODY
    assert held.about == {
        "url": server.base + PATH,
        "fetched": "2025-01-27T12:00:00+00:00",
        "sha256": hashlib.sha256(BODY).hexdigest(),
        "vintage": "202510",
    }


def test_a_young_file_of_the_cache_makes_no_request(server, store):
    first = download(store).file(KEY, server.base + PATH)
    again = download(store, days=0.9).file(KEY, server.base + PATH)
    assert (again.payload, len(server.requests)) == (BODY, 1)
    assert first.about.items() <= again.about.items()


@pytest.mark.parametrize("days", [1.1, -1.1])  # older than a day, or written by a clock that was ahead
def test_an_old_file_is_fetched_again(server, store, days):
    download(store).file(KEY, server.base + PATH)
    server.files[PATH] = b"newer"
    assert download(store, days=days).file(KEY, server.base + PATH).payload == b"newer"
    assert download(store, days=days).file(KEY, server.base + PATH).payload == b"newer"
    assert len(server.requests) == 2


def test_a_file_of_another_address_counts_as_none(server, store):
    download(store).file(KEY, server.base + PATH)
    server.files["/b.zip"] = b"other"
    assert download(store).file(KEY, server.base + "/b.zip").payload == b"other"
    with pytest.raises(OfflineMiss):
        download(store, offline=True).file(KEY, server.base + PATH)


def test_without_a_store_every_call_asks(server):
    for _ in range(2):
        assert download(None).file(KEY, server.base + PATH).payload == BODY
    assert len(server.requests) == 2


class TestOffline:
    def test_what_is_cached_serves_however_old_it_is(self, server, store):
        download(store).file(KEY, server.base + PATH)
        assert download(store, days=400, offline=True).file(KEY, server.base + PATH).payload == BODY
        assert len(server.requests) == 1

    def test_what_is_not_cached_is_a_miss_and_no_connection_is_opened(self, server, store):
        for held in (store, None):
            with pytest.raises(OfflineMiss, match=r"a: asked for http.*the cache does not hold it; fetch it once"):
                download(held, offline=True).file(KEY, server.base + PATH)
        assert server.requests == []


class TestRepeated:
    @pytest.mark.parametrize("fault", ["429", "500", "503", "reset", "short"])
    def test_a_passing_fault_is_overcome(self, server, store, fault):
        server.fail(PATH, fault, times=2)
        assert download(store).file(KEY, server.base + PATH).payload == BODY
        assert len(server.requests) == 3

    @pytest.mark.parametrize(
        ("fault", "kind", "came"),
        [
            ("429", RateLimited, "HTTP 429 Too Many Requests"),
            ("500", Unavailable, "HTTP 500 Internal Server Error"),
            ("reset", Unavailable, "ConnectionError: "),
            ("short", Unavailable, "ProtocolError: Connection broken: IncompleteRead"),
        ],
    )
    def test_a_fault_that_stays_is_named(self, server, store, fault, kind, came):
        server.fail(PATH, fault, times=9)
        with pytest.raises(kind, match=rf"^a: asked for http://.*/a\.zip; {came}.*\(tried 3 times\); ") as caught:
            download(store).file(KEY, server.base + PATH)
        assert caught.value.asked == server.base + PATH
        assert len(server.requests) == 3
        assert store.entries() == []

    def test_a_server_that_drips_is_left_at_the_total_bound(self, server, store):
        server.fail(PATH, "drip", times=9)
        began = time.monotonic()
        with pytest.raises(
            Unavailable,
            match=r"(bytes, then the time was up|no whole answer in time) .*bound of 0\.5 s for the whole call",
        ):
            download(store, max_time=0.5).file(KEY, server.base + PATH)
        assert time.monotonic() - began < 5
        assert len(server.requests) == 1

    def test_nobody_listens(self, store):
        with FileServer() as gone:
            base = gone.base
        with pytest.raises(Unavailable, match="check the connection and the address"):
            download(store, max_time=10).file(KEY, base + PATH)


@pytest.mark.parametrize("status", ["404", "410"])
def test_what_is_not_there_is_not_asked_for_again(server, store, status):
    server.fail(PATH, status)
    with pytest.raises(NoData, match=rf"HTTP {status} .*check the name or the address"):
        download(store).file(KEY, server.base + PATH)
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["http://", "nonsense", "gopher://127.0.0.1/a"])
def test_what_is_no_address_is_the_caller_s_error(store, url):
    with pytest.raises(InputError, match="give an https address"):
        download(store).file(KEY, url)


def refuse(payload):
    """Refuse everything."""
    raise BadData("a", "the address", "an HTML page", "check the address")


class TestStale:
    @pytest.mark.parametrize("fault", ["429", "500", "reset", "short"])
    def test_the_old_file_serves_with_a_warning_and_says_so(self, server, store, fault):
        download(store).file(KEY, server.base + PATH)
        server.fail(PATH, fault, times=9)
        with pytest.warns(CacheWarning, match=r"tried 3 times.*The cached file of 2025-01-27T12:00:00\+00:00 serves"):
            held = download(store, days=2).file(KEY, server.base + PATH)
        assert held.payload == BODY
        assert "tried 3 times" in held.about["stale"]
        assert "stale" not in store.read(KEY).about

    def test_also_when_what_came_is_no_such_file(self, server, store):
        download(store).file(KEY, server.base + PATH)
        server.files[PATH] = b"<html>"
        with pytest.warns(CacheWarning, match="an HTML page"):
            held = download(store, days=2).file(KEY, server.base + PATH, refuse)
        assert (held.payload, held.about["stale"]) == (BODY, "an HTML page")
        assert store.read(KEY).payload == BODY

    def test_but_not_when_the_address_holds_nothing_any_more(self, server, store):
        download(store).file(KEY, server.base + PATH)
        del server.files[PATH]
        with pytest.raises(NoData):
            download(store, days=2).file(KEY, server.base + PATH)


def test_what_is_refused_is_not_kept(server, store):
    with pytest.raises(BadData, match="an HTML page"):
        download(store).file(KEY, server.base + PATH, refuse)
    assert store.entries() == []
    assert download(store).file(KEY, server.base + PATH).payload == BODY


def test_what_the_parameter_cache_means(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *args, **named: tmp_path / "platform")
    assert store_of(True).root == tmp_path / "platform"
    assert store_of(False) is None
    assert store_of(tmp_path).root == store_of(str(tmp_path)).root == tmp_path
    own = Store(tmp_path)
    assert store_of(own) is own
    for wrong in (None, 1, "", b"folder"):
        with pytest.raises(InputError, match=r"cache: got .*give True, False, a folder or a Store"):
            store_of(wrong)
