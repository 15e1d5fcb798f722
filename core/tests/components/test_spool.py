from __future__ import annotations

import asyncio
import io
import resource
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dovetail.components.spool import GivenUpError, Sending, Spool
from dovetail.errors import StoreError

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


def test_who_waits_for_a_file_that_is_given_up_is_told(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    told: list[BaseException] = []

    async def wait(spool: Spool) -> None:
        try:
            await spool.ended()
        except (GivenUpError, asyncio.CancelledError) as error:
            told.append(error)
            raise

    spool = Spool(tmp_path / "file", PIECE, lambda spool: Sending(loop, wait(spool)))
    with pytest.raises(ZeroDivisionError), spool:
        fail(spool)
    assert len(told) == 1


def fail(spool: Spool) -> None:
    spool.write(bytes(5 * PIECE))
    raise ZeroDivisionError


def test_pieces_are_sent_as_they_come_and_no_thread_waits_for_them(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    receivers = [Receiver() for _ in range(40)]
    threads = threading.active_count()
    with ExitStack() as stack:
        spools = [
            stack.enter_context(
                Spool(tmp_path / str(number), PIECE, lambda spool, to=each: Sending(loop, to.receive(spool)))
            )
            for number, each in enumerate(receivers)
        ]
        for count in range(2, 6):
            for spool in spools:
                spool.write(bytes(PIECE if count > 2 else 2 * PIECE))
            _until(lambda: all(each.pieces == count for each in receivers))  # noqa: B023 - called at once
        assert threading.active_count() == threads
        for spool in reversed(spools):
            spool.end()
            assert spool.sending is not None
            spool.sending.finish()
    assert {bytes(each.content) for each in receivers} == {bytes(5 * PIECE)}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing lists descriptors here")
def test_no_descriptor_stays_open(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    written(tmp_path / "one", loop, lambda spool: spool.write(bytes(5 * PIECE)))
    with pytest.raises(ZeroDivisionError):
        written(tmp_path / "two", loop, lambda _: 1 / 0)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_place_that_is_full_is_told_and_nobody_goes_on_sending(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    receiver = Receiver()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool = Spool(tmp_path / "file", PIECE, lambda spool: Sending(loop, receiver.receive(spool)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 * PIECE + 4, hard))
    try:
        with pytest.raises(StoreError, match=r"on its way to the artifact store.*large") as caught, spool:
            deque(map(spool.write, [bytes(7)] * 10))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "TMPDIR" in (caught.value.hint or "")
    assert receiver.cleared


def test_what_goes_wrong_while_sending_is_told_at_the_end(
    tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    async def fail(spool: Spool) -> None:
        async for _ in spool.pieces():
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
