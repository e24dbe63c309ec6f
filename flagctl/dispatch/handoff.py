"""Hand-off over HTTP to the management node, at least once, with the idempotency digest.

The node answers any 2xx once it has the submission; it drops what it took before under the same
`Idempotency-Key`. That header carries the digest: the client's own key is unique in its tenant
and workspace only, and stands in the body.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

import httpx2

from flagctl.dispatch.ports import InDoubtError, NotSentError
from flagctl.domain.submission import Order
from flagctl.vocabulary import DispatcherName

_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_LIMITS: Final = httpx2.Limits(
    max_connections=100, max_keepalive_connections=20, keepalive_expiry=1.0
)
"""A node closes what was idle for some seconds; a submission sent just then would be in doubt."""

_CONFLICT: Final = 409
_SERVER_ERROR: Final = 500


class HandoffDispatcher:
    """Posts orders to the management node's submit URL.

    Args:
        url: where to post.
        timeout_s: the deadline of one hand-off as a whole.

    """

    name = DispatcherName.HANDOFF

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        # Its proxies are not taken from the environment: the node is a neighbour.
        self._client = httpx2.AsyncClient(timeout=timeout_s, limits=_LIMITS, trust_env=False)

    async def dispatch(self, order: Order) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.post(
                    self._url, content=order.document().encode(), headers=_headers(order)
                )
        except _NEVER_SENT as error:
            raise NotSentError(f"The management node can't be reached: {error!r}") from error
        except (TimeoutError, httpx2.HTTPError) as error:
            raise InDoubtError(f"The management node did not answer: {error!r}") from error
        _require_taken(response)

    async def check(self) -> None:
        """Do not ask the node: the contract gives it no probe, and a submission tells."""

    async def close(self) -> None:
        await self._client.aclose()


def _headers(order: Order) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Idempotency-Key": order.digest,
        "traceparent": f"00-{order.trace_id}-{secrets.token_hex(8)}-01",
    }


def _require_taken(response: httpx2.Response) -> None:
    if response.is_success:
        return
    told = f"The management node answered {response.status_code}."
    # A conflict may mean that an earlier attempt arrived.
    if response.status_code >= _SERVER_ERROR or response.status_code == _CONFLICT:
        raise InDoubtError(told)
    raise NotSentError(f"{told} It did not take the submission.")
