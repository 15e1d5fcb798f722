from __future__ import annotations

import dovetail_example_share
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-example-share"
    settings = {"share": {"path": "/mnt/share"}}


def test_the_store_is_announced() -> None:
    (flavor,) = dovetail_example_share.dovetail_artifact_stores()
    assert (flavor.name, flavor.contract) == ("share", 1)
