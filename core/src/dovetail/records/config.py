"""The parameter class of a step: fields with types and defaults, checked before anything runs."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class BaseStepConfig(BaseModel):
    """Derive from this and annotate one argument of a step with the class; its fields are parameters.

    ::

        class TrainerConfig(BaseStepConfig):
            epochs: int = 1

        @step
        def trainer(config: TrainerConfig, data: list[float]) -> float: ...
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dovetail_step_config: ClassVar[bool] = True
