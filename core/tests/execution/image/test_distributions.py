"""What goes into an image of the distributions that are installed here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dovetail.errors import IntegrationError, NotFoundError, UsageError
from dovetail.execution.image.distributions import Locked, locked
from dovetail.testing.site import Site


def test_what_a_distribution_needs_comes_along_and_its_extras_when_asked_for(site: Site) -> None:
    site.wheel(
        "top", requires=["middle", 'extra-one; extra == "More_Things"', 'no-such; sys_platform == "x"']
    )
    site.wheel("middle", requires=["top", "bottom>=1"])  # a circle
    site.wheel("bottom", version="2.0")
    site.wheel("extra-one", requires=["top[more-things]"])
    assert [each.line for each in locked(["top"])] == ["bottom==2.0", "middle==1.0", "top==1.0"]
    assert "extra-one==1.0" in [each.line for each in locked(["Top[more.things]"])]


def test_what_is_not_here_does_not_go_into_an_image(site: Site) -> None:
    site.wheel("top", requires=["no-such-thing"])
    with pytest.raises(IntegrationError, match="'top' requires 'no-such-thing'"):
        locked(["top"])
    with pytest.raises(NotFoundError, match="'no-such-thing' is not installed here"):
        locked(["no-such-thing"])
    for text in ("numpy==1", "numpy>1", "-r file", "", "./x"):
        with pytest.raises(UsageError, match="no name of a distribution"):
            locked([text])


@pytest.mark.parametrize(
    ("document", "origin"),
    [
        (None, "top==1.0"),
        ({"url": "https://h/top.whl", "archive_info": {}}, "top @ https://h/top.whl"),
        (
            {"url": "https://h/r", "vcs_info": {"vcs": "git", "commit_id": "abc"}, "subdirectory": "x"},
            "top @ git+https://h/r@abc#subdirectory=x",
        ),
        ({"url": "file:///", "dir_info": {}}, "/"),
    ],
)
def test_a_distribution_is_installed_from_where_it_came(
    site: Site, document: dict[str, Any] | None, origin: str
) -> None:
    site.wheel("top")
    if document is not None:
        (site.folder / "top-1.0.dist-info/direct_url.json").write_text(json.dumps(document))
    assert locked(["top"]) == [Locked("top", "1.0", origin)]


def test_a_wheel_that_is_gone_is_taken_from_a_folder_or_refused(site: Site, tmp_path: Path) -> None:
    site.wheel("the-top")
    gone = json.dumps({"url": (tmp_path / "gone.whl").as_uri()})
    (site.folder / "the_top-1.0.dist-info/direct_url.json").write_text(gone)
    with pytest.raises(IntegrationError, match="not there any more"):
        locked(["the-top"])
    built = site.build("the-top", tmp_path / "built")
    assert locked(["the-top"], tmp_path / "built") == [Locked("the-top", "1.0", str(built))]


def test_a_damaged_origin_is_no_index(site: Site) -> None:
    site.wheel("top")
    (site.folder / "top-1.0.dist-info/direct_url.json").write_text("{")
    with pytest.raises(IntegrationError, match="where 'top' came from is damaged"):
        locked(["top"])
