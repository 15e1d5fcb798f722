"""What `@step(...)` and `with_options(...)` may say, as the user said it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, TypedDict

from dovetail.definition.environment import Environment, environment_of
from dovetail.errors import DefinitionError, IllegalNameError, did_you_mean
from dovetail.names import check_name


class StepOptionValues(TypedDict, total=False):
    """Options of a step. What is left out keeps what it was.

    `retry` is a number of attempts, a mapping (`attempts, delay, backoff, jitter, on`) or a `Retry`;
    `timeout` seconds or a timedelta; `materializers` maps outputs to a BaseMaterializer class or to a
    registered name such as `"pickle"`, or is one of them for every output; `on_success` and `on_failure`
    are functions or references (`module:function`). `step_operator` names a component of the stack, or is
    True for the one it has; `custom_step_operator` is another name of it. `environment` is an `Environment`,
    or a mapping with its fields.
    """

    name: str
    enable_cache: bool
    retry: Any
    timeout: float | timedelta | None
    step_operator: str | bool | None
    custom_step_operator: str | bool | None
    experiment_tracker: str | None
    environment: Mapping[str, Any] | Environment
    resources: Mapping[str, Any]
    materializers: Mapping[str, Any] | type | str
    on_success: Callable[..., Any] | str | None
    on_failure: Callable[..., Any] | str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What was said of a step so far; None and empty mean that nothing was."""

    name: str | None = None
    enable_cache: bool | None = None
    retry: Any = None
    timeout: float | None = None
    step_operator: str | bool | None = None
    experiment_tracker: str | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)
    materializers: Mapping[str, Any] | type | str | None = None
    on_success: Callable[..., Any] | str | None = None
    on_failure: Callable[..., Any] | str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def changed(self, values: Mapping[str, Any], where: str) -> StepOptions:
        """Return the options with `values` said on top; settings are merged by key.

        Raises:
            DefinitionError: an option is unknown or of a wrong kind.
            IllegalNameError: the name may not be one.
        """
        said = dict(values)
        if "custom_step_operator" in said:
            alias = said.pop("custom_step_operator")
            if said.setdefault("step_operator", alias) != alias:
                raise DefinitionError(
                    "step_operator and custom_step_operator name two different components",
                    hint="say only step_operator",
                    where=where,
                )
        for name, value in said.items():
            said[name] = _checked(name, value, where)
        if "settings" in said:
            said["settings"] = {**self.settings, **said["settings"]}
        return replace(self, **said)


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """What `@pipeline(...)` was told; None means that nothing was."""

    enable_cache: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def changed(self, values: Mapping[str, Any], where: str) -> PipelineOptions:
        """Return the options with `values` said on top.

        Raises:
            DefinitionError: an option is unknown or of a wrong kind.
        """
        known = [each.name for each in fields(PipelineOptions)]
        for name, value in values.items():
            if name not in known:
                hint = did_you_mean(name, ["name", *known])
                raise DefinitionError(f"a pipeline has no option {name!r}", hint=hint, where=where)
            _checked(name, value, where)
        return replace(self, **{**values, "settings": {**self.settings, **values.get("settings", {})}})


_KNOWN = [each.name for each in fields(StepOptions)]
_TEXTS = {"experiment_tracker"}
_MAPPINGS = {"environment", "resources", "settings"}
_CALLABLES = {"on_success", "on_failure"}


def _checked(name: str, value: Any, where: str) -> Any:  # noqa: ANN401 - any option
    """Return `value` as the option `name` keeps it."""
    if name not in _KNOWN:
        raise DefinitionError(f"a step has no option {name!r}", hint=did_you_mean(name, _KNOWN), where=where)
    if name == "name":
        return legal_name("step", value, where)
    if name == "timeout":
        return _seconds(value, where)
    if name == "environment":
        value = environment_of(value, where)
    wanted = _wanted(name, value)
    if wanted is not None:
        raise DefinitionError(f"option {name}={value!r} is {type(value).__name__}, not {wanted}", where=where)
    return {str(key): each for key, each in value.items()} if name in _MAPPINGS else value


def _wanted(name: str, value: Any) -> str | None:  # noqa: ANN401 - any option
    """Return what the option wants to be where `value` is not that."""
    if name == "enable_cache":
        return None if isinstance(value, bool | None) else "True or False"
    if name == "step_operator":
        return None if isinstance(value, str | bool | None) else "the name of a component, or True"
    if name in _TEXTS:
        return None if isinstance(value, str | None) else "the name of a component"
    if name in _MAPPINGS:
        return None if isinstance(value, Mapping) else "a mapping"
    if name in _CALLABLES:
        return None if value is None or isinstance(value, str) or callable(value) else "a function"
    return None


def _seconds(value: Any, where: str) -> float | None:  # noqa: ANN401 - any option
    if value is None:
        return None
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise DefinitionError(
            f"option timeout={value!r} is no duration",
            hint="give seconds, more than 0, or a timedelta; None means no limit",
            where=where,
        )
    return float(seconds)


def legal_name(kind: str, name: object, where: str) -> str:
    """Return `name` if it may name a `kind`; the error says where it was given."""
    try:
        return check_name(kind, name)
    except IllegalNameError as error:
        error.where = where
        if name in {None, "<lambda>"}:
            error.message = f"a {kind} of a function without a name wants one"
            error.hint = f'@{kind}(name="...")'
        raise
