from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dovetail.components.artifact_store import ArtifactStore
from dovetail.records.artifact import ArtifactRecord


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=[])))
def test_text_comes_back_letter_by_letter(
    keep: Callable[..., ArtifactRecord], read: Callable[..., Any], text: str
) -> None:
    record = keep(text, str)
    assert read(record, str) == text
    assert record.summary == {"characters": len(text)}


@pytest.mark.parametrize("value", [b"", b"\0\xff", bytearray(b"x"), bytearray(), bytes(1 << 21)])
def test_bytes_come_back_as_the_kind_they_were(
    keep: Callable[..., ArtifactRecord], read: Callable[..., Any], value: bytes | bytearray
) -> None:
    record = keep(value, type(value))
    back = read(record)
    assert back == value
    assert type(back) is type(value)
    assert record.size == len(value)


def test_text_is_a_file_that_people_can_read(
    keep: Callable[..., ArtifactRecord], store: ArtifactStore
) -> None:
    record = keep("Zoë\r\n", str)
    assert store.get(f"{record.stored}/value.txt") == "Zoë\r\n".encode()
