from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dovetail.builtin.local_orchestrator import LocalOrchestrator, LocalOrchestratorConfig
from dovetail.components.orchestrator import Orchestrator
from dovetail.testing.orchestrator import OrchestratorContract


class TestLocalOrchestrator(OrchestratorContract):
    @pytest.fixture
    def orchestrator(self, tmp_path: Path) -> Orchestrator:
        return LocalOrchestrator("mine", LocalOrchestratorConfig(), home=tmp_path)


@pytest.mark.parametrize(("running", "waited"), [(1, 0.0), (2, 5.0)])
def test_a_step_that_is_due_for_its_retry_is_waited_for_only_while_a_place_is_free(
    tmp_path: Path, running: int, waited: float
) -> None:
    orchestrator = LocalOrchestrator("mine", LocalOrchestratorConfig(), home=tmp_path)
    steps: Any = SimpleNamespace(max_workers=2, in_process=False, next_due=lambda: 0.0)
    orchestrator.submit("r", steps)
    orchestrator._running = [SimpleNamespace()] * running
    assert orchestrator._patience(5.0) == waited
