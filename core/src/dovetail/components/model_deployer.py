"""Model deployers: a stored model becomes an endpoint that predicts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from dovetail.components.component import Component
from dovetail.records.artifact import ArtifactRecord


class ServiceState(StrEnum):
    """What an endpoint is found to be when it is asked."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DeploymentRequest:
    """What is to be served: the artifact `model`, under `name`.

    A name has at most one live endpoint. `settings` is the flavor's own; `run_id` and `step` say who asks.
    """

    name: str
    model: ArtifactRecord
    settings: Mapping[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class DeployedModel:
    """A deployed model: an opaque id, what was asked for, and where it predicts, None while nowhere."""

    id: str
    request: DeploymentRequest
    endpoint: str | None
    state: ServiceState
    detail: str = ""


class ModelDeployer(Component):
    """Serves models, and is the register of what it serves.

    An implementation owes:

    1. `deploy` is idempotent: the same model, name and settings again is the deployment that is there, and
       nothing restarts.
    2. A replacement under a name answers healthily before the older one is stopped; if it never does
       within `timeout`, it is removed, the older one stays, and StoreError says what its logs say.
    3. The state comes from asking the endpoint, never from a note of what it was.
    4. `find` sees what any process has deployed, also after the one that did has ended.
    5. `stop` keeps the deployment for `start`; `delete` leaves nothing behind; doing either twice is no
       error.
    6. A deployment outlives the step and the run that made it.
    7. An endpoint listens on loopback unless the configuration says otherwise.
    """

    type: ClassVar[str] = "model_deployer"

    @abstractmethod
    def deploy(self, request: DeploymentRequest, timeout: float) -> DeployedModel:
        """Return the endpoint once it is healthy."""

    @abstractmethod
    def find(
        self, *, name: str | None = None, run_id: str | None = None, step: str | None = None
    ) -> Sequence[DeployedModel]:
        """Return the deployments that match all that is given, newest first."""

    @abstractmethod
    def start(self, deployment_id: str, timeout: float) -> DeployedModel:
        """Start a stopped deployment again."""

    @abstractmethod
    def stop(self, deployment_id: str, grace: float) -> None:
        """End its processes and keep what is needed to start it."""

    @abstractmethod
    def delete(self, deployment_id: str, grace: float) -> None:
        """End it and forget it."""

    @abstractmethod
    def logs(self, deployment_id: str, lines: int | None = None) -> Iterator[str]:
        """Yield what it has written, only the last `lines` if given."""
