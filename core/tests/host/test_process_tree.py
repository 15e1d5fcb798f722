"""Who a process started, and who carries a mark."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dovetail.host import process_tree
from dovetail.host.memory_kills import memory_kills
from dovetail.host.process_tree import carriers, carries, children, descendants, is_service


@pytest.fixture
def family(until: Callable[..., Any]) -> Iterator[subprocess.Popen[bytes]]:
    """A shell with a child that has a child, which is marked as a service."""
    script = "env DOVETAIL_SERVICE=1 FAMILY=yes sh -c 'sleep 300 & wait' & sleep 300 & wait"
    process = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    until(lambda: len(children(process.pid)) == 2, 10)
    until(lambda: any(carries(each, "FAMILY=yes") and children(each) for each in children(process.pid)), 10)
    yield process
    os.killpg(process.pid, 9)
    process.wait()


def test_children_are_found(family: subprocess.Popen[bytes]) -> None:
    assert family.pid in children(os.getpid())
    assert children(2**22 + 1) == []


def test_children_are_found_where_the_kernel_does_not_list_them(
    family: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = children(family.pid)
    monkeypatch.setattr(process_tree, "_lists_children", lambda: False)
    assert sorted(children(family.pid)) == sorted(listed)


def test_services_and_what_they_started_are_left_out(family: subprocess.Popen[bytes]) -> None:
    found = descendants([family.pid])
    assert family.pid in found
    assert len(found) == 2
    assert not any(map(is_service, found))


def test_a_mark_is_a_whole_entry_of_the_environment(family: subprocess.Popen[bytes]) -> None:
    service = next(each for each in children(family.pid) if is_service(each))
    assert service in carriers("FAMILY=yes")
    assert not carries(service, "AMILY=yes")


def test_the_count_of_memory_kills_is_a_number_where_the_system_tells() -> None:
    count = memory_kills()
    assert count is None or count >= 0
