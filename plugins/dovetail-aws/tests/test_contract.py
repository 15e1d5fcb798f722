from __future__ import annotations

from collections.abc import Callable

import pytest

from dovetail.plugin import SecretsManager
from dovetail.testing.secrets_manager import SecretsManagerContract
from dovetail_aws.manager import AwsSecretsManager

pytestmark = pytest.mark.emulated


class TestWithARecoveryWindow(SecretsManagerContract):
    """All numbered behaviours of secrets managers, where AWS keeps what is deleted for a while."""

    @pytest.fixture
    def manager(self, made: Callable[..., AwsSecretsManager]) -> SecretsManager:
        return made()


class TestDeletingForGood(SecretsManagerContract):
    """The same, where what is deleted is gone."""

    @pytest.fixture
    def manager(self, made: Callable[..., AwsSecretsManager]) -> SecretsManager:
        return made(recovery_window=0)
