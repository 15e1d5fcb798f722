"""The artifact store on a share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from dovetail.plugin import ComponentConfig, FsspecArtifactStore, Reach
from dovetail_example_share.settings import ShareConfig


class Share(FsspecArtifactStore):
    """Artifacts as files of a directory that other machines see as well.

    Everything the contract asks for comes from the base: a file gets a temporary name, and its own once it
    is complete. Nothing is used that a mounted file system may lack, such as hard links.
    """

    config_class: ClassVar[type[ComponentConfig]] = ShareConfig

    def __init__(self, name: str, config: ComponentConfig, *, home: Path) -> None:
        super().__init__(name, config, home=home)
        self.reach = Reach.NETWORK

    def filesystem_options(self) -> Mapping[str, Any]:
        return {}
