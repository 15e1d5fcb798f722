"""Messages and descriptors arrive whole and in order, however the socket cuts them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from dovetail.execution.processes.channel import Channel, lift


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = (Channel(each) for each in socket.socketpair())
    yield one, other
    one.close()
    other.close()


def test_messages_arrive_in_order(ends: tuple[Channel, Channel]) -> None:
    for number in range(10):
        ends[0].send({"number": number, "text": "line\nbreak \udc80"})
    assert [each["number"] for each in ends[1].receive()] == list(range(10))


def test_what_the_other_end_does_not_take_yet_waits(ends: tuple[Channel, Channel]) -> None:
    sent = [{"number": number, "text": "x" * 100_000} for number in range(20)]
    for each in sent:
        ends[0].send(each)
    assert ends[0].pending
    received = []
    while len(received) < len(sent):
        received += ends[1].receive()
        ends[0].flush()
    assert received == sent
    assert not ends[0].pending


def test_descriptors_arrive_with_their_messages_and_are_closed_here(ends: tuple[Channel, Channel]) -> None:
    pipes = [os.pipe() for _ in range(30)]
    for number, (reading, _) in enumerate(pipes):
        ends[0].send({"number": number}, (reading,))
    messages = ends[1].receive()
    for number, (reading, writing) in enumerate(pipes):
        os.write(writing, str(number).encode())
        os.close(writing)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(reading) if reading not in ends[1].descriptors else os.fstat(-1)
    assert len(messages) == len(ends[1].descriptors) == 30
    assert [os.read(each, 9) for each in ends[1].descriptors] == [
        str(number).encode() for number in range(30)
    ]


def test_the_end_of_the_other_side_is_seen_and_sending_then_does_nothing(
    ends: tuple[Channel, Channel],
) -> None:
    ends[1].send({"last": True})
    ends[1].close()
    assert ends[0].receive() == [{"last": True}]
    ends[0].receive()
    assert ends[0].closed
    reading, writing = os.pipe()
    ends[0].send({"to": "nobody"}, (reading,))
    ends[0].send({"to": "nobody"})
    assert not ends[0].pending
    os.close(writing)


def test_a_descriptor_is_lifted_above_the_standard_streams() -> None:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    assert lift(descriptor) == descriptor
    os.close(descriptor)
