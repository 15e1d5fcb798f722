"""The step operator of this machine: a process per attempt, with variables and limits of its own."""

from __future__ import annotations

from typing import ClassVar

from dovetail.plugin import ComponentConfig, ProcessOperatorConfig, ProcessStepOperator


class SubprocessStepOperatorConfig(ProcessOperatorConfig):
    """Settings of the `subprocess` step operator."""


class SubprocessStepOperator(ProcessStepOperator):
    """Makes each attempt in a fresh interpreter of the launcher's environment."""

    config_class: ClassVar[type[ComponentConfig]] = SubprocessStepOperatorConfig
