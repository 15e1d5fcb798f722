from __future__ import annotations

from collections.abc import Callable

import pytest

from dovetail.plugin import ArtifactStore
from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail_s3.store import S3ArtifactStore

pytestmark = pytest.mark.emulated


class TestS3(ArtifactStoreContract):
    """All numbered behaviours of artifact stores."""

    @pytest.fixture
    def store(self, made: Callable[..., S3ArtifactStore]) -> ArtifactStore:
        return made()

    @pytest.fixture
    def broken(self, made: Callable[..., S3ArtifactStore]) -> ArtifactStore:
        return made(url="s3://no-such-bucket-anywhere", attempts=1)
