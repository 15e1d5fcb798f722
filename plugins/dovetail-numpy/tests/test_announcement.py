from __future__ import annotations

import dovetail_numpy
from dovetail.testing.packaging import PackagingContract


class TestPackaging(PackagingContract):
    wheel = "dovetail-numpy"


def test_arrays_and_scalars_are_announced_by_their_public_names() -> None:
    found = {each.name: each.types for each in dovetail_numpy.dovetail_materializers()}
    assert found == {"array": ("numpy.ndarray",), "scalar": ("numpy.generic",)}
