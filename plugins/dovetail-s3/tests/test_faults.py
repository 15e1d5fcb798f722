"""A service that is busy, goes away, forgets to answer: what is tried again, and what is never done twice."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from dovetail.plugin import ArtifactError, StoreError
from dovetail.testing.fault_proxy import FaultProxy, Request
from dovetail_s3.store import S3ArtifactStore
from real_servers.s3 import S3Server

pytestmark = pytest.mark.emulated

LARGE = (12 << 20) + 3
BUSY = {
    "slow down": (503, b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"),
    "no word": (503, b""),
    "internal": (500, b"<Error><Code>InternalError</Code></Error>"),
    "too many": (429, b"<Error><Code>TooManyRequests</Code></Error>"),
    "too many, no word": (429, b""),
}


def method(*names: str) -> Callable[[Request], bool]:
    return lambda request: request.method in names


@pytest.mark.parametrize("answer", BUSY)
def test_a_busy_service_is_asked_again(store: S3ArtifactStore, proxy: FaultProxy, answer: str) -> None:
    status, body = BUSY[answer]
    fault = proxy.answer(status, body=body, times=2, when=method("PUT"))
    store.put("a/b", b"1")
    assert (fault.happened, proxy.count("PUT")) == (2, 3)
    proxy.answer(status, body=body, when=method("GET"))
    assert store.get("a/b") == b"1"
    assert proxy.count("GET") == 2


@pytest.mark.parametrize("answer", ["slow down", "too many"])
def test_a_service_that_stays_busy_is_told_after_all_attempts(
    made: Callable[..., S3ArtifactStore], proxy: FaultProxy, answer: str
) -> None:
    status, body = BUSY[answer]
    proxy.answer(status, body=body, times=100)
    with pytest.raises(
        StoreError, match=r"'a/b': cannot write 1 bytes: the service is busy.*try 3"
    ) as caught:
        made(attempts=3).put("a/b", b"1")
    assert "'attempts'" in str(caught.value.hint)
    assert proxy.count() == 3


def test_parts_of_large_files_are_tried_again_one_by_one(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    content = os.urandom(LARGE)
    up = proxy.cut(when=lambda each: "partNumber=2" in each.target)
    store.put("a/large", content)
    assert (up.happened, proxy.count("PUT")) == (1, 4)
    down = proxy.cut(sent=1000, times=2, when=lambda each: each.headers.get("if-match") is not None)
    assert store.get("a/large") == content
    assert (down.happened, proxy.count("GET")) == (2, 5)


def test_a_connection_that_breaks_in_an_answer_is_made_again(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    store.put("a/b", b"content")
    fault = proxy.cut(sent=3, when=method("GET"))
    assert store.get("a/b") == b"content"
    assert fault.happened == 1


def test_a_write_whose_answer_is_lost_is_known_as_its_own(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    proxy.cut(sent=0, when=method("PUT"))
    store.put("a/b", b"mine")
    assert proxy.count("PUT") == 2  # the second is refused: there is an object
    assert store.get("a/b") == b"mine"


def test_a_large_write_whose_last_answer_is_lost_is_known_as_its_own(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    content = os.urandom(LARGE)
    gone = b"<Error><Code>NoSuchUpload</Code></Error>"
    proxy.cut(sent=0, when=lambda each: each.method == "POST" and "uploadId" in each.target)
    proxy.answer(404, body=gone, when=lambda each: each.method == "POST" and "uploadId" in each.target)
    proxy.answer(404, body=gone, when=method("DELETE"))
    store.put("a/large", content)
    assert store.get("a/large") == content


def test_the_work_of_another_is_not_taken_for_ones_own(
    store: S3ArtifactStore, proxy: FaultProxy, made: Callable[..., S3ArtifactStore], s3: S3Server
) -> None:
    made(endpoint_url=s3.url).put("a/b", b"other")
    proxy.cut(when=method("PUT"))
    with pytest.raises(ArtifactError, match="exists already"):
        store.put("a/b", b"mine")
    assert store.get("a/b") == b"other"


def test_a_write_that_meets_another_that_is_under_way_is_tried_again(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    conflict = b"<Error><Code>ConditionalRequestConflict</Code></Error>"
    fault = proxy.answer(409, body=conflict, times=2, when=method("PUT"))
    store.put("a/b", b"1")
    assert fault.happened == 2
    assert store.get("a/b") == b"1"


def test_a_large_file_that_cannot_be_sent_leaves_no_parts(
    made: Callable[..., S3ArtifactStore], proxy: FaultProxy
) -> None:
    store = made(attempts=2)
    proxy.answer(500, times=9, when=lambda each: "partNumber=2" in each.target)
    with pytest.raises(StoreError, match="a/large"):
        store.put("a/large", os.urandom(LARGE))
    assert proxy.count("DELETE", "uploadId=") == 1
    assert list(store.entries()) == []


def test_a_reader_whose_service_goes_away_is_told_the_file(
    made: Callable[..., S3ArtifactStore], proxy: FaultProxy
) -> None:
    store = made(attempts=1)
    store.put("a/large", os.urandom(LARGE))
    with store.open("a/large") as stream:
        proxy.cut(times=99)
        with pytest.raises(StoreError, match=r"'a/large': cannot read it"):
            stream.read()


def test_a_listing_goes_on_after_a_busy_answer(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    store.put("a/b", b"1")
    proxy.answer(503, times=2, when=method("GET"))
    assert list(store.entries()) == [("a/b", 1)]
