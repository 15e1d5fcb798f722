"""What is found of an installed wheel and of a registered component, by the numbers of their contracts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dovetail.discovery.index import load_index
from dovetail.errors import UsageError
from dovetail.names import new_id
from dovetail.records.stack import ComponentRecord, StackRecord
from dovetail.secrets import references_in
from dovetail.stacks.assemble import active_stack_record
from dovetail.testing.announced_wheel import AnnouncedWheel
from dovetail.testing.packaging_checks import CHECKS, look
from dovetail.testing.trial import Outcome, Trial

FILE = Path(__file__).with_name("behaviours.json")
"""The sentences of docs/contracts; tests/contracts/behaviours.py makes it."""

ON_TRIAL = "DOVETAIL_ON_TRIAL"
"""The environment variable that names the file of the component to the process that tests it."""

_CONTRACTS = {
    "artifact_store": "ArtifactStoreOnTrial",
    "container_registry": "ContainerRegistryOnTrial",
    "metadata_store": "MetadataStoreOnTrial",
    "orchestrator": "OrchestratorOnTrial",
    "secrets_manager": "SecretsManagerOnTrial",
    "step_operator": "StepOperatorOnTrial",
    "visualizer": "VisualizerOnTrial",
}
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One behaviour: `passed`, `failed` or `not tested`, and why."""

    contract: str
    number: int
    sentence: str
    result: str
    reason: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "contract": self.contract,
            "number": self.number,
            "sentence": self.sentence,
            "result": self.result,
            "reason": self.reason,
        }


def sentences(contract: str) -> dict[int, str]:
    """Return the behaviours of a contract by their numbers."""
    known = json.loads(FILE.read_text(encoding="utf-8")).get(contract, {})
    return {int(number): sentence for number, sentence in known.items()}


def of_wheel(name: str, settings: dict[str, Any] | None = None) -> list[Verdict]:
    """Look at the packaging of an installed wheel; needs no pytest."""
    wheel = AnnouncedWheel(name, settings or {})
    found = []
    for number, sentence in sentences("packaging").items():
        if number <= len(CHECKS):
            looked = look(wheel, number)
            result = "failed" if looked.faults else "not tested" if looked.untested else "passed"
            reason = "; ".join(looked.faults) or looked.untested
            found.append(Verdict("packaging", number, sentence, result, reason))
    return found


def of_component(
    record: ComponentRecord, home: Path, numbers: Collection[int] | None = None
) -> list[Verdict]:
    """Test the behaviours of a component, all or those of `numbers`, in a throw-away place beside its own.

    Raises:
        UsageError: its type has no contract class, or pytest is not there.
    """
    contract = _CONTRACTS.get(record.type)
    if contract is None:
        raise UsageError(
            f"nothing here tests a registered {record.type.replace('_', ' ')}",
            hint=f"types that can be tested: {', '.join(sorted(_CONTRACTS))}",
        )
    with tempfile.TemporaryDirectory(prefix="dovetail-verify-") as folder:
        told = Path(folder) / "component.json"
        stack = active_stack_record() if any(references_in(record.config)) else StackRecord(name="none")
        document = {
            "record": record.model_dump(mode="json"),
            "stack": stack.model_dump(mode="json"),  # its secrets manager gives what settings refer to
            "home": str(home),
            "mark": f"verify-{new_id()}",
        }
        told.write_text(json.dumps(document), encoding="utf-8")
        kits = {"OnTrial": f"dovetail.testing.on_trial:{contract}"}
        environment = {ON_TRIAL: str(told)}
        outcomes = Trial(
            kits,
            Path(folder) / "trial",
            numbers={} if numbers is None else {"OnTrial": numbers},
            patience=_PATIENCE,
            environment=environment,
        ).run()
    found = _by_number(record.type, outcomes)
    return [each for each in found if numbers is None or each.number in numbers]


def of_settings(
    kind: str,
    name: str,
    flavor: str,
    config: Mapping[str, Any],
    home: Path,
    numbers: Collection[int] | None = None,
) -> list[Verdict]:
    """Test the behaviours of a component that is registered nowhere, for tests of wheels."""
    qualified, _ = load_index().resolve(kind, flavor)
    record = ComponentRecord(type=kind, name=name, flavor=qualified, config=dict(config))
    return of_component(record, home, numbers)


def _by_number(contract: str, outcomes: Iterable[Outcome]) -> list[Verdict]:
    tests: dict[int, list[Outcome]] = {number: [] for number in sentences(contract)}
    for each in outcomes:
        if each.number is not None:
            tests.setdefault(each.number, []).append(each)
    known = sentences(contract)
    return [
        _judged(contract, number, known.get(number, ""), found) for number, found in sorted(tests.items())
    ]


def _judged(contract: str, number: int, sentence: str, outcomes: list[Outcome]) -> Verdict:
    failed = [each for each in outcomes if each.result == "failed"]
    skipped = [each for each in outcomes if each.result == "skipped"]
    if failed:
        return Verdict(contract, number, sentence, "failed", f"{failed[0].test}: {failed[0].reason}")
    if len(skipped) == len(outcomes):
        reason = skipped[0].reason if skipped else "it has no test"
        return Verdict(contract, number, sentence, "not tested", reason)
    return Verdict(contract, number, sentence, "passed")
