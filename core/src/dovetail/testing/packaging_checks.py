"""What is looked at in an installed wheel, one function for each behaviour of docs/contracts/packaging.md."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError

from dovetail.components.component import Component, ComponentConfig
from dovetail.components.flavor import CORE_TYPES
from dovetail.discovery.verdict import MATERIALIZER_CONTRACTS
from dovetail.errors import DovetailError
from dovetail.materializers.base import BaseMaterializer
from dovetail.names import check_name
from dovetail.references import load
from dovetail.stacks.configuration import secret_fields
from dovetail.testing.announced_wheel import AnnouncedWheel

_CORE = "dovetail"
_FLOOR = re.compile(r"(>=|==|~=|>)\s*\d")
_CEILING = re.compile(r"(<|<=|==|~=)\s*\d")
_SOUNDS_SECRET = re.compile(
    r"(^|_)(password|passwd|passphrase|token|secret|secret_key|api_key|private_key|credential|credentials)$"
)
_SAMPLE_SECRET = "a-value-nobody-may-see"  # noqa: S105 - a sample


class NotTested(Exception):  # noqa: N818 - it is no error
    """Why a behaviour cannot be looked at here."""


Check = Callable[[AnnouncedWheel], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Looked:
    """What came out of one check: `faults` is empty where the behaviour holds, `untested` says why not."""

    number: int
    faults: tuple[str, ...] = ()
    untested: str = ""


def entry_points_resolve(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield entry points that are none, or name what cannot be imported."""
    if not wheel.entry_points:
        yield "it has no entry point in the group 'dovetail.integrations'"
    for name, value in wheel.entry_points.items():
        try:
            load(value.replace(" ", ""))
        except BaseException as error:  # noqa: BLE001 - the border around a plugin
            yield f"entry point {name!r} names {value!r}: {type(error).__name__}: {error}"


def names_are_legal(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield names that nobody may use, or that it uses twice."""
    own = wheel.name == _CORE
    announced = [("integration", name) for name in wheel.entry_points]
    announced += [(kind.title, flavor.name) for kind, flavor in wheel.flavors]
    announced += [("materializer", each.name) for each in wheel.materializers]
    for (kind, name), times in Counter(announced).items():
        try:
            check_name(kind, name)
        except DovetailError as error:
            yield error.message
        if times > 1:
            yield f"the {kind} {name!r} is announced {times} times"
        if not own and (kind, name) in _reserved():
            yield f"the {kind} name {name!r} is the core's own"


def _reserved() -> set[tuple[str, str]]:
    core = AnnouncedWheel(_CORE)
    return {("integration", "builtin"), *((kind.title, flavor.name) for kind, flavor in core.flavors)}


def contracts_are_known(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield announcements for a contract that this program does not serve."""
    for kind, flavor in wheel.flavors:
        if flavor.contract not in kind.contracts:
            yield f"{kind.title} {flavor.name!r} is for contract {flavor.contract}, served: {kind.contracts}"
    for each in wheel.materializers:
        if each.contract not in MATERIALIZER_CONTRACTS:
            yield f"materializer {each.name!r} is for contract {each.contract}"


def dependencies_have_floors(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield dependencies without a lowest version, and a highest one of Dovetail."""
    needs = dict(wheel.requirements)
    if wheel.name != _CORE and _CORE not in needs:
        yield "it does not depend on dovetail"
    for name, conditions in needs.items():
        if not _FLOOR.search(conditions):
            yield f"it takes any version of {name!r}"
    if _CEILING.search(needs.get(_CORE, "")):
        yield f"it refuses later versions of dovetail ({needs[_CORE]}); the contract's number decides"


def packages_are_typed(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield packages without `py.typed`."""
    for module in wheel.modules:
        folder = wheel.folder(module)
        if folder is None:
            yield f"{module!r} is one file; make it a package, which can carry `py.typed`"
        elif not (folder / "py.typed").exists():
            yield f"{folder.name!r} has no `py.typed`"


def readme_says_how_to_install(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield what the README lacks."""
    if not wheel.readme.strip():
        yield "the wheel carries no README"
    elif not re.search(rf"pip install .*{re.escape(wheel.name)}\b", wheel.readme):
        yield f"the README has no line `pip install {wheel.name}`"


def announcing_is_light(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield packages that come with an announcing module."""
    for module in wheel.modules:
        if foreign := wheel.cost(module):
            yield f"importing {module!r} imports {', '.join(foreign)}"


def hooks_match(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield hooks that this program does not have, and failures of those it has."""
    for name in wheel.entry_points:
        try:
            unknown = wheel.answers[name]["unknown"]
        except Exception as error:  # noqa: BLE001 - the border around a plugin
            yield f"asked what it announces, {name!r} raised {type(error).__name__}: {error}"
            return
        yield from (f"{name!r} implements {each}, which is no hook" for each in unknown)
    announced = [*wheel.flavors, *wheel.materializers, *(set(wheel.types.values()) - set(CORE_TYPES))]
    if wheel.entry_points and not announced:
        yield "it announces nothing"


def registering_is_light(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield packages that come with a configuration model."""
    _some(wheel.flavors, "no flavor")
    if wheel.name == _CORE:
        raise NotTested("what the core needs is there before anything is registered")
    for module in sorted({flavor.config.partition(":")[0] for _, flavor in wheel.flavors}):
        if foreign := wheel.cost(module, of_settings=True):
            yield f"importing the settings in {module!r} imports {', '.join(foreign)}"


def settings_survive_json(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield models that have no JSON Schema, or change on their way through JSON."""
    _some(wheel.flavors, "no flavor")
    for flavor, model in wheel.configs:
        try:
            json.dumps(model.model_json_schema())
        except Exception as error:  # noqa: BLE001 - the border around a plugin
            yield f"flavor {flavor.name!r}: no JSON Schema: {error}"
        config = _sample(wheel, flavor.name, model)
        secret = secret_fields(model)
        kept = json.loads(config.model_dump_json(exclude=secret))
        again = model.model_validate({**kept, **{key: getattr(config, key) for key in secret}})
        if again != config:
            yield f"flavor {flavor.name!r}: read back from JSON, {config!r} is {again!r}"


def settings_are_described(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield settings without a description."""
    _some(wheel.flavors, "no flavor")
    for flavor, model in wheel.configs:
        for key, each in model.model_fields.items():
            if not each.description:
                yield f"setting {key!r} of flavor {flavor.name!r} has no description"


def secrets_are_masked(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield settings that sound secret and are plain text, and models that show their secrets."""
    _some(wheel.flavors, "no flavor")
    for flavor, model in wheel.configs:
        secret = secret_fields(model)
        for key in model.model_fields.keys() - secret:
            # A file that holds it, or whether there is one, is no secret.
            harmless = _has_one_of((bool, Path), model.model_fields[key].annotation)
            if _SOUNDS_SECRET.search(key) and not harmless:
                yield f"setting {key!r} of flavor {flavor.name!r} is plain text; make it a `SecretStr`"
        config = _sample(wheel, flavor.name, model, secrets=secret)
        for shown in (repr(config), str(config), config.model_dump_json()):
            if _SAMPLE_SECRET in shown:
                yield f"flavor {flavor.name!r} shows its secrets: {shown.replace(_SAMPLE_SECRET, '...')}"
                break


def _has_one_of(kinds: tuple[type, ...], annotation: object) -> bool:
    """Say whether a type is, or is made of, one of these: optional, in a container, with validators."""
    return any(annotation is kind for kind in kinds) or any(
        _has_one_of(kinds, each) for each in get_args(annotation)
    )


def announcements_have_summaries(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield announcements that do not say what they are."""
    if not wheel.distribution.metadata.get("Summary"):
        yield "the wheel has no summary"
    named = [(kind.title, flavor.name, flavor.summary) for kind, flavor in wheel.flavors]
    named += [("materializer", each.name, each.summary) for each in wheel.materializers]
    yield from (f"{kind} {name!r} has no summary" for kind, name, summary in named if not summary)


def classes_are_what_is_announced(wheel: AnnouncedWheel) -> Iterator[str]:
    """Yield references to classes that are not there, or of another kind."""
    for kind, flavor in wheel.flavors:
        yield from _class_faults(flavor.config, ComponentConfig)
        yield from _class_faults(flavor.implementation, load(kind.base))
        implementation = load(flavor.implementation)
        if isinstance(implementation, type) and issubclass(implementation, Component):
            yield from _misfits(kind.name, flavor.config, implementation)
    for each in wheel.materializers:
        yield from _class_faults(each.implementation, BaseMaterializer)


def _class_faults(reference: str, base: type[Any]) -> Iterator[str]:
    try:
        found = load(reference)
    except Exception as error:  # noqa: BLE001 - the border around a plugin
        yield f"{reference!r} cannot be imported: {type(error).__name__}: {error}"
        return
    if not isinstance(found, type) or not issubclass(found, base):
        yield f"{reference!r} is no {base.__name__}"
    elif abstract := sorted(getattr(found, "__abstractmethods__", ())):
        yield f"{reference!r} lacks {', '.join(abstract)}"


def _misfits(kind: str, config: str, implementation: type[Component]) -> Iterator[str]:
    if implementation.type != kind:
        yield f"{implementation.__name__} says that it is a {implementation.type!r}, announced as {kind!r}"
    if implementation.config_class is not load(config):
        yield f"{implementation.__name__}.config_class is not the announced {config!r}"


def _some(announced: list[Any], lacking: str) -> None:
    if not announced:
        raise NotTested(f"it announces {lacking}")


def _sample(
    wheel: AnnouncedWheel, flavor: str, model: type[ComponentConfig], secrets: set[str] | None = None
) -> ComponentConfig:
    """Return settings to look at: those that are given, and made-up ones for what lacks."""
    made = {
        **_made_up(model),
        **dict.fromkeys(secrets or (), _SAMPLE_SECRET),
        **wheel.settings.get(flavor, {}),
    }
    try:
        return model.model_validate(made)
    except ValidationError as error:
        lacking = ", ".join(".".join(map(str, each["loc"])) or each["msg"] for each in error.errors())
        raise NotTested(f"flavor {flavor!r} needs settings that fit, see {lacking}") from None


_OF_TYPE: dict[Any, Any] = {str: "sample", int: 1, float: 1.0, bool: True}


def _made_up(model: type[BaseModel]) -> dict[str, Any]:
    """Return values for what a model requires, as far as they can be guessed."""
    made: dict[str, Any] = {}
    for key, each in model.model_fields.items():
        if each.annotation in {SecretStr, SecretBytes} and each.is_required():
            made[key] = _SAMPLE_SECRET
        elif each.is_required() and each.examples:
            made[key] = each.examples[0]
        elif each.is_required() and each.annotation in _OF_TYPE:
            made[key] = _OF_TYPE[each.annotation]
    return made


CHECKS: tuple[Check, ...] = (
    entry_points_resolve,
    names_are_legal,
    contracts_are_known,
    dependencies_have_floors,
    packages_are_typed,
    readme_says_how_to_install,
    announcing_is_light,
    hooks_match,
    registering_is_light,
    settings_survive_json,
    settings_are_described,
    secrets_are_masked,
    announcements_have_summaries,
    classes_are_what_is_announced,
)
"""The checks in the order of their numbers, from 1."""


def look(wheel: AnnouncedWheel, number: int) -> Looked:
    """Make one check."""
    try:
        return Looked(number, tuple(CHECKS[number - 1](wheel)))
    except NotTested as reason:
        return Looked(number, untested=str(reason))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the border around a plugin
        return Looked(number, (f"looking at it raised {type(error).__name__}: {error}",))
