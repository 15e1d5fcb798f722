"""Building the image of a stack: what would go into it, and the image itself."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dovetail
from dovetail.errors import ConflictError, StoreError, UsageError
from dovetail.execution.image.buildah import SCRATCH, Buildah, is_local
from dovetail.execution.image.distributions import Locked, locked
from dovetail.execution.image.layout import KeptImage, drop_local_ids, read_layout
from dovetail.execution.image.packages import install
from dovetail.execution.image.recipe import (
    INSTALLED,
    PACKAGES,
    PROJECT,
    REQUIREMENTS,
    check_command,
    recipe,
    settings,
)
from dovetail.execution.provenance import GitState
from dovetail.execution.remote.code_archive import (
    check_size,
    in_megabytes,
    tree_digest,
    write_archive,
)
from dovetail.execution.remote.code_files import code_files
from dovetail.records.report import code_path
from dovetail.records.stack import StackRecord

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_SHORT = 12


@dataclass(frozen=True, slots=True)
class Order:
    """What an image is to be made of: a stack, the code below `root`, a base, further distributions."""

    stack: StackRecord
    root: Path
    base: str
    requirements: tuple[str, ...] = ()
    tag: str | None = None
    find_links: Path | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an image; nothing has been made yet."""

    order: Order
    files: tuple[str, ...]
    size: int
    code: str
    distributions: tuple[Locked, ...]
    labels: dict[str, str]

    @property
    def tag(self) -> str:
        """Return the tag that was asked for, else one that stands for the code."""
        return self.order.tag or self.code.partition(":")[2][:_SHORT]

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "stack": self.order.stack.name,
            "base": self.order.base,
            "tag": self.tag,
            "code": {"digest": self.code, "files": len(self.files), "bytes": self.size},
            "distributions": [each.line for each in self.distributions],
            "labels": self.labels,
        }


def contents(order: Order) -> Contents:
    """Return what the image would be made of.

    Raises:
        UsageError: the tag cannot be one.
        PlanError: the code is too large.
        NotFoundError: a distribution that was asked for is not installed here.
    """
    if order.tag is not None and not _TAG.fullmatch(order.tag):
        raise UsageError(
            f"{order.tag!r} cannot be a tag", hint="use at most 128 letters, digits, '_', '.' and '-'"
        )
    git = GitState(order.root)
    try:
        files = code_files(order.root)
        size = check_size(order.root, files)
        code = tree_digest(order.root, files)
        flavors = [each.flavor for each in order.stack.components.values()]
        wheels = sorted({flavor.partition("/")[0] for flavor in flavors} - {"dovetail"})
        distributions = locked(["dovetail", *wheels, *order.requirements], order.find_links)
        commit, dirty = git.result()
    finally:
        git.close()
    labels = {
        "org.opencontainers.image.title": f"stack {order.stack.name}",
        "org.opencontainers.image.description": "The code of a project, and what its steps need to run.",
        "dovetail.code": code,
        "dovetail.stack": order.stack.name,
        "dovetail.version": dovetail.__version__,
    }
    if commit is not None and not dirty:
        labels["org.opencontainers.image.revision"] = commit
    return Contents(order, tuple(files), size, code, tuple(distributions), labels)


def build(
    what: Contents, layout: Path, echo: Callable[[str], None], *, replace: bool = False, check: bool = True
) -> KeptImage:
    """Make the image and write it into the layout, all of it or nothing; `echo` hears how far it is.

    Args:
        what: What goes into it.
        layout: Where it is written to.
        echo: Is told.
        replace: Whether a layout that is there gives way.
        check: Whether to see that a step can run in it. An image without a base is not asked.

    Raises:
        ConflictError: something is at `layout`.
        IntegrationError: buildah is missing, or the distributions cannot be installed.
        StoreError: the base cannot be had, or buildah fails.
        ConfigurationError: no step can run in it.
    """
    if not replace and layout.exists():
        raise ConflictError(f"{str(layout)!r} is there already", hint="name another place, or remove it")
    buildah = Buildah(lambda line: echo(f"  {line}"))
    order = what.order
    _make_parent(layout)
    echo(f"base: {order.base}")
    base = buildah.base(order.base)
    with tempfile.TemporaryDirectory(prefix="dovetail-image-") as place:
        context = Path(place) / "context"
        _fill(context, what, recipe(base), echo)
        name = f"localhost/{repository_of(order.stack.name)}:{what.tag}"
        told = settings(what.labels, "" if is_local(order.base) else order.base)
        image = buildah.build(context, name, told)
        if check and order.base != SCRATCH:
            echo("trying to start a step in it")
            try:
                buildah.check(image, check_command(), order.base)
            except BaseException:
                buildah.forget(name)
                raise
        echo(f"writing it to {layout}")
        _write(buildah, image, layout, what.tag)
    return read_layout(layout)


def repository_of(stack: str) -> str:
    """Return the repository of a stack's images: its name, in the alphabet of registries."""
    name = re.sub(r"[._-]+", "-", stack.lower()).strip("-")
    return f"dovetail/{name or 'stack'}"


def _fill(context: Path, what: Contents, text: str, echo: Callable[[str], None]) -> None:
    """Lay out what the recipe copies."""
    installed, project = context / INSTALLED, context / PROJECT
    archive = project / code_path(what.code)
    archive.parent.mkdir(parents=True)
    installed.mkdir()
    echo(f"code: {in_megabytes(what.size)} in {len(what.files)} files, {what.code}")
    with archive.open("wb") as stream:
        write_archive(what.order.root, what.files, stream, what.code)
    echo(f"distributions: {len(what.distributions)}")
    lines = "".join(f"{each.line}\n" for each in what.distributions)
    (installed / REQUIREMENTS).write_text(lines, encoding="utf-8")
    install(what.distributions, installed / PACKAGES, lambda line: echo(f"  {line}"), what.order.find_links)
    (context / "Containerfile").write_text(text, encoding="utf-8")
    _set_modes([context, installed, project, *project.rglob("*"), installed / REQUIREMENTS])


def _set_modes(paths: Sequence[Path]) -> None:
    """Make the modes those that any other machine would give."""
    for each in paths:
        each.chmod(0o755 if each.is_dir() else 0o644)


def _make_parent(layout: Path) -> None:
    """See at the beginning that the image can be written in the end."""
    try:
        layout.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(prefix=".image-", dir=layout.parent).cleanup()
    except OSError as error:
        raise _unwritable(layout, error) from error


def _write(buildah: Buildah, image: str, layout: Path, tag: str) -> None:
    """Write the layout beside its place, then move it there."""
    try:
        with tempfile.TemporaryDirectory(prefix=".image-", dir=layout.parent) as place:
            made, old = Path(place) / "made", Path(place) / "old"
            buildah.write_layout(image, made, tag)
            drop_local_ids(made)
            if layout.exists():
                layout.rename(old)
            made.rename(layout)
    except OSError as error:
        raise _unwritable(layout, error) from error


def _unwritable(layout: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the image cannot be written to {str(layout)!r}: {error.strerror or error}",
        hint="free space there, or name another place with --output",
    )
