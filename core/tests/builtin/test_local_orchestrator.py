from __future__ import annotations

from pathlib import Path

import pytest

from dovetail.builtin.local_orchestrator import LocalOrchestrator, LocalOrchestratorConfig
from dovetail.components.orchestrator import Orchestrator
from dovetail.testing.orchestrator import OrchestratorContract


class TestLocalOrchestrator(OrchestratorContract):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Orchestrator:
        return LocalOrchestrator("mine", LocalOrchestratorConfig(), home=tmp_path)
