from __future__ import annotations

import dovetail_tensorboard
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-tensorboard"


def test_the_tracker_is_announced() -> None:
    (flavor,) = dovetail_tensorboard.dovetail_experiment_trackers()
    assert (flavor.name, flavor.contract) == ("tensorboard", 1)
