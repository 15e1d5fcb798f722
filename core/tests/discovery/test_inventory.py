from __future__ import annotations

from typing import Any

import pytest

from dovetail.discovery.inventory import announced, normalized


def test_the_core_announces_itself_like_everybody() -> None:
    found = [each for each in announced() if each.wheel == "dovetail"]
    assert [(each.name, each.module) for each in found] == [("builtin", "dovetail.builtin")]


def test_a_wheel_is_found_with_what_it_says_of_itself(site: Any) -> None:
    site.wheel("Dovetail_Shelf", module="dovetail_shelf", version="2.5", integration="shelf")
    (found,) = announced([str(site.folder)])
    assert (found.name, found.wheel, found.version, found.summary) == (
        "shelf",
        "dovetail-shelf",
        "2.5",
        "made up",
    )
    assert not found.editable


def test_a_wheel_that_says_nothing_of_itself_is_found(site: Any) -> None:
    site.wheel("dovetail-shelf", version="1.0")
    metadata = site.folder / "dovetail_shelf-1.0.dist-info" / "METADATA"
    lines = metadata.read_text().splitlines()
    metadata.write_text("\n".join(each for each in lines if not each.startswith("Summary")) + "\n")
    assert [(each.wheel, each.summary) for each in announced([str(site.folder)])] == [("dovetail-shelf", "")]


def test_an_editable_wheel_says_so(site: Any) -> None:
    site.wheel("dovetail-shelf", editable=True)
    assert announced([str(site.folder)])[0].editable


def test_of_a_wheel_installed_twice_the_first_counts(site: Any) -> None:
    site.wheel("dovetail-shelf", version="1.0")
    first = site.folder / "first"
    (site.folder / "dovetail_shelf-1.0.dist-info").rename(
        first.mkdir() or first / "dovetail_shelf-1.0.dist-info"
    )
    site.wheel("dovetail-shelf", version="2.0")
    assert [each.version for each in announced([str(first), str(site.folder)])] == ["1.0"]


@pytest.mark.parametrize("value", ["no module", "3", "a:b:c", "a-b", "../x"])
def test_an_entry_point_that_names_no_module_is_kept_with_its_fault(site: Any, value: str) -> None:
    site.wheel("dovetail-shelf", value=value)
    assert "names no module" in announced([str(site.folder)])[0].fault


def test_a_damaged_installation_of_something_else_harms_nothing(site: Any) -> None:
    site.wheel("dovetail-shelf")
    (site.folder / "other-1.0.dist-info").mkdir()
    (site.folder / "other-1.0.dist-info" / "entry_points.txt").write_bytes(b"\xff\xfe[dovetail.integrations")
    assert [each.name for each in announced([str(site.folder)])] == ["shelf"]


@pytest.mark.parametrize("name", ["Dovetail.S3", "dovetail__s3", "DOVETAIL-_.s3"])
def test_a_wheel_has_one_normalized_name(name: str) -> None:
    assert normalized(name) == "dovetail-s3"
