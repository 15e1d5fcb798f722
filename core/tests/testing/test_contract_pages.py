"""The contracts on paper and the contracts as tests are one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dovetail.testing.artifact_store import ArtifactStoreContract
from dovetail.testing.container_registry import ContainerRegistryContract
from dovetail.testing.metadata_store import MetadataStoreContract
from dovetail.testing.orchestrator import OrchestratorContract
from dovetail.testing.packaging import PackagingContract
from dovetail.testing.secrets_manager import SecretsManagerContract
from dovetail.testing.server_database import ServerContract
from dovetail.testing.step_operator import StepOperatorContract
from dovetail.testing.visualizer import VisualizerContract


class _OnAServer(MetadataStoreContract, ServerContract):
    """The page has the numbers of both."""


PAGES = Path(__file__).parents[3] / "docs" / "contracts"
CONTRACTS = {
    "artifact-store": ArtifactStoreContract,
    "container-registry": ContainerRegistryContract,
    "metadata-store": _OnAServer,
    "orchestrator": OrchestratorContract,
    "packaging": PackagingContract,
    "secrets-manager": SecretsManagerContract,
    "step-operator": StepOperatorContract,
    "visualizer": VisualizerContract,
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_number_of_a_page_has_its_tests_and_no_other_is_there(name: str) -> None:
    if not PAGES.exists():
        pytest.skip("no documentation here; clone the repository")
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    written = [int(each) for each in re.findall(r"^(\d+)\. \*\*", text, re.MULTILINE)]
    tests = (re.match(r"test_(\d+)_", each) for each in dir(CONTRACTS[name]))
    tested = {int(match[1]) for match in tests if match}
    assert written == sorted(tested) == list(range(1, len(tested) + 1))
