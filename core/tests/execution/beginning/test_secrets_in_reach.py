"""A step elsewhere whose secret cannot be looked up there is refused before the run, with what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dovetail.builtin.local_artifact_store import LocalArtifactStore
from dovetail.builtin.subprocess_step_operator import SubprocessStepOperator
from dovetail.components.component import Reach
from dovetail.errors import NotFoundError, PlanError
from dovetail.execution.beginning.secrets_in_reach import refuse_missing_secrets, refuse_unreachable_secrets
from dovetail.execution.beginning.served import refuse_unserved
from dovetail.records.plan import Plan, SourceRef, StepOptions, StepPlan
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.stacks.assemble import assemble
from dovetail.stacks.stack import LiveStack

REFERENCE = "{{ secret.db.password }}"


@pytest.fixture
def stack(home: Path, monkeypatch: pytest.MonkeyPatch) -> LiveStack:
    """A stack whose operator runs steps elsewhere, with the secrets of this machine."""
    monkeypatch.setattr(SubprocessStepOperator, "reach", Reach.NETWORK)
    monkeypatch.setattr(LocalArtifactStore, "reach", Reach.NETWORK)
    parts = {"orchestrator": "local", "artifact_store": "local", "step_operator": "subprocess"}
    components = {
        kind: ComponentRecord(type=kind, name=name, flavor=f"dovetail/{name}", config={})
        for kind, name in parts.items()
    }
    return assemble(StackRecord(name="far", components=components), home=home)


def plan(operator: bool | None, parameters: Any = None, **options: Any) -> Plan:
    source = SourceRef(module="m", qualname="q", path="run.py", digest="d")
    given = StepOptions(step_operator=operator or None, **options)
    return Plan(
        format=1,
        pipeline="p",
        steps=(StepPlan(name="work", source=source, parameters=parameters or {}, options=given),),
    )


VARIABLE = {"environment": {"variables": {"TOKEN": REFERENCE}}}


@pytest.mark.parametrize(
    ("asking", "made"),
    [
        ("a parameter", plan(operator=True, parameters={"settings": {"password": REFERENCE}})),
        ("a variable", plan(operator=True, **VARIABLE)),
    ],
)
def test_a_step_that_asks_elsewhere_is_refused(stack: LiveStack, asking: str, made: Plan) -> None:
    with pytest.raises(PlanError, match=f"where {asking} asks for a secret") as raised:
        refuse_unserved(made, stack)
    assert "secrets manager 'local' can be used only on this machine" in str(raised.value)
    assert "`dovetail stack update far --secrets-manager NAME`" in str(raised.value.hint)


def test_so_is_one_whose_store_asks(stack: LiveStack) -> None:
    store = stack.record.components["artifact_store"]
    components = {
        **stack.record.components,
        "artifact_store": store.model_copy(update={"config": {"key": REFERENCE}}),
    }
    stack.record = stack.record.model_copy(update={"components": components})
    with pytest.raises(PlanError, match="where artifact store 'local' asks for a secret"):
        refuse_unreachable_secrets(plan(operator=True), stack)


def test_a_step_here_or_without_secrets_or_with_a_manager_in_reach_is_not(
    stack: LiveStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_unserved(plan(operator=None, **VARIABLE), stack)
    refuse_unserved(plan(operator=True), stack)
    monkeypatch.setattr("dovetail.builtin.local_secrets_manager.LocalSecretsManager.reach", Reach.NETWORK)
    refuse_unserved(plan(operator=True, **VARIABLE), stack)


def test_a_secret_that_is_missing_here_is_no_reason_against_a_step_elsewhere(stack: LiveStack) -> None:
    refuse_missing_secrets(plan(operator=True, **VARIABLE), stack, ["work"], set)
    with pytest.raises(NotFoundError, match="there is no secret 'db'") as raised:
        refuse_missing_secrets(plan(operator=None, **VARIABLE), stack, ["work"], set)
    assert raised.value.where == "step 'work'"
