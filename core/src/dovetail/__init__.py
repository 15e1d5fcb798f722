"""Dovetail: machine-learning pipelines on a stack of plugins. Each name below is imported when it is used."""

from __future__ import annotations

from typing import Any

from dovetail.references import load

__version__ = "0.1.0"

_PLACES = {
    "client": ("Client", "Repository"),
    "definition.environment": ("Environment",),
    "definition.hierarchy": (
        "BaseAlerterStep", "BaseAnalyzerStep", "BaseDatasourceStep", "BaseDeployerStep",
        "BaseDriftDetectionStep", "BaseEvaluatorStep", "BasePreprocessorStep", "BaseSplitStep",
        "BaseTrainerStep",
    ),
    "definition.outputs": ("Output", "outputs"),
    "definition.step": ("BaseStep", "step"),
    "errors": ("DovetailError", "RunCancelled", "StepError"),
    "execution.api": ("pipeline", "run"),
    "execution.attempt.context": ("step_context",),
    "materializers.base": ("BaseMaterializer",),
    "records.config": ("BaseStepConfig",),
    "records.plan": ("Plan", "Retry"),
    "secrets": ("Secret",),
    "stacks.settings": ("Stack",),
}  # fmt: skip
_MODULES = {name: f"dovetail.{module}" for module, names in _PLACES.items() for name in names}

__all__ = [
    "BaseAlerterStep", "BaseAnalyzerStep", "BaseDatasourceStep", "BaseDeployerStep", "BaseDriftDetectionStep",
    "BaseEvaluatorStep", "BaseMaterializer", "BasePreprocessorStep", "BaseSplitStep", "BaseStep",
    "BaseStepConfig", "BaseTrainerStep", "Client", "DovetailError", "Environment", "Output", "Plan",
    "Repository", "Retry", "RunCancelled", "Secret", "Stack", "StepError", "__version__", "outputs",
    "pipeline", "run", "step", "step_context",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is public
    if name not in _MODULES:
        raise AttributeError(f"module 'dovetail' has no attribute {name!r}")
    value = globals()[name] = load(f"{_MODULES[name]}:{name}")
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
