"""Schemas of secrets: which keys a secret of a kind has, so that its users find them by these names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dovetail.errors import ConfigurationError, did_you_mean


@dataclass(frozen=True, slots=True)
class SecretSchema:
    """A kind of secret: the keys it must have, and those it may have.

    `shown` are keys whose values are not confidential and need no hiding while they are typed.
    """

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    summary: str = ""

    @property
    def free(self) -> bool:
        """Say whether any key will do."""
        return not self.required and not self.optional

    def check(self, keys: Iterable[str]) -> None:
        """Raise ConfigurationError where keys lack or are none of this kind."""
        given = list(keys)
        lacking = [each for each in self.required if each not in given]
        unknown = (
            [] if self.free else [each for each in given if each not in (*self.required, *self.optional)]
        )
        if lacking:
            raise ConfigurationError(
                f"a secret of schema {self.name!r} needs {', '.join(map(repr, lacking))}",
                hint=f"its keys are {', '.join((*self.required, *self.optional))}",
            )
        if unknown:
            near = did_you_mean(unknown[0], [*self.required, *self.optional])
            raise ConfigurationError(f"a secret of schema {self.name!r} has no key {unknown[0]!r}", hint=near)
