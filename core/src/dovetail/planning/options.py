"""Options of steps as a plan keeps them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from dovetail.definition.options import StepOptions as SaidOptions
from dovetail.errors import DefinitionError, did_you_mean
from dovetail.hashing import canonical_json
from dovetail.materializers.type_names import class_name, public_module
from dovetail.records.plan import Retry, StepOptions


def compile_options(said: SaidOptions, *, enable_cache: bool, where: str) -> StepOptions:
    """Return what a step was told as the plan keeps it; `enable_cache` is what holds where it says nothing.

    Raises:
        DefinitionError: an option cannot be kept in a plan.
    """
    return StepOptions(
        enable_cache=enable_cache if said.enable_cache is None else said.enable_cache,
        retry=compile_retry(said.retry, where),
        timeout=said.timeout,
        step_operator=said.step_operator or None,
        experiment_tracker=said.experiment_tracker,
        environment=plain_mapping("environment", said.environment, where),
        resources=plain_mapping("resources", said.resources, where),
        on_success=_hook("on_success", said.on_success, where),
        on_failure=_hook("on_failure", said.on_failure, where),
        settings=plain_mapping("settings", said.settings, where),
    )


def compile_retry(said: Any, where: str) -> Retry:  # noqa: ANN401 - as the user said it
    """Return when a step is tried again: of a number of attempts, a mapping, or a Retry."""
    if said is None:
        return Retry()
    if isinstance(said, Retry):
        retry = said
    else:
        is_number = isinstance(said, int) and not isinstance(said, bool)
        values: Any = {"attempts": said} if is_number else said
        if not isinstance(values, Mapping):
            raise _bad_retry(said, "it is no number of attempts, mapping or Retry", where)
        if unknown := [name for name in values if name not in Retry.model_fields]:
            hint = did_you_mean(str(unknown[0]), list(Retry.model_fields))
            raise DefinitionError(f"option retry has no {unknown[0]!r}", hint=hint, where=where)
        on = values.get("on", ())
        names = [on] if isinstance(on, str | type) else list(on)
        try:
            retry = Retry.model_validate(
                {**values, "on": tuple(class_name(each) if inspect.isclass(each) else each for each in names)}
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise _bad_retry(said, f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where) from error
    if retry.attempts < 1 or retry.delay < 0 or retry.backoff <= 0 or retry.jitter < 0:
        raise _bad_retry(said, "attempts begin at 1, and no time is negative", where)
    return retry


def _bad_retry(said: object, why: str, where: str) -> DefinitionError:
    hint = 'such as retry=3 or retry={"attempts": 3, "delay": 1.0, "on": [OSError]}'
    return DefinitionError(f"option retry={said!r}: {why}", hint=hint, where=where)


def plain_mapping(name: str, value: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the mapping that option `name` is as plain JSON values. Raises DefinitionError."""
    if not value:
        return {}
    try:
        plain: dict[str, Any] = json.loads(canonical_json(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise DefinitionError(
            f"option {name} cannot be kept in a plan: {error}",
            hint="use texts, numbers, booleans, lists and mappings with text keys",
            where=where,
        ) from error
    return plain


def _hook(name: str, said: Callable[..., Any] | str | None, where: str) -> str | None:
    if said is None or isinstance(said, str):
        return said
    qualname = getattr(said, "__qualname__", None)
    if qualname is None or "<" in qualname:
        raise DefinitionError(
            f"option {name}={said!r} cannot be found again from another process",
            hint="give a function that a module defines, or its reference `module:function`",
            where=where,
        )
    return f"{public_module(said.__module__)}:{qualname}"
