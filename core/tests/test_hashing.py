from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from dovetail.hashing import Hasher, canonical_json, digest_bytes, digest_stream, digest_value, encode

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
hashables = st.recursive(scalars, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(hashables, inner) | st.sets(hashables),
    max_leaves=15,
)


def spelled(value: Any) -> str:
    """Return a text that tells values apart where Python's == does not: 1, 1.0 and True."""
    kind = type(value).__name__.removeprefix("frozen")
    if isinstance(value, float):
        return f"float {'nan' if math.isnan(value) else value.hex()}"
    if isinstance(value, dict):
        return f"dict {sorted(f'{spelled(key)}: {spelled(each)}' for key, each in value.items())}"
    if isinstance(value, set | frozenset):
        return f"set {sorted(map(spelled, value))}"
    if isinstance(value, list | tuple):
        return f"{kind} {list(map(spelled, value))}"
    return f"{kind} {value!r}"


@given(values, values)
def test_different_values_have_different_encodings(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) is (spelled(one) == spelled(other))


@given(st.lists(values, max_size=4), st.lists(values, max_size=4))
def test_what_is_inside_a_container_is_not_confused_with_what_is_beside(
    one: list[Any], other: list[Any]
) -> None:
    joined = [b"".join(map(encode, each)) for each in (one, other)]
    assert (joined[0] == joined[1]) is (spelled(one) == spelled(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({1: 2}, {"1": 2}), ({1: 2}, {1: "2"}), ({1: 2}, {1: 2.0}), ({1: 2}, {True: 2}), ((), []),
        ([1, [2]], [[1], 2]), ([""], []), ("", b""), (None, 0), (0, False), (0.0, -0.0), (0, 0.0),
        ({"a": {"b": 1}}, {"a": {}, "b": 1}), ({1, 2}, frozenset({12})), ({}, set()), ("1", 1),
        ([None], [[]]), (["ab"], ["a", "b"]), ("\ud800", "\udc00"),
    ],
)  # fmt: skip
def test_pairs_that_are_easily_confused_differ(one: Any, other: Any) -> None:
    assert digest_value(one) != digest_value(other)


def test_numbers_longer_than_python_prints_have_digests() -> None:
    assert digest_value(10**5000) != digest_value(10**5000 + 1)
    assert digest_value(-(10**5000)) != digest_value(10**5000)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, OrderedDict(a=1)),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({3, 1, 2}, {2, 3, 1}),
        ({1, 2}, frozenset({1, 2})),
        (math.nan, -math.nan),
    ],
)
def test_order_of_keys_and_kind_of_mapping_do_not_matter(one: Any, other: Any) -> None:
    assert digest_value(one) == digest_value(other)


@pytest.mark.parametrize("value", [object(), [object()], {"a": {1: object}}, bytearray(b"x"), 1j, range(3)])
def test_a_value_without_an_encoding_is_refused_and_named(value: object) -> None:
    with pytest.raises(TypeError, match=r"no canonical encoding for builtins\.\w+"):
        digest_value(value)


def test_subclasses_are_refused_since_they_may_mean_something_else() -> None:
    class Celsius(float):
        pass

    with pytest.raises(TypeError, match="Celsius"):
        digest_value(Celsius(3.0))


CHILD = """
from dovetail.hashing import digest_value
names = {f"key {n}" for n in range(50)}
value = {"set": names, "of": {frozenset({"a", "b", n}): {n: "x"} for n in range(9)}, 1: dict.fromkeys(names)}
print(digest_value(value))
"""


def test_digests_are_equal_under_every_hash_seed() -> None:
    def digest(seed: int) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        return subprocess.run(
            [sys.executable, "-c", CHILD], env=environment, capture_output=True, text=True, check=True
        ).stdout

    digests = {digest(seed) for seed in range(8)}
    assert len(digests) == 1
    assert digests.pop().startswith("blake3:")


def test_the_encoding_is_the_one_that_was_always_used() -> None:
    # A change here makes every cache miss, and needs a new tag.
    assert digest_value({"a": [1, 2.5, None, True, b"x", (1,), {1, 2}]}) == (
        "blake3:d93f8089b1074a6083c21f8a54f5cb869a2b6a47dbe3f1314af69f0a9cfc77d2"
    )


@given(st.lists(st.binary(max_size=2000), max_size=10))
def test_pieces_streams_and_wholes_have_one_digest(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    hasher = Hasher()
    for piece in pieces:
        hasher.update(memoryview(piece))
    assert hasher.digest() == digest_bytes(whole) == f"blake3:{blake3(whole).hexdigest()}"
    assert digest_stream(io.BytesIO(whole)) == (digest_bytes(whole), len(whole))
    assert hasher.size == len(whole)


def test_a_stream_longer_than_the_buffer_is_read_to_its_end() -> None:
    content = os.urandom(3_000_001)
    assert digest_stream(io.BytesIO(content)) == (digest_bytes(content), len(content))


def test_sizes_count_bytes_of_any_buffer() -> None:
    hasher = Hasher()
    hasher.update(memoryview(bytes(80)).cast("d"))
    hasher.update(memoryview(b"").cast("d"))
    assert hasher.size == 80
    assert hasher.digest() == digest_bytes(bytes(80))


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**63), 2**63)))
def test_canonical_json_does_not_depend_on_the_order_of_keys(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))
    try:
        assert canonical_json(document) == canonical_json(turned)
    except UnicodeEncodeError:
        assert any("\ud800" <= letter <= "\udfff" for key in document for letter in key)


@pytest.mark.parametrize("document", [math.nan, [math.inf], {"a": object()}, {"a": {1, 2}}])
def test_canonical_json_refuses_what_json_cannot_say(document: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        canonical_json(document)
