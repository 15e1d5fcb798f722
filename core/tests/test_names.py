"""What may be a name, and what is said of one that may not."""

from __future__ import annotations

import pytest

from dovetail.errors import IllegalNameError
from dovetail.names import check_name


@pytest.mark.parametrize("name", ["", "../x", "a b", "a\n", "-x", ".x", "x.", "x" * 101, "é", None, 3])
def test_what_paths_and_command_lines_could_trip_over_is_no_name(name: object) -> None:
    with pytest.raises(IllegalNameError) as caught:
        check_name("stack", name)
    assert caught.value.hint is not None


def test_a_refusal_reads_as_people_write() -> None:
    with pytest.raises(IllegalNameError, match="'a/b' cannot name an artifact store"):
        check_name("artifact_store", "a/b")


def test_a_device_of_windows_is_told_as_that() -> None:
    with pytest.raises(IllegalNameError) as caught:
        check_name("stack", "con")
    assert caught.value.hint == "Windows has a device of that name"
