"""Large files are sent while they are being written; whatever their writer does, they are what he wrote."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from dovetail.plugin import ArtifactError, StoreError
from dovetail.testing.fault_proxy import FaultProxy, Request
from dovetail_s3 import writing
from dovetail_s3.store import S3ArtifactStore

pytestmark = pytest.mark.emulated

PART = 5 << 20
CONTENT = os.urandom(4 * PART + 7)
GONE = b"<Error><Code>NoSuchUpload</Code></Error>"
CONFLICT = b"<Error><Code>ConditionalRequestConflict</Code></Error>"


def completes(request: Request) -> bool:
    return request.method == "POST" and "uploadId" in request.target


def until(proxy: FaultProxy, parts: int) -> None:
    """Return when so many parts were asked to be taken."""
    deadline = time.monotonic() + 60
    while proxy.count("PUT", "partNumber=") < parts:
        assert time.monotonic() < deadline, "nothing is sent"
        time.sleep(0.01)


def uploads(store: S3ArtifactStore) -> object:
    return store._request("list_multipart_uploads").get("Uploads", [])


def test_parts_are_on_their_way_before_the_file_is_complete(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        until(proxy, 4)
        assert store.size("a/b") is None
    assert store.get("a/b") == CONTENT
    (completed,) = filter(completes, proxy.requests)
    assert completed.headers["if-none-match"] == "*"


def test_what_is_altered_after_it_was_sent_is_sent_again(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        until(proxy, 4)
        stream.seek(PART - 3)
        stream.write(b"altered")
        stream.seek(3 * PART)
        stream.truncate()
    assert store.get("a/b") == CONTENT[: PART - 3] + b"altered" + CONTENT[PART + 4 : 3 * PART]
    assert proxy.count("PUT", "partNumber=") == 4 + 2


def test_a_file_that_is_cut_off_altogether_is_an_empty_object(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    with store.create("a/b") as stream:
        stream.write(CONTENT)
        until(proxy, 4)
        stream.seek(0)
        stream.truncate()
    assert (store.get("a/b"), store.size("a/b")) == (b"", 0)


def test_what_is_given_up_leaves_no_parts(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    with pytest.raises(ZeroDivisionError), store.create("a/b") as stream:
        fail_in(stream.write, proxy)
    assert uploads(store) == []
    assert list(store.entries()) == []


def fail_in(write: Callable[[bytes], object], proxy: FaultProxy) -> None:
    write(CONTENT)
    until(proxy, 4)
    raise ZeroDivisionError


def test_a_taken_path_is_refused_at_the_end(store: S3ArtifactStore) -> None:
    store.put("a/b", b"1")
    with pytest.raises(ArtifactError, match="exists already"), store.create("a/b") as stream:
        stream.write(CONTENT)
    assert store.get("a/b") == b"1"
    assert uploads(store) == []


def test_a_part_that_is_never_taken_is_told_at_the_end(
    made: Callable[..., S3ArtifactStore], proxy: FaultProxy
) -> None:
    store = made(attempts=2)
    proxy.answer(500, times=9, when=lambda each: "partNumber=2" in each.target)
    with pytest.raises(StoreError, match="'a/b': cannot write"), store.create("a/b") as stream:
        stream.write(CONTENT)
    assert uploads(store) == []


def test_a_write_whose_last_answer_is_lost_is_known_as_its_own(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    proxy.cut(sent=0, when=completes)
    proxy.answer(404, body=GONE, when=completes)
    with store.create("a/b") as stream:
        stream.write(CONTENT)
    assert store.get("a/b") == CONTENT


def test_a_write_that_meets_another_that_is_under_way_is_sent_again(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    fault = proxy.answer(409, body=CONFLICT, when=completes)
    with store.create("a/b") as stream:
        stream.write(CONTENT)
    assert (fault.happened, store.get("a/b")) == (1, CONTENT)
    assert uploads(store) == []


def test_a_file_that_outgrows_its_parts_is_sent_anew_in_larger_ones(
    store: S3ArtifactStore, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MOST_PARTS", 3)
    with store.create("a/b") as stream:
        stream.write(CONTENT)
    assert store.get("a/b") == CONTENT
    assert uploads(store) == []
    assert len(list(filter(completes, proxy.requests))) == 1
