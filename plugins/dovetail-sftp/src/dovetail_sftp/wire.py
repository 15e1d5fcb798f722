"""The socket below a connection, to which nothing is written any more once it is known to be lost.

Requests are written many at a time, so some are always behind the one that finds a connection lost; asyncio
complains in the log of each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast


class Wire:
    """What asyncssh connects by in place of a socket of its own: it takes that for a tunnel."""

    async def create_connection(
        self, factory: Callable[[], asyncio.Protocol], host: str, port: int
    ) -> tuple[asyncio.BaseTransport, asyncio.Protocol]:
        """Connect to a server."""

        def protocol() -> asyncio.Protocol:
            made = factory()
            begin = made.connection_made

            def connection_made(transport: asyncio.BaseTransport) -> None:
                begin(cast("asyncio.BaseTransport", _Unbroken(cast("asyncio.Transport", transport))))

            made.connection_made = connection_made  # type: ignore[method-assign] # of this connection only
            return made

        return await asyncio.get_running_loop().create_connection(protocol, host, port)


class _Unbroken:
    """A transport that passes over what is written after it was lost; all else is asyncio's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a transport has
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)
