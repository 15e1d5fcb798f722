"""Settings of a component: checked against the model of its flavor, from wherever they come.

Texts (command-line flags, environment) are read by the type of their field; where the text itself does
not fit, it is read as YAML, so that `--tags "[a, b]"` and `--limit null` do what they say.
"""

from __future__ import annotations

import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import ErrorDetails, PydanticUndefined

from dovetail.components.component import ComponentConfig
from dovetail.errors import ConfigurationError, DovetailError, did_you_mean
from dovetail.redaction import register
from dovetail.references import load
from dovetail.secrets import SecretReference, filled_in, is_reference, references_in


def checked(
    model: type[ComponentConfig],
    plain: Mapping[str, Any],
    texts: Mapping[str, Sequence[str]],
    *,
    what: str,
    help_command: str = "",
) -> dict[str, Any]:
    """Return the settings as they are kept: plain values, only those that were given.

    Args:
        model: The configuration of the flavor.
        plain: Settings as values, from Python or YAML.
        texts: Settings as texts, each perhaps given several times.
        what: The component, for errors.
        help_command: What shows all settings, for the hint.

    Raises:
        ConfigurationError: one line for each setting that is wrong; or a secret stands in plain text.
    """
    secret = secret_fields(model)
    _refuse_plain_secrets({**plain, **texts}, secret, what)
    config = _validated(model, plain, texts, what=what, help_command=help_command, lacking=secret)
    if config is None:
        return {**plain, **{key: values[-1] for key, values in texts.items()}}
    kept = config.model_dump(mode="json", exclude_unset=True)
    given = {**plain, **{key: values[-1] for key, values in texts.items()}}
    return {key: given[key] if key in secret else value for key, value in kept.items()}


def configured(
    model: type[ComponentConfig],
    plain: Mapping[str, Any],
    kind: str,
    name: str,
    value_of: Callable[[SecretReference], str] | None = None,
) -> ComponentConfig:
    """Return the configuration of a registered component, with what the environment says on top.

    References to secrets are replaced by what `value_of` returns for them. What is confidential is
    masked from then on, wherever it is from.

    Raises:
        ConfigurationError: something does not fit the model, or refers to a secret that nobody gives.
        NotFoundError: a secret is not there.
    """
    what = f"{kind.replace('_', ' ')} {name!r}"
    texts = environment(model, kind, name)
    given = {
        key: value if key in texts else _filled_in(key, value, value_of, what, variable(kind, name, key))
        for key, value in plain.items()
    }
    try:
        config = _validated(model, given, texts, what=what)
    except ConfigurationError as error:
        said = ", ".join(variable(kind, name, key) for key in texts)
        command = f"`dovetail {kind.replace('_', '-')} update {name}`"
        error.hint = error.hint or (f"mend {said} in the environment, or {command}" if said else command)
        raise
    assert config is not None  # noqa: S101 - nothing may lack here
    for key in secret_fields(model):
        _mask(getattr(config, key))
    return config


def _filled_in(
    key: str,
    value: Any,  # noqa: ANN401 - any plain value
    value_of: Callable[[SecretReference], str] | None,
    what: str,
    instead: str,
) -> Any:  # noqa: ANN401 - the same
    """Return a setting with its references replaced."""
    if next(references_in(value), None) is None:
        return value
    if value_of is None:
        raise ConfigurationError(
            f"setting {key!r} of {what} refers to a secret, {value!r}, and nothing here can look it up",
            hint=f"give it in the environment: {instead}",
        )
    try:
        return filled_in(value, value_of)
    except DovetailError as error:
        error.message = f"setting {key!r} of {what}: {error.message}"
        error.hint = "; ".join(filter(None, (error.hint, f"or give it in the environment: {instead}")))
        raise


def _mask(value: object) -> None:
    """Let what the model holds as confidential be masked from now on."""
    if isinstance(value, SecretStr):
        register(value.get_secret_value())
    elif isinstance(value, SecretBytes):
        register(value.get_secret_value().decode(errors="replace"))
    elif isinstance(value, dict):
        _mask(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            _mask(each)


def environment(model: type[ComponentConfig], kind: str, name: str) -> dict[str, list[str]]:
    """Return the settings that the environment gives a component, as texts."""
    names = {key: variable(kind, name, key) for key in model.model_fields}
    return {key: [os.environ[each]] for key, each in names.items() if each in os.environ}


def variable(kind: str, name: str, key: str) -> str:
    """Return the environment variable of a setting: `DOVETAIL_ARTIFACT_STORE_LOCAL_PATH`."""
    return "".join(
        each if each.isascii() and each.isalnum() else "_" for each in f"DOVETAIL_{kind}_{name}_{key}"
    ).upper()


def settings_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Return name, type, default and description of every setting, for people."""
    secret = secret_fields(model)
    return [
        {
            "name": key,
            "type": type_text(field.annotation),
            "default": _default_text(field.default, required=field.is_required()),
            "required": field.is_required(),
            "secret": key in secret,
            "description": field.description or "",
        }
        for key, field in model.model_fields.items()
    ]


def type_text(annotation: Any) -> str:  # noqa: ANN401 - any annotation
    """Return a type as people write it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(map(repr, arguments))
    if origin is typing.Annotated:
        return type_text(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_text, arguments))
    if annotation in (types.NoneType, ...):
        return "None" if annotation is types.NoneType else "..."
    name: str = getattr(origin or annotation, "__name__", str(annotation))
    return f"{name}[{', '.join(map(type_text, arguments))}]" if arguments else name


def secret_fields(model: type[BaseModel]) -> set[str]:
    """Return the names of the settings that hold secrets."""
    return {key for key, field in model.model_fields.items() if _holds_secret(field.annotation)}


def explain(
    error: ValidationError, what: str, model: type[BaseModel], hint: str | None = None
) -> ConfigurationError:
    """Return one error with a line for each field that is wrong; values of secrets are left out."""
    details = error.errors(include_url=False)
    known, secret = model.model_fields, secret_fields(model)
    lines = [_line(each, hide=bool(each["loc"]) and each["loc"][0] in secret) for each in details]
    unknown = [
        str(each["loc"][0]) for each in details if each["type"] == "extra_forbidden" and len(each["loc"]) == 1
    ]
    near = [did_you_mean(each, list(known)) for each in unknown]
    hints = [each for each in near if each] or ([hint] if hint else [])
    if len(lines) == 1:
        message = f"{what}: {lines[0]}"
    else:
        message = f"{what} has {len(lines)} wrong settings:\n" + "\n".join(f"- {line}" for line in lines)
    return ConfigurationError(message, hint=" ".join(dict.fromkeys(hints)) or None)


def _validated(
    model: type[ComponentConfig],
    plain: Mapping[str, Any],
    texts: Mapping[str, Sequence[str]],
    *,
    what: str,
    help_command: str = "",
    lacking: set[str] | None = None,
) -> ComponentConfig | None:
    """Return the model, or None if nothing is wrong but that secrets, which come later, are not there."""
    values: dict[str, Any] = {key: each[-1] if len(each) == 1 else list(each) for key, each in texts.items()}
    try:
        return model.model_validate({**plain, **values})
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
    values |= {
        key: _as_yaml(value) for key, value in values.items() if key in wrong and isinstance(value, str)
    }
    try:
        return model.model_validate({**plain, **values})
    except ValidationError as error:
        details = error.errors(include_url=False)
        if lacking and all(each["type"] == "missing" and each["loc"][0] in lacking for each in details):
            return None
        hint = f"`{help_command}` lists the settings" if help_command else None
        raise explain(error, what, model, hint) from None


def _as_yaml(text: str) -> Any:  # noqa: ANN401 - any value
    # Every process of a step reads configurations, and hardly any one of these: YAML is late.
    try:
        return load("dovetail.yamlio:read_yaml")(text, "value")
    except ConfigurationError:
        return text


def _refuse_plain_secrets(given: Mapping[str, Any], secret: set[str], what: str) -> None:
    for key in sorted(secret & given.keys()):
        values = given[key] if isinstance(given[key], list | tuple) else [given[key]]
        if not all(value is None or is_reference(value) for value in values):
            raise ConfigurationError(
                f"{what}: setting {key!r} is a secret and would be kept in plain text",
                hint="give a reference, '{{ secret.name.key }}', or leave it out and set it as a variable",
            )


def _holds_secret(annotation: Any) -> bool:  # noqa: ANN401 - any annotation
    return annotation in (SecretStr, SecretBytes) or any(map(_holds_secret, typing.get_args(annotation)))


def _line(detail: ErrorDetails, *, hide: bool) -> str:
    place = ".".join(map(str, detail["loc"]))
    if detail["type"] == "extra_forbidden":
        return f"there is no setting {place!r}"
    if detail["type"] == "missing":
        return f"setting {place!r} is missing"
    said = detail["msg"][:1].lower() + detail["msg"][1:]
    if not place:
        return said
    shown = "" if hide or isinstance(detail["input"], dict) else f", not {detail['input']!r:.60}"
    return f"setting {place!r}: {said}{shown}"


def _default_text(default: object, *, required: bool) -> str:
    if required:
        return "required"
    return "" if default is None or default is PydanticUndefined else str(default)
