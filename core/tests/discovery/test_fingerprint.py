from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.discovery.fingerprint import stamp, take


def test_nothing_installed_nothing_changed(site: Any) -> None:
    site.wheel("dovetail-shelf")
    assert take() == take()


def test_a_wheel_more_or_less_is_seen(site: Any) -> None:
    before = take()[1]
    site.wheel("dovetail-shelf")
    assert take()[1] != before
    site.remove("dovetail-shelf")
    assert take()[1] == before


def test_another_version_and_other_entry_points_are_seen(site: Any) -> None:
    seen = []
    for version, integration in (("1.0", "shelf"), ("1.1", "shelf"), ("1.1", "bookshelf")):
        site.wheel("dovetail-shelf", version=version, integration=integration)
        seen.append("\n".join(take()[1]))
    assert len(set(seen)) == 3


def test_a_folder_without_distributions_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "steps.py").touch()
    assert take([str(tmp_path / "mine")]) == take([])


def test_other_places_have_another_name(site: Any) -> None:
    site.wheel("dovetail-shelf")
    assert take([str(site.folder)])[0] != take([])[0]


def test_an_archive_on_the_path_counts_by_its_stamp(tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    archive.write_bytes(b"1")
    before = take([str(archive)])[1]
    archive.write_bytes(b"12")
    assert take([str(archive)])[1] != before


@pytest.mark.parametrize("path", ["gone", "gone/deeper"])
def test_what_is_not_there_has_no_stamp(path: str) -> None:
    assert stamp(path) == "-"
    assert take([path]) == take([])
