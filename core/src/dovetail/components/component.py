"""What every component is: a type, a flavor, a name, a checked configuration, and a home for its files."""

from __future__ import annotations

from abc import ABC
from enum import IntEnum
from pathlib import Path
from typing import Any, ClassVar, Self, TypeAlias

from pydantic import BaseModel, ConfigDict


class ComponentConfig(BaseModel):
    """The settings of a flavor. Subclass it with typed fields; unknown keys are refused.

    The same model is filled from Python, from command-line flags, from YAML and from the environment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


ConfigClass: TypeAlias = type[ComponentConfig]
"""A configuration model; named here because a component's `type` is something else."""


class Reach(IntEnum):
    """How far away somebody may be and still use a component."""

    PROCESS = 0
    HOST = 1
    NETWORK = 2


class Component(ABC):
    """A live component. Construction checks nothing outside the process and opens nothing.

    `home` is a directory of the profile or repository in which the component may keep its own files when
    its configuration names no place; it need not exist yet. A component is closed when the stack is.
    """

    type: ClassVar[str]
    contract: ClassVar[int] = 1
    config_class: ClassVar[ConfigClass] = ComponentConfig
    reach: Reach = Reach.NETWORK
    """From where the component can be used; implementations may compute it from their configuration."""

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        self.name = name
        self.config: Any = config
        self.home = home

    def close(self) -> None:  # noqa: B027 - most components hold nothing
        """Release what was opened; called once, also after a failure."""

    def __enter__(self) -> Self:
        """Return the component itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Name type and component; settings are left out, they may be secret."""
        return f"<{self.type} {self.name!r}>"
