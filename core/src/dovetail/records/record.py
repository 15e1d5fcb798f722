"""The base of all records: frozen, strict about unknown keys, with one canonical JSON form."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from dovetail.errors import ConfigurationError
from dovetail.hashing import canonical_json, digest_bytes

_AROUND = 40
"""So many characters around an offending one are shown."""


class Record(BaseModel):
    """A frozen value.

    Fields at their default are left out of its JSON, so that a field added later changes no digest of
    what was written before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return the record itself: it is frozen, and pydantic would copy the defaults of every one."""
        del memo
        return self

    def document(self) -> dict[str, Any]:
        """Return the record as plain JSON values, defaults left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def to_json(self) -> bytes:
        """Return the canonical JSON bytes."""
        try:
            return canonical_json(self.document())
        except UnicodeEncodeError as error:
            raise ConfigurationError(
                f"{str(error.object)[max(0, error.start - _AROUND) : error.end + _AROUND]!r} is no text: "
                "bytes in it are not UTF-8",
                hint="file names and values have to be UTF-8; in an ASCII locale set PYTHONUTF8=1",
            ) from error

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read what `to_json` wrote. Raises pydantic.ValidationError."""
        return cls.model_validate_json(data)

    def content_digest(self) -> str:
        """Return the tagged digest of the canonical JSON."""
        return digest_bytes(self.to_json())


def now() -> int:
    """Return the time as records keep it: microseconds since 1970 in UTC."""
    return time.time_ns() // 1000


def moment(microseconds: int) -> datetime:
    """Return a record's time as an aware datetime in UTC."""
    return datetime.fromtimestamp(microseconds / 1_000_000, UTC)
