"""The settings of the operator."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, model_validator

from dovetail.plugin import LocalPath, ProcessOperatorConfig

_INSTEAD = "passwords belong into uv's own settings: variables UV_INDEX_*, or a netrc file"


class UvStepOperatorConfig(ProcessOperatorConfig):
    """Where environments are kept, and where uv looks for what goes into them."""

    model_config = ConfigDict(hide_input_in_errors=True)

    cache_directory: LocalPath | None = Field(
        default=None, description="where environments are kept; default: the store's folder"
    )
    index_url: str | None = Field(
        default=None, description="package index, without a password; default: that of uv's own settings"
    )
    find_links: tuple[LocalPath, ...] = Field(default=(), description="folders with further distributions")
    offline: bool = Field(default=False, description="use only what uv has in its own cache")
    uv: LocalPath | None = Field(default=None, description="the uv to call; default: that of the wheel `uv`")

    # Of the whole model, for the error of a field shows its value.
    @model_validator(mode="after")
    def _keeps_no_password(self) -> Self:
        """Keep it out of the profile, and of the command line of uv, which everybody on the machine sees."""
        if self.index_url is None:
            return self
        if "{{" in self.index_url:
            raise ValueError(f"'index_url' takes no reference to a secret; {_INSTEAD}")
        if _has_password(self.index_url):
            raise ValueError(f"a password does not belong into 'index_url'; {_INSTEAD}")
        return self


def _has_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # its own text shows the address
        host, port, parts = None, None, urlsplit("")
    if "@" in url and (not host or port == 0):
        raise ValueError("'index_url' has the form https://host/path")
    return parts.password is not None
