from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.components.spool import GivenUpError, Sending, Spool

PIECE = 8


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


class Receiver:
    """Takes what is sent as a server does that writes at places."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.pieces = 0
        self.cleared = False

    def put(self, offset: int, data: bytes) -> None:
        self.content[offset : offset + len(data)] = data
        self.pieces += 1

    async def receive(self, spool: Spool) -> None:
        try:
            async for number, piece in spool.pieces():
                self.put(number * PIECE, piece)
            del self.content[spool.size :]
        except BaseException:
            self.cleared = True
            raise


def written(
    place: Path, loop: asyncio.AbstractEventLoop, write: Callable[[Spool], object]
) -> tuple[bytes, Receiver]:
    """Return the file that `write` makes, and who has received it."""
    receiver = Receiver()
    with Spool(place, PIECE, lambda spool: Sending(loop, receiver.receive(spool))) as spool:
        write(spool)
        spool.end()
        if spool.sending is not None:
            spool.sending.finish()
        else:
            receiver.put(0, place.read_bytes())
    return place.read_bytes(), receiver


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 24, 100])
def test_what_is_written_in_one_go_arrives_once(
    tmp_path: Path, loop: asyncio.AbstractEventLoop, size: int
) -> None:
    data = bytes(range(size))
    kept, receiver = written(tmp_path / "file", loop, lambda spool: spool.write(data))
    assert kept == receiver.content == data
    assert receiver.pieces == (-(-size // PIECE) if size >= 2 * PIECE else 1)


Edit = tuple[str, int, bytes]
KINDS = st.sampled_from(["write", "seek", "end", "truncate", "read"])
EDITS = st.lists(st.tuples(KINDS, st.integers(0, 80), st.binary(max_size=40)), max_size=20)


@settings(max_examples=300)
@given(edits=EDITS)
def test_whatever_is_written_where_and_cut_off_arrives(
    tmp_path_factory: pytest.TempPathFactory, loop: asyncio.AbstractEventLoop, edits: list[Edit]
) -> None:
    model = io.BytesIO()

    def write(spool: Spool) -> None:
        for kind, number, data in edits:
            for stream in (spool, model):
                if kind == "write":
                    stream.write(data)
                elif kind == "seek":
                    stream.seek(number)
                elif kind == "end":
                    stream.seek(0, io.SEEK_END)
                elif kind == "truncate":
                    _truncate(stream, number)
            if kind == "read":
                assert spool.read(number) == model.read(number)

    kept, receiver = written(tmp_path_factory.mktemp("spool") / "file", loop, write)
    assert kept == receiver.content == model.getvalue()


def _truncate(stream: io.IOBase, size: int) -> None:
    """Cut off, or lengthen: the model of the library does not."""
    at = stream.seek(0, io.SEEK_CUR)
    end = stream.seek(0, io.SEEK_END)
    if size > end:
        stream.write(bytes(size - end))
    stream.truncate(size)
    stream.seek(at)


def test_what_was_sent_and_is_altered_is_sent_again_alone(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    receiver = Receiver()
    with Spool(tmp_path / "file", PIECE, lambda spool: Sending(loop, receiver.receive(spool))) as spool:
        spool.write(bytes(5 * PIECE))
        _until(lambda: receiver.pieces == 5)
        spool.seek(PIECE + 1)
        spool.write(b"altered")
        spool.end()
        assert spool.sending is not None
        spool.sending.finish()
    assert (bytes(receiver.content), receiver.pieces) == ((tmp_path / "file").read_bytes(), 6)


def test_a_file_that_is_given_up_is_cleared_away_before_the_block_ends(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    receiver = Receiver()

    def write(spool: Spool) -> None:
        spool.write(bytes(5 * PIECE))
        _until(lambda: receiver.pieces == 5)
        raise ZeroDivisionError

    spool = Spool(tmp_path / "file", PIECE, lambda spool: Sending(loop, receiver.receive(spool)))
    with pytest.raises(ZeroDivisionError), spool:
        write(spool)
    assert receiver.cleared
    with pytest.raises(GivenUpError):
        spool.take(0)


def test_what_goes_wrong_while_sending_is_told_at_the_end(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    async def fail(spool: Spool) -> None:
        await asyncio.to_thread(spool.take, 0)
        raise ConnectionError("the other end has left")

    with Spool(tmp_path / "file", PIECE, lambda spool: Sending(loop, fail(spool))) as spool:
        spool.write(bytes(5 * PIECE))
        spool.write(b"more")
        spool.end()
        assert spool.sending is not None
        with pytest.raises(ConnectionError, match="has left"):
            spool.sending.finish()


def test_a_library_may_close_the_stream(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    def write(spool: Spool) -> None:
        spool.write(b"content")
        spool.close()

    assert written(tmp_path / "file", loop, write)[0] == b"content"


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")
