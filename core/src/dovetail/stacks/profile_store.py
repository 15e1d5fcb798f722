"""Where profiles are kept (a file each, or a database that such a file names), and which is active."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from dovetail.errors import ConfigurationError, ConflictError, NotFoundError, UsageError, did_you_mean
from dovetail.names import check_name
from dovetail.references import load
from dovetail.stacks.document import change, lock, read_document, remove_document, write_document
from dovetail.stacks.profile import DEFAULT, FORMAT, Profile, check_format
from dovetail.stacks.workspace import choice, choose_profile, choose_stack, home

T = TypeVar("T")
SQL = "dovetail.stacks.sql_profile:SqlProfile"
_HEADING = "A profile of Dovetail: components, and the stacks made of them."


class ProfileStore(Protocol):
    """A place that keeps one profile."""

    name: str

    @property
    def place(self) -> str:
        """Return where it is, for people: a path, or a URL without password."""

    def read(self) -> Profile:
        """Return the profile as it is now."""

    def edit(self, changes: Callable[[Profile], T]) -> T:
        """Apply `changes` to the newest state and keep the result; nothing is kept when it raises.

        It may be called more than once when another process was faster.
        """

    def remove(self) -> None:
        """Forget the profile."""


class FileProfile:
    """A profile in a YAML file; one that has no file yet is as new."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path

    @property
    def place(self) -> str:
        """Return the path."""
        return str(self.path)

    def read(self) -> Profile:
        """Return what the file says."""
        return self._from(read_document(self.path))

    def edit(self, changes: Callable[[Profile], T]) -> T:
        """Change the file under its lock."""
        results: list[T] = []

        def changed(document: dict[str, Any] | None) -> dict[str, Any]:
            profile = self._from(document)
            results.append(changes(profile))
            return profile.document()

        change(self.path, changed, _HEADING)
        return results[0]

    def remove(self) -> None:
        """Remove the file."""
        with lock(self.path):
            remove_document(self.path)

    def _from(self, document: dict[str, Any] | None) -> Profile:
        if document is None:
            return Profile.new(self.name)
        return Profile.from_document(self.name, document, str(self.path))


def active_profile_name() -> str:
    """Return the name of the profile in use: DOVETAIL_PROFILE, else what was chosen here."""
    given = os.environ.get("DOVETAIL_PROFILE")
    return check_name("profile", given) if given else choice().profile


def open_profile(name: str | None = None) -> ProfileStore:
    """Return the store of the profile `name`, of the active one by default.

    Raises:
        NotFoundError: there is no such profile.
    """
    name = active_profile_name() if name is None else check_name("profile", name)
    path = _path(name)
    document = read_document(path)
    if document is None and name != DEFAULT:
        near = did_you_mean(name, profile_names())
        raise NotFoundError(
            f"there is no profile {name!r}",
            hint=f"{near}; `dovetail profile create {name}` makes it, `dovetail profile set` chooses another",
        )
    if document is not None and "url" in document:
        return _sql_profile(name, document, path)
    return FileProfile(name, path)


def profile_names() -> list[str]:
    """Return the names of all profiles in order; `default` is always there."""
    files = _directory().glob("[!.]*.yaml") if _directory().is_dir() else ()
    return sorted({DEFAULT, *(file.stem for file in files)})


def create_profile(name: str, url: str | None = None) -> ProfileStore:
    """Make a profile, in a file or in the database at `url`.

    Raises:
        ConflictError: it is there already.
        UsageError: the URL holds a password.
    """
    path = _path(check_name("profile", name))
    with lock(path):
        if name == DEFAULT or path.exists():
            raise ConflictError(
                f"profile {name!r} is there already", hint="choose another name, or `dovetail profile set` it"
            )
        if url is None:
            store: ProfileStore = FileProfile(name, path)
            write_document(path, Profile.new(name).document(), _HEADING)
        else:
            _check_url(url)
            url = _anchored(url)
            store = load(SQL)(name, url)
            store.edit(lambda _: None)
            write_document(path, {"format": FORMAT, "url": url}, _HEADING)
    return store


def delete_profile(name: str) -> None:
    """Remove a profile with its stacks and components.

    A profile in a database is forgotten here and stays there for others.

    Raises:
        ConflictError: it is the active one, or `default`.
    """
    open_profile(name)
    if name == DEFAULT:
        raise ConflictError("the profile 'default' is always there", hint="delete its stacks one by one")
    if name == active_profile_name():
        raise ConflictError(
            f"profile {name!r} is the active one", hint="`dovetail profile set` another one first"
        )
    FileProfile(name, _path(name)).remove()


def set_profile(name: str) -> Path:
    """Make a profile the active one here; return the file that now says so."""
    open_profile(name)
    return choose_profile(name)


def active_stack_name(profile: str) -> str:
    """Return the name of the stack in use: DOVETAIL_STACK, else what was chosen here for the profile."""
    given = os.environ.get("DOVETAIL_STACK")
    return check_name("stack", given) if given else choice().stacks.get(profile, DEFAULT)


def set_stack(name: str) -> Path:
    """Make a stack of the active profile the active one here; return the file that now says so."""
    store = open_profile()
    store.read().stack(name)
    return choose_stack(store.name, name)


def _directory() -> Path:
    return home() / "profiles"


def _path(name: str) -> Path:
    return _directory() / f"{name}.yaml"


def _sql_profile(name: str, document: dict[str, Any], path: Path) -> ProfileStore:
    check_format(document, str(path))
    url = os.environ.get(f"DOVETAIL_PROFILE_{_variable(name)}_URL") or document["url"]
    if not isinstance(url, str):
        raise ConfigurationError(f"the url {url!r} is no text", hint="mend it", where=str(path))
    store: ProfileStore = load(SQL)(name, url)
    return store


def _variable(name: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in name).upper()


def _anchored(url: str) -> str:
    """Return the URL of an SQLite file with its whole path: it is read from other directories as well."""
    scheme, slashes, path = url.partition(":///")
    if scheme.partition("+")[0] != "sqlite" or not path or path.startswith((":", "file:")):
        return url
    return f"{scheme}{slashes}{Path(path).absolute()}"


def _check_url(url: str) -> None:
    """Refuse a password: it would stand in a file in plain text."""
    address = url.partition("://")[2].partition("/")[0]
    user, sign, _ = address.rpartition("@")
    if sign and ":" in user:
        raise UsageError(
            "the URL holds a password, which would be kept in plain text",
            hint="leave it out; DOVETAIL_PROFILE_<NAME>_URL may hold the whole URL",
        )
