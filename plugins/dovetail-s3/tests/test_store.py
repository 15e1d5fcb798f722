"""Writing, reading, listing and deleting: how many requests, how much at a time, what two writers meet."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dovetail.plugin import ArtifactError, Reach
from dovetail.testing.fault_proxy import FaultProxy, Request
from dovetail_s3.store import S3ArtifactStore
from real_servers.s3 import S3Server

pytestmark = pytest.mark.emulated

MIB = 1 << 20
LARGE = 23 * MIB + 7


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(LARGE)


def test_a_small_file_costs_one_request_each_way(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    store.put("a/b", b"small")
    assert (proxy.count("PUT"), proxy.count()) == (1, 1)
    assert proxy.requests[0].headers["if-none-match"] == "*"
    proxy.mend()
    assert store.get("a/b") == b"small"
    assert proxy.count() == 1
    proxy.mend()
    assert store.size("a/b") == len(b"small")
    assert (proxy.count("HEAD"), proxy.count()) == (1, 1)


def test_a_large_file_goes_up_in_parts_side_by_side_on_a_condition(
    store: S3ArtifactStore, proxy: FaultProxy, content: bytes
) -> None:
    with store.create("a/large") as stream:
        stream.write(content)
    assert proxy.count("PUT", "partNumber=") == 5
    assert proxy.busiest > 1
    (completed,) = [each for each in proxy.requests if each.method == "POST" and "uploadId" in each.target]
    assert completed.headers["if-none-match"] == "*"


def test_a_large_file_comes_down_in_parts_side_by_side(
    store: S3ArtifactStore, proxy: FaultProxy, content: bytes
) -> None:
    store.put("a/large", content)
    proxy.mend()
    assert store.get("a/large") == content
    assert (proxy.count("GET"), proxy.count()) == (5, 5)
    assert proxy.busiest > 1
    assert all("if-match" in each.headers for each in proxy.requests[1:])


def test_a_place_in_a_large_file_costs_the_parts_that_hold_it(
    store: S3ArtifactStore, proxy: FaultProxy, content: bytes
) -> None:
    store.put("a/large", content)
    proxy.mend()
    with store.open("a/large") as stream:
        assert stream.seek(-10, os.SEEK_END) == LARGE - 10
        assert stream.read() == content[-10:]
        stream.seek(11 * MIB)
        assert stream.read(3 * MIB) == content[11 * MIB : 14 * MIB]
        assert stream.seek(LARGE + 5) == stream.tell()
        assert stream.read(5) == b""
    assert proxy.count("GET") == 1 + 1 + 1


def test_a_replaced_file_is_never_read_as_a_mixture(store: S3ArtifactStore, content: bytes) -> None:
    store.put("a/large", content)
    with store.open("a/large") as stream:
        stream.read(10)
        store.delete("a/large")
        store.put("a/large", bytes(LARGE))
        with pytest.raises(ArtifactError, match=r"'a/large'.*was replaced while it was read"):
            stream.read()


def test_two_large_files_for_one_path_one_is_refused_and_nothing_of_it_stays(
    store: S3ArtifactStore, content: bytes
) -> None:
    def write(last: bytes) -> bool:
        try:
            store.put("a/large", content + last)
        except ArtifactError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(write, (b"x", b"y"))) == [False, True]
    assert "Upload" not in store._request("list_multipart_uploads")


def test_without_conditions_a_taken_path_is_refused_by_a_look(
    made: Callable[..., S3ArtifactStore], bucket: str, proxy: FaultProxy
) -> None:
    store = made(conditional_writes=False, url=f"s3://{bucket}")
    assert not store.exclusive_create
    store.put("a/b", b"first")
    with pytest.raises(ArtifactError, match="a/b"):
        store.put("a/b", b"second")
    assert store.get("a/b") == b"first"
    assert list(store.entries()) == [("a/b", 5)]
    assert not any("if-none-match" in each.headers for each in proxy.requests)


def test_3000_files_are_listed_page_by_page_and_deleted_in_batches(
    made: Callable[..., S3ArtifactStore], s3: S3Server, proxy: FaultProxy
) -> None:
    store, nearer = made(), made(endpoint_url=s3.url)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: nearer.put(f"artifacts/{number:04}/x", b"1"), range(3000)))
    listing = store.entries("artifacts")
    requests = {proxy.count() for _ in zip(range(1000), listing, strict=False)}
    assert requests == {1}  # no page is fetched before it is needed: at most 1,000 entries are held
    assert sum(1 for _ in listing) == 2000
    assert proxy.count() == 3
    proxy.mend()
    store.delete("artifacts")
    assert (proxy.count("GET"), proxy.count("POST", "delete"), proxy.count()) == (3, 4, 7)
    assert list(store.entries()) == []


def test_what_others_put_there_is_no_file_of_the_store(store: S3ArtifactStore) -> None:
    store.put("a/b", b"1")
    for key in ("team/", "team/a/", "team/.hidden", "team/a//b", "teammate/x", "other"):
        store._request("put_object", Key=key, Body=b"")
    assert list(store.entries()) == list(store.entries("a")) == [("a/b", 1)]


def test_abandoned_uploads_are_dropped_and_those_of_today_are_not(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    upload = store._request("create_multipart_upload", Key="team/a/b")["UploadId"]
    listed = """<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>
      <Upload><Key>team/a/new</Key><UploadId>new</UploadId><Initiated>2999-01-01T00:00:00Z</Initiated></Upload>
      <Upload><Key>team/a/b</Key><UploadId>{}</UploadId><Initiated>2020-01-01T00:00:00Z</Initiated></Upload>
    </ListMultipartUploadsResult>"""
    proxy.answer(200, body=listed.format(upload).encode(), when=lambda each: "uploads" in each.target)
    assert store.sweep() == 1
    assert [each.target for each in proxy.requests if each.method == "DELETE"] == [
        f"/{store.config.bucket}/team/a/b?uploadId={upload}"
    ]


def test_a_key_without_the_right_to_list_uploads_sweeps_nothing(
    store: S3ArtifactStore, proxy: FaultProxy
) -> None:
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    proxy.answer(403, body=denied, when=lambda each: "uploads" in each.target)
    assert store.sweep() == 0


def test_objects_that_stay_are_told(store: S3ArtifactStore, proxy: FaultProxy) -> None:
    store.put("a/b", b"1")
    locked = b"<DeleteResult><Error><Key>team/a/b</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    proxy.answer(200, body=locked, when=lambda each: each.method == "POST")
    with pytest.raises(Exception, match=r"could not be deleted.*team/a/b.*AccessDenied"):
        store.delete("a/b")


def skewed(store: S3ArtifactStore, proxy: FaultProxy, year: int) -> int:
    def rewritten(name: str) -> str:
        return f"Fri, 01 Jan {year} 00:00:00 GMT"

    proxy.rewritten = {name: rewritten(name) for name in ("Date", "Last-Modified")}
    state = store.state("a/b")
    assert state is not None
    assert state.changed is not None
    return state.changed


@pytest.mark.parametrize("year", [2010, 2038])
def test_a_service_with_another_clock_dates_changes_by_ours(
    store: S3ArtifactStore, proxy: FaultProxy, year: int
) -> None:
    store.put("a/b", b"1")
    first = store.state("a/b")
    assert first is not None
    assert first.changed is not None
    assert abs(skewed(store, proxy, year) - first.changed) < 60_000_000


def test_artifacts_are_reached_from_anywhere_and_lie_nowhere(store: S3ArtifactStore) -> None:
    store.put("a/b", b"1")
    assert store.reach is Reach.NETWORK
    assert store.local_path("a/b") is None
    assert store.log_directory("a") is None


def test_encryption_is_asked_for_with_every_object(
    made: Callable[..., S3ArtifactStore], proxy: FaultProxy, content: bytes
) -> None:
    store = made(encryption="aws:kms", kms_key_id="key-1")
    store.put("a/small", b"1")
    store.put("a/large", content)

    def begins(each: Request) -> bool:
        return (each.method == "PUT" and "partNumber" not in each.target) or each.target.endswith("uploads")

    asked = [each.headers for each in proxy.requests if begins(each)]
    assert len(asked) == 2
    assert {each["x-amz-server-side-encryption-aws-kms-key-id"] for each in asked} == {"key-1"}


def test_a_library_that_writes_by_path_is_taken_in(store: S3ArtifactStore, content: bytes) -> None:
    with store.staging() as directory:
        file = Path(directory) / "model"
        file.write_bytes(content)
        store.take("a/model", file)
    assert store.size("a/model") == LARGE
