"""A file on its way to a store, which can be sent in pieces while it is still being written."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dovetail.errors import StoreError, cannot_write
from dovetail.passing_stream import PassingStream

_ENOUGH = 2
"""So many pieces have to be there before the file is sent ahead: a smaller one goes in one request."""
_CLEARING = 10.0
"""For how many seconds a writer that fails waits until what was sent is cleared away."""


class GivenUpError(Exception):
    """Whoever wrote a file has given it up; nothing of it is to be kept."""


class Sending:
    """Work that sends a file, in an event loop that runs in another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
        self._loop = loop
        self._task = self._asked(_begun(work))

    def finish(self) -> None:
        """Return when the file was sent; raise what the work raised."""
        self._asked(_ended(self._task))

    def give_up(self) -> None:
        """Cancel the work; return when it has cleared away what it had sent, or takes too long for that."""
        self._asked(_cancelled(self._task))

    def _asked(self, question: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what it returns
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()


async def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)  # who waits may be interrupted, and give it up then


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=_CLEARING)
    if task.done() and not task.cancelled():
        task.exception()  # seen: it need not have gone well


class Spool(PassingStream):
    """A new file at `path`, for one writer, and for one sender in an event loop that is behind him.

    The sender takes pieces of `piece` bytes in order, each as soon as it is written. The writer may go back
    and alter what was sent: after the end such pieces are sent again.

    `begin` is called once, when the file is large enough that sending it ahead is worth it; None: the file
    is to be sent as a whole.

    Raises:
        StoreError: the place of the file is full, or cannot be written to.
    """

    def __init__(self, path: Path, piece: int, begin: Callable[[Spool], Sending | None]) -> None:
        self.path = path
        self.piece = piece
        self.size = 0
        """How many bytes there are by now."""
        self.sending: Sending | None = None
        """Who sends it, once that has begun."""
        self._begin: Callable[[Spool], Sending | None] | None = begin
        self._owner = os.getpid()
        super().__init__(path.open("w+b"))
        self._sender = os.open(path, os.O_RDONLY)
        self._guard = threading.Lock()
        self._wake: Callable[[], object] = lambda: None
        self._ready = self._taken = 0
        self._altered: set[int] = set()
        self._over = self._given_up = False

    # The writer

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Write any contiguous buffer; return how many bytes it has."""
        start = self._stream.tell()
        try:
            count = self._stream.write(data)
            if count:
                self._note(start, start + count)
        except OSError as error:
            raise self._refused(error) from error
        return count

    def truncate(self, size: int | None = None, /) -> int:
        try:
            with self._guard:
                self.size = self._stream.truncate(size)
                self._ready = self.size // self.piece
                self._alter(self.size, self._taken * self.piece)
        except OSError as error:
            raise self._refused(error) from error
        return self.size

    def _note(self, start: int, end: int) -> None:
        """Know that something was written between two places."""
        self.size = max(self.size, end)
        ready = self.size // self.piece
        if ready == self._ready and start >= ready * self.piece:
            return
        with self._guard:
            self._stream.flush()  # the sender reads by a descriptor of his own
            self._alter(start, end)
            self._ready = ready
        self._wake()
        if self._begin is not None and ready >= _ENOUGH:
            begin, self._begin = self._begin, None
            self.sending = begin(self)

    def _alter(self, start: int, end: int) -> None:
        self._altered.update(range(start // self.piece, min(self._taken, -(-end // self.piece))))

    def _refused(self, error: OSError) -> StoreError:
        return cannot_write("a value on its way to the artifact store", self.path.parent, error)

    def end(self) -> None:
        """Say that the file is complete."""
        try:
            self._stream.close()
        except OSError as error:
            raise self._refused(error) from error
        self._over = True
        self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of the file; what is still being sent is given up."""
        self.close()
        with self._guard:
            self._given_up = True
        self._wake()
        try:
            # A process that was forked meanwhile has the file too, and nobody who sends it.
            if self.sending is not None and self._owner == os.getpid():
                self.sending.give_up()
        finally:
            os.close(self._sender)
            with suppress(OSError):  # there is no room for what it holds, which was told, or is given up
                self._stream.close()

    # The sender

    async def pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield number and content of all pieces as they come, and at the end again those altered since.

        Raises:
            GivenUpError: no more will come.
        """
        number = 0
        while piece := await self._next(number):
            yield number, piece
            number += 1
        for number in sorted(each for each in self._altered if each * self.piece < self.size):
            yield number, self._take(number)

    async def _next(self, number: int) -> bytes:
        """Return a piece once it is written; less, or nothing, where the file ends."""
        async for _ in self._news():
            with self._guard:
                if number < self._ready or self._over:
                    return self._take(number)
        raise AssertionError

    async def ended(self) -> None:
        """Return when the file is complete.

        Raises:
            GivenUpError: it never will be.
        """
        async for _ in self._news():
            if self._over:
                return

    async def _news(self) -> AsyncIterator[None]:
        """Yield now, and whenever the writer has come further; no thread waits for that."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: its process ends
                loop.call_soon_threadsafe(event.set)

        self._wake = wake
        while not self._given_up:
            event.clear()
            yield
            await event.wait()
        raise GivenUpError

    def _take(self, number: int) -> bytes:
        self._taken = max(self._taken, number + 1)
        return os.pread(self._sender, self.piece, number * self.piece)
