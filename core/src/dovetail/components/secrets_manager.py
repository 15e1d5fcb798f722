"""Secrets managers: named groups of confidential values, given out when they are needed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from dovetail.components.component import Component
from dovetail.errors import StoreError


class SecretsManager(Component):
    """Gives out secrets. A secret is a name and some keys with values, all of them text.

    A `scope` keeps secrets of equal name apart (a workspace, a component); None is the one that all share.
    A `schema` names the kind of a secret and thereby the keys it must have; `arbitrary` has none.

    An implementation owes:

    1. `get` returns all keys of one secret, or raises NotFoundError that names secret and scope.
    2. `names` lists the secrets of a scope in order, without values, and reads no value for it.
    3. No value is in a message, a log, a representation, a process argument or a file without encryption.
    4. With `writes`, `put` replaces a secret whole or not at all, and what `get` returns afterwards, in any
       process, is what was put; without, `put` and `delete` are refused.
    5. With `writes`, `delete` removes a secret; what is not there is no error.
    6. A secret of one scope is never given out for another.
    """

    type: ClassVar[str] = "secrets_manager"
    writes: ClassVar[bool] = False
    """Whether secrets can be put and deleted through it."""

    @abstractmethod
    def get(self, name: str, *, scope: str | None = None) -> Mapping[str, str]:
        """Return the keys and values of a secret."""

    @abstractmethod
    def names(self, *, scope: str | None = None) -> list[str]:
        """Return the names of the secrets in a scope."""

    def schema(self, name: str, *, scope: str | None = None) -> str:
        """Return the schema of a secret, `arbitrary` where the place keeps none."""
        del name, scope
        return "arbitrary"

    def put(
        self, name: str, values: Mapping[str, str], *, schema: str = "arbitrary", scope: str | None = None
    ) -> None:
        """Keep a secret under `name`, in place of one that is there."""
        raise self._refusal("put", name)

    def delete(self, name: str, *, scope: str | None = None) -> None:
        """Remove a secret."""
        raise self._refusal("delete", name)

    def _refusal(self, what: str, name: str) -> StoreError:
        return StoreError(
            f"cannot {what} secret {name!r}: {self.name!r} only reads",
            hint="change it where it is kept, or use a secrets manager that writes",
        )
