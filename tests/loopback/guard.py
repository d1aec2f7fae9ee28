"""No test leaves this machine: sockets and curl refuse, and what the tests start inherits a proxy that is closed."""

from __future__ import annotations

import ipaddress
import os
import sys
from functools import wraps
from urllib.parse import urlsplit

from .client import OutsideLoopbackError

CLOSED = "http://127.0.0.1:9"


def is_here(host: object) -> bool:
    """Return whether a host is this machine."""
    text = host.decode() if isinstance(host, bytes) else str(host or "")
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return text in ("", "localhost")


def _refuse(event: str, arguments: tuple) -> None:
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else ""
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    else:
        return
    if not is_here(host):
        raise OutsideLoopbackError(f"{event} {host}")


def install() -> None:
    """Guard this process and those it starts: Python's sockets by an audit hook, curl's own by the URL."""
    import curl_cffi

    sys.addaudithook(_refuse)
    setopt = curl_cffi.Curl.setopt

    @wraps(setopt)
    def guarded(self, option, value):
        if option == curl_cffi.CurlOpt.URL:
            address = value.decode() if isinstance(value, bytes) else value
            if not is_here(urlsplit(address).hostname):
                raise OutsideLoopbackError(address)
        return setopt(self, option, value)

    curl_cffi.Curl.setopt = guarded
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        os.environ[name] = os.environ[name.lower()] = CLOSED
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
