"""buildah as a child process: from a base and a directory to an image in the OCI layout."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dovetail.discovery.install import run_heard
from dovetail.errors import ConfigurationError, IntegrationError, StoreError
from dovetail.names import new_id

SCRATCH = "scratch"
"""The base that has nothing in it."""

_ID = re.compile(r"[0-9a-f]{64}")
_LOCAL = ("oci:", "oci-archive:", "docker-archive:", "dir:")


def is_local(base: str) -> bool:
    """Say whether a base is named by a place of this machine."""
    return base.startswith(_LOCAL)


class Buildah:
    """Builds images; `echo` hears each line it says. Its own variables and files say where it keeps images.

    Raises:
        IntegrationError: it is not installed.
    """

    def __init__(self, echo: Callable[[str], None]) -> None:
        self._echo = echo
        program = shutil.which("buildah")
        if program is None:
            raise IntegrationError(
                "images are built by the program 'buildah', which is not here",
                hint="apt install buildah (Debian, Ubuntu) or dnf install buildah (Fedora); it needs Linux",
            )
        self._program = program

    def base(self, name: str) -> str:
        """Return what a recipe calls the base image, which is here then.

        Raises:
            StoreError: it cannot be had.
        """
        if name == SCRATCH:
            return name
        transport, _, rest = name.partition(":")
        heard: list[str] = []
        with tempfile.TemporaryDirectory(prefix="dovetail-") as place:
            if is_local(name):  # under a name that says nothing of where it is
                path, _, tag = rest.partition(":")
                (Path(place) / "dovetail-base").symlink_to(Path(path).expanduser().absolute())
                name = f"{transport}:dovetail-base{f':{tag}' if tag else ''}"
            code, last = run_heard([self._program, "pull", "--quiet", name], heard.append, Path(place))
        found = [each for each in heard if _ID.fullmatch(each)]
        if code or not found:
            asked = f"{transport}:{rest}" if rest else name
            raise StoreError(
                f"the base image {asked!r} cannot be had: {last.removeprefix('Error: ')}",
                hint="name one that is here or can be reached: --base REGISTRY/NAME:TAG, --base oci:DIR; "
                "`buildah login REGISTRY` logs in",
            )
        return found[-1]

    def build(self, context: Path, name: str, settings: Sequence[str]) -> str:
        """Return the id of the image that the recipe in `context` makes, known here by `name` as well.

        Raises:
            StoreError: it cannot be built.
        """
        noted = context.parent / "image-id"
        command = ["build", "--layers", "--pull=never", *settings, "--iidfile", str(noted)]
        self._run("build the image", *command, "--tag", name, "--file", "Containerfile", ".", at=context)
        return noted.read_text(encoding="utf-8").strip().removeprefix("sha256:")

    def check(self, image: str, command: Sequence[str], base: str) -> None:
        """Run a command in an image, which does not change by that.

        Raises:
            ConfigurationError: it fails.
        """
        container = f"dovetail-{new_id()}"
        self._run("look into the image", "from", "--quiet", "--pull=never", "--name", container, image)
        heard: list[str] = []
        try:
            code, last = run_heard([self._program, "run", container, "--", *command], heard.append)
        finally:
            run_heard([self._program, "rm", container], lambda _: None)
        if code:
            said = [
                each for each in heard if not each.startswith(("Error: ", "time="))
            ]  # its own, below ours
            raise ConfigurationError(
                f"no step can run in an image on base {base!r}: {said[-1] if said else last}",
                hint=f"name a base whose {command[0]!r} is the Python of this version, with the C library of "
                "this machine; --no-check takes any base",
            )

    def write_layout(self, image: str, place: Path, tag: str) -> None:
        """Write an image into the new layout `place`.

        Raises:
            StoreError: it cannot be written.
        """
        target = f"oci:{place.name}:{tag}"
        command = ["push", "--quiet", "--disable-compression=false", image, target]
        self._run("write the image", *command, at=place.parent)

    def forget(self, name: str) -> None:
        """Remove an image that is of no use, as far as buildah lets go of it."""
        run_heard([self._program, "rmi", "--force", name], lambda _: None)

    def _run(self, what: str, *arguments: str, at: Path | None = None) -> None:
        code, last = run_heard([self._program, *arguments], self._echo, at)
        if code:
            raise StoreError(
                f"buildah cannot {what}: {last.removeprefix('Error: ')}",
                hint="where it may not mount or start containers, set STORAGE_DRIVER=vfs and "
                "BUILDAH_ISOLATION=chroot",
            )
