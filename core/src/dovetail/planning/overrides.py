"""Overrides: parameters and options from a configuration or a command line, laid over what the code says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from dovetail.definition.options import StepOptions
from dovetail.errors import ConfigurationError, DefinitionError, PlanError, UsageError, did_you_mean
from dovetail.planning.parameter_values import Text
from dovetail.references import load

_TOP = ("steps", "enable_cache", "settings")
_OPTIONS = (
    "enable_cache", "retry", "timeout", "step_operator", "experiment_tracker", "environment", "resources",
    "materializers", "on_success", "on_failure", "settings",
)  # fmt: skip
_STEP = ("parameters", *_OPTIONS)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What one source says. `flat` has parameters by `step.name`, of which nobody knows yet where it splits.

    `where` names the source in errors.
    """

    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    flat: Mapping[str, Any] = field(default_factory=dict)
    enable_cache: bool | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    where: str | None = None

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the overrides that set parameters by `step.name`; texts are read as the annotation asks."""
        flat: dict[str, Any] = {}
        for key, value in parameters.items():
            step, dot, name = key.rpartition(".")
            if not (step and dot and name):
                raise UsageError(
                    f"{key!r} names no parameter of a step",
                    hint="write it as STEP.NAME, such as trainer.epochs",
                )
            flat[key] = Text(value) if type(value) is str else value
        return cls(flat=flat)


def read_overrides(source: str | Path | Mapping[str, Any]) -> Overrides:
    """Read a configuration: a YAML file, or a mapping of the same form.

    ::

        enable_cache: false
        steps:
          trainer:
            parameters: {epochs: 3}
            retry: 2

    Raises:
        ConfigurationError: an unknown key, a value of a wrong kind, or no YAML.
        NotFoundError: there is no such file.
    """
    if isinstance(source, Mapping):
        document, where = source, "configuration"
    else:
        document, where = load("dovetail.yamlio:read_yaml_file")(Path(source)), str(source)
    document = _mapping(document or {}, "the configuration", where)
    _known(document, _TOP, "a configuration", where)
    parameters: dict[str, Mapping[str, Any]] = {}
    options: dict[str, Mapping[str, Any]] = {}
    for step, said in _mapping(document.get("steps") or {}, "steps", where).items():
        content = _mapping(said or {}, f"steps.{step}", where)
        _known(content, _STEP, f"steps.{step}", where)
        parameters[step] = _mapping(content.get("parameters") or {}, f"steps.{step}.parameters", where)
        options[step] = _checked({key: each for key, each in content.items() if key in _OPTIONS}, where)
    cache = document.get("enable_cache")
    if not isinstance(cache, bool | None):
        raise ConfigurationError(f"enable_cache is {cache!r}", hint="write true or false", where=where)
    settings = _mapping(document.get("settings") or {}, "settings", where)
    return Overrides(parameters, options, {}, cache, settings, where)


class Laid:
    """All overrides of a compilation laid over each other, later ones on top, for steps of these names.

    Raises:
        PlanError: one is for a step that is not there.
    """

    def __init__(self, overrides: Sequence[Overrides], steps: Iterable[str]) -> None:
        self.parameters: dict[str, dict[str, Any]] = {}
        self.options: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}
        self.enable_cache: bool | None = None
        self._steps = dict.fromkeys(steps)
        for each in overrides:
            self._lay(each)

    def _lay(self, each: Overrides) -> None:
        self.settings |= each.settings
        if each.enable_cache is not None:
            self.enable_cache = each.enable_cache
        for step, options in each.options.items():
            self.options.setdefault(self._step(step, each.where), {}).update(options)
        for step, parameters in each.parameters.items():
            self.parameters.setdefault(self._step(step, each.where), {}).update(parameters)
        for key, value in each.flat.items():
            step, name = self._split(key, each.where)
            self.parameters.setdefault(step, {})[name] = value

    def _split(self, key: str, where: str | None) -> tuple[str, str]:
        """Return step and parameter of `step.name`; names of steps may hold dots themselves."""
        step, name = key, ""
        while step:
            step, _, last = step.rpartition(".")
            name = f"{last}.{name}" if name else last
            if step in self._steps:
                return step, name
        return self._step(key.partition(".")[0], where), name

    def _step(self, name: str, where: str | None) -> str:
        if name not in self._steps:
            raise PlanError(
                f"there is no step {name!r} to set anything for",
                hint=did_you_mean(name, list(self._steps)),
                where=where,
            )
        return name


def _checked(options: dict[str, Any], where: str) -> dict[str, Any]:
    try:
        StepOptions().changed(options, where)
    except DefinitionError as error:
        raise ConfigurationError(error.message, hint=error.hint, where=where) from error
    return options


def _mapping(value: Any, what: str, where: str) -> Mapping[str, Any]:  # noqa: ANN401 - from YAML
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{what} is {value!r}, not a mapping", hint="write `name: value` lines below it", where=where
        )
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"the key {key!r} of {what} is no text", hint="quote it", where=where)
    return value


def _known(document: Mapping[str, Any], known: Sequence[str], what: str, where: str) -> None:
    for key in document:
        if key not in known:
            raise ConfigurationError(
                f"{what} has no key {key!r}", hint=did_you_mean(key, list(known)), where=where
            )
