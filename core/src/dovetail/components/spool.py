"""A file on its way to a store, which can be sent in pieces while it is still being written."""

from __future__ import annotations

import asyncio
import io
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ENOUGH = 2
"""So many pieces have to be there before the file is sent ahead: a smaller one goes in one request."""


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
        """Cancel the work, and return when it has cleared away what it had sent."""
        self._asked(_cancelled(self._task))

    def _asked(self, question: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what it returns
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()


async def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def _ended(task: asyncio.Task[None]) -> None:
    await asyncio.shield(task)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)  # it need not have gone well


class Spool(io.BufferedIOBase):
    """A new file at `path`, for one writer, and for one sender in another thread that is behind him.

    The sender takes pieces of `piece` bytes in order, each as soon as it is written. The writer may go back
    and alter what was sent: after the end `altered` names the pieces that have to be sent again.

    `begin` is called once, when the file is large enough that sending it ahead is worth it; None: the file
    is to be sent as a whole.
    """

    def __init__(self, path: Path, piece: int, begin: Callable[[Spool], Sending | None]) -> None:
        self.path = path
        self.piece = piece
        self.size = 0
        """How many bytes there are by now."""
        self.sending: Sending | None = None
        """Who sends it, once that has begun."""
        self._begin: Callable[[Spool], Sending | None] | None = begin
        self._file = path.open("w+b")
        self._sender = os.open(path, os.O_RDONLY)
        self._changed = threading.Condition()
        self._ready = self._taken = 0
        self._altered: set[int] = set()
        self._over = self._given_up = False

    # The writer

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - any buffer
        """Write any contiguous buffer; return how many bytes it has."""
        start = self._file.tell()
        count = self._file.write(data)
        if count:
            self._note(start, start + count)
        return count

    def truncate(self, size: int | None = None, /) -> int:
        with self._changed:
            self.size = self._file.truncate(size)
            self._ready = self.size // self.piece
            self._alter(self.size, self._taken * self.piece)
        return self.size

    def _note(self, start: int, end: int) -> None:
        """Know that something was written between two places."""
        self.size = max(self.size, end)
        ready = self.size // self.piece
        if ready == self._ready and start >= ready * self.piece:
            return
        with self._changed:
            self._file.flush()  # the sender reads by a descriptor of his own
            self._alter(start, end)
            self._ready = ready
            self._changed.notify_all()
        if self._begin is not None and ready >= _ENOUGH:
            begin, self._begin = self._begin, None
            self.sending = begin(self)

    def _alter(self, start: int, end: int) -> None:
        self._altered.update(range(start // self.piece, min(self._taken, -(-end // self.piece))))

    def end(self) -> None:
        """Say that the file is complete."""
        self._file.close()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        return self._file.read(-1 if size is None else size)

    def readinto(self, buffer: Any, /) -> int:  # noqa: ANN401 - any buffer
        return self._file.readinto(buffer)

    def flush(self) -> None:
        if not self._file.closed:
            self._file.flush()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Let go of the file; what is still being sent is given up."""
        self._file.close()
        self.close()
        with self._changed:
            self._given_up = True
            self._changed.notify_all()
        try:
            if self.sending is not None:
                self.sending.give_up()
        finally:
            os.close(self._sender)

    # The sender

    def take(self, number: int) -> bytes:
        """Return a piece, once it is written; less, or nothing, where the file ends.

        Raises:
            GivenUpError: there will be none.
        """
        with self._changed:
            self._changed.wait_for(lambda: number < self._ready or self._over or self._given_up)
            if self._given_up:
                raise GivenUpError
            self._taken = max(self._taken, number + 1)
            return os.pread(self._sender, self.piece, number * self.piece)

    def wait(self) -> None:
        """Return when the file is complete."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._given_up)

    async def pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield number and content of all pieces as they come, and at the end again those altered since."""
        number = 0
        while piece := await asyncio.to_thread(self.take, number):
            yield number, piece
            number += 1
        for number in self.altered():
            yield number, self.take(number)

    def altered(self) -> list[int]:
        """Return which pieces are not as they were taken, in order; `take` has them. The file is complete."""
        return sorted(each for each in self._altered if each * self.piece < self.size)
