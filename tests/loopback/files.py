"""A web server of files: whatever bodies a test gives it, and the faults a test asks for."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FileServer

    def log_message(self, *args):
        pass

    def do_GET(self):
        server = self.owner
        path = self.path.split("?")[0]
        with server.lock:
            server.requests.append((path, dict(self.headers)))
            fault = server.faults[path].popleft() if server.faults[path] else None
        body = server.files.get(path)
        if fault == "reset":
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == "drip":
            self._head(200, 1000)
            for _ in range(1000):
                try:
                    self.wfile.write(b"x")
                except OSError:
                    return
                time.sleep(0.1)
        elif fault == "short":
            self._head(200, len(body))
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif fault is not None:
            self._send(int(fault), b"<html>no</html>")
        elif body is None:
            self._send(404, b"<html>not found</html>")
        else:
            self._send(200, body)

    def _head(self, status, length):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def _send(self, status, body):
        self._head(status, len(body))
        self.wfile.write(body)


class QuietServer(ThreadingHTTPServer):
    """Does not print what clients break off."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


class FileServer:
    """Serves `files` (path -> bytes); ``fail(path, fault, times)`` programs "429", "500", "reset", "short", "drip"."""

    def __init__(self, files: dict[str, bytes] | None = None):
        self.files = dict(files or {})
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self.lock = threading.Lock()
        self._server = QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, path: str, fault: str, times: int = 1) -> None:
        self.faults[path].extend([fault] * times)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
