"""Whether a server answers, asked without a proxy and without patience."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 1.0


def reached(url: str) -> str | None:
    """Return `None` if a GET of this URL answers 200, else what happened instead."""
    import http.client

    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer ({error})"
    finally:
        connection.close()
    return None if status == http.client.OK else f"answers {status}"
