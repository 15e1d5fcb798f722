"""A profile: the registered components and the stacks made of them, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dovetail.errors import ConfigurationError, ConflictError, NotFoundError, UsageError, did_you_mean
from dovetail.names import check_name

DEFAULT = "default"
FORMAT = 1
NEEDED = ("orchestrator", "artifact_store")
"""Types that every stack has; the metadata store has a default."""


class Registered(NamedTuple):
    """A component in a profile. `flavor` is qualified, `wheel/flavor`; `config` holds plain values."""

    type: str
    name: str
    flavor: str
    config: Mapping[str, Any] = MappingProxyType({})

    @property
    def title(self) -> str:
        """Return the component as people name it: artifact store 'local'."""
        return f"{self.type.replace('_', ' ')} {self.name!r}"


BUILTIN: tuple[Registered, ...] = (
    Registered("orchestrator", "local", "dovetail/local"),
    Registered("artifact_store", "local", "dovetail/local"),
    Registered("metadata_store", "sqlite", "dovetail/sqlite"),
    Registered("visualizer", "html", "dovetail/html"),
)
"""What a new profile begins with; together they are its stack `default`."""


class Profile:
    """Components by type and name, and stacks: name -> type -> name of the component.

    The methods that change it check what they are given and leave it as it was when they refuse.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.components: dict[str, dict[str, Registered]] = {}
        self.stacks: dict[str, dict[str, str]] = {}

    @classmethod
    def new(cls, name: str) -> Profile:
        """Return a profile as it is before anybody has changed it."""
        profile = cls(check_name("profile", name))
        for each in BUILTIN:
            profile.components.setdefault(each.type, {})[each.name] = each
        profile.stacks[DEFAULT] = {each.type: each.name for each in BUILTIN}
        return profile

    def component(self, kind: str, name: str) -> Registered:
        """Return a component; raises NotFoundError."""
        found = self.components.get(kind, {}).get(name)
        if found is None:
            known = list(self.components.get(kind, {}))
            command = f"`dovetail {kind.replace('_', '-')} register {name} --flavor ...`"
            near = did_you_mean(name, known)
            raise NotFoundError(
                f"there is no {kind.replace('_', ' ')} {name!r} in profile {self.name!r}",
                hint=f"{near}; or register it: {command}" if near else f"register it: {command}",
            )
        return found

    def add_component(self, component: Registered) -> None:
        """Add a component; raises ConflictError when its name is taken."""
        check_name(component.type.replace("_", " "), component.name)
        if component.name in self.components.get(component.type, {}):
            command = f"dovetail {component.type.replace('_', '-')}"
            raise ConflictError(
                f"{component.title} is there already in profile {self.name!r}",
                hint=f"change it with `{command} update {component.name}`, or choose another name",
            )
        self.components.setdefault(component.type, {})[component.name] = component

    def replace_component(self, component: Registered) -> None:
        """Put a component in the place of the one of its type and name; raises NotFoundError."""
        self.component(component.type, component.name)
        self.components[component.type][component.name] = component

    def remove_component(self, kind: str, name: str) -> Registered:
        """Remove a component and return it; raises ConflictError while a stack has it."""
        found = self.component(kind, name)
        users = [stack for stack, parts in self.stacks.items() if parts.get(kind) == name]
        if users:
            raise ConflictError(
                f"{found.title} belongs to {_stacks(users)}",
                hint=f"`dovetail stack update {users[0]}` gives the stack another one",
            )
        del self.components[kind][name]
        if not self.components[kind]:
            del self.components[kind]
        return found

    def stack(self, name: str) -> dict[str, str]:
        """Return the component names of a stack by type; raises NotFoundError."""
        if name not in self.stacks:
            hint = did_you_mean(name, list(self.stacks)) or "`dovetail stack register` makes one"
            raise NotFoundError(f"there is no stack {name!r} in profile {self.name!r}", hint=hint)
        return self.stacks[name]

    def add_stack(self, name: str, parts: Mapping[str, str]) -> None:
        """Add a stack of registered components; raises ConflictError, NotFoundError or UsageError."""
        check_name("stack", name)
        self._check_free(name)
        self._check_parts(name, parts)
        self.stacks[name] = dict(parts)

    def update_stack(self, name: str, parts: Mapping[str, str], without: Iterable[str] = ()) -> None:
        """Replace or add components of a stack, and take out those of the types `without`."""
        old = self.stack(name)
        missing = [kind for kind in without if kind not in old]
        if missing:
            hint = did_you_mean(missing[0], list(old))
            raise NotFoundError(f"stack {name!r} has no {missing[0].replace('_', ' ')}", hint=hint)
        new = {kind: part for kind, part in {**old, **parts}.items() if kind not in set(without)}
        self._check_parts(name, new)
        self.stacks[name] = new

    def copy_stack(self, name: str, copy: str) -> None:
        """Add a stack `copy` with the components of the stack `name`."""
        self.add_stack(copy, self.stack(name))

    def rename_stack(self, name: str, new: str) -> None:
        """Give a stack another name; its place in lists stays."""
        self.stack(name)
        check_name("stack", new)
        self._check_free(new)
        self.stacks = {new if each == name else each: parts for each, parts in self.stacks.items()}

    def remove_stack(self, name: str) -> None:
        """Remove a stack; its components stay."""
        self.stack(name)
        del self.stacks[name]

    def _check_free(self, name: str) -> None:
        if name in self.stacks:
            raise ConflictError(
                f"stack {name!r} is there already in profile {self.name!r}",
                hint=f"change it with `dovetail stack update {name}`, or choose another name",
            )

    def _check_parts(self, name: str, parts: Mapping[str, str]) -> None:
        for kind, part in parts.items():
            self.component(kind, part)
        missing = [kind for kind in NEEDED if kind not in parts]
        if missing:
            options = " ".join(f"--{kind.replace('_', '-')} local" for kind in missing)
            lacks = " and no ".join(kind.replace("_", " ") for kind in missing)
            raise UsageError(f"stack {name!r} has no {lacks}", hint=f"add for example {options}")

    def document(self) -> dict[str, Any]:
        """Return the profile as plain values; `from_document` reads them."""
        return {
            "format": FORMAT,
            "components": {
                kind: {each.name: _component_document(each) for each in named.values()}
                for kind, named in self.components.items()
            },
            "stacks": {name: dict(parts) for name, parts in self.stacks.items()},
        }

    @classmethod
    def from_document(cls, name: str, document: Mapping[str, Any], where: str) -> Profile:
        """Read what `document` gave or a person wrote; `where` names the source in errors.

        Raises:
            ConfigurationError: something has not the form it should have.
        """
        check_format(document, where)
        check_keys(document, ("format", "components", "stacks"), where, "a profile")
        profile = cls(name)
        for kind, named in _mapping(document, "components", where).items():
            found = {
                check_name(str(kind), each): _mapping(named, each, where)
                for each in _as_mapping(named, kind, where)
            }
            profile.components[kind] = {
                each: _component(kind, each, settings, where) for each, settings in found.items()
            }
        for stack, parts in _mapping(document, "stacks", where).items():
            profile.stacks[check_name("stack", stack)] = {
                kind: check_name(str(kind), part) for kind, part in _as_mapping(parts, stack, where).items()
            }
        return profile


def check_format(document: Mapping[str, Any], where: str) -> None:
    """Refuse what a newer program has written; raises ConfigurationError."""
    if (found := document.get("format", FORMAT)) != FORMAT:
        raise ConfigurationError(
            f"format {found!r} is not the one that this version of Dovetail knows ({FORMAT})",
            hint="a newer Dovetail wrote it; update this one",
            where=where,
        )


def check_keys(document: Mapping[str, Any], known: tuple[str, ...], where: str, what: str) -> None:
    """Refuse a key that means nothing; raises ConfigurationError, with what was perhaps meant."""
    for key in document:
        if key not in known:
            raise ConfigurationError(
                f"{what} has no key {key!r}", hint=did_you_mean(str(key), list(known)), where=where
            )


def component_from_document(kind: str, name: str, document: object, where: str) -> Registered:
    """Read one component: a mapping with `flavor` and, perhaps, `config`."""
    return _component(kind, check_name(kind, name), _as_mapping(document, name, where), where)


def _component(kind: str, name: str, document: Mapping[str, Any], where: str) -> Registered:
    check_keys(document, ("flavor", "config"), where, f"{kind} {name!r}")
    flavor = document.get("flavor")
    if not isinstance(flavor, str):
        raise ConfigurationError(
            f"{kind} {name!r} has no flavor", hint="add 'flavor: wheel/flavor'", where=where
        )
    return Registered(kind, name, flavor, _mapping(document, "config", where))


def _component_document(component: Registered) -> dict[str, Any]:
    settings = {"config": dict(component.config)} if component.config else {}
    return {"flavor": component.flavor, **settings}


def _mapping(document: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    return _as_mapping(document.get(key), key, where)


def _as_mapping(value: object, key: object, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{key!r} is {type(value).__name__}, a mapping is expected", hint="mend it", where=where
        )
    return value


def _stacks(names: list[str]) -> str:
    return f"stack {names[0]!r}" if len(names) == 1 else "stacks " + ", ".join(map(repr, names))
