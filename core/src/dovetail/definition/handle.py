"""Handles: what stands for the outputs of a step while a pipeline is composed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn, Protocol, Self

from dovetail.errors import DefinitionError, did_you_mean

RESERVED = ("after",)
"""Names that no output may have: a handle has a method of that name."""


class Source(Protocol):
    """What a handle must know of the call it stands for."""

    @property
    def name(self) -> str:
        """The step's name in the pipeline."""

    @property
    def where(self) -> str:
        """Where it was called."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of its outputs."""

    def wait_for(self, steps: tuple[object, ...]) -> None:
        """Make the step wait for others."""


class Handle:
    """Stands for the outputs of one call of a step, or for one of them.

    Pass it to another step. With several outputs unpack it, or take one by name: `split().train`. It has
    no value yet: the pipeline is only being composed.
    """

    __slots__ = ("_node", "_output")

    def __init__(self, node: Source, output: str | None) -> None:
        self._node = node
        self._output = output

    def after(self, *steps: object) -> Self:
        """Make this step wait for others as well, which need not give it anything; return the handle."""
        self._node.wait_for(steps)
        return self

    def __getattr__(self, name: str) -> Handle:
        """Return the handle of the output `name`."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: str | int) -> Handle:
        """Return the handle of one output, by name or position."""
        names = self._node.outputs
        if isinstance(key, int) and self._output is None and -len(names) <= key < len(names):
            return Handle(self._node, names[key])
        if isinstance(key, str) and key in ((self._output,) if self._output else names):
            return Handle(self._node, key)
        raise DefinitionError(
            f"step {self._node.name!r} has no output {key!r} here",
            hint=did_you_mean(str(key), list(names)) or "it has no outputs",
            where=self._node.where,
        )

    def __iter__(self) -> Iterator[Handle]:
        """Yield one handle for each output."""
        if self._output is not None:
            raise DefinitionError(
                f"{self!r} is one value and cannot be unpacked while the pipeline is composed",
                hint="declare several outputs, such as `-> Output(a=A, b=B)`, or unpack inside a step",
                where=self._node.where,
            )
        return (Handle(self._node, name) for name in self._node.outputs)

    def __bool__(self) -> bool:
        """Refuse: the value is not known yet."""
        return self._refuse("decide anything")

    def __eq__(self, other: object) -> bool:
        """Compare identity with other handles; refuse to compare with a value."""
        if isinstance(other, Handle):
            return self._node is other._node and self._output == other._output
        return self._refuse(f"be compared with {other!r}")

    def __hash__(self) -> int:
        """Hash by identity of the call."""
        return hash((id(self._node), self._output))

    def __repr__(self) -> str:
        """Name step and output."""
        of = f"output {self._output!r}" if self._output else "outputs"
        return f"<{of} of step {self._node.name!r}>"

    def _refuse(self, what: str) -> NoReturn:
        raise DefinitionError(
            f"{self!r} cannot {what}: it has no value while the pipeline is composed",
            hint="do that inside a step",
            where=self._node.where,
        )


def target(handle: Handle) -> tuple[Any, str | None]:
    """Return the node a handle stands for, and the output, None where it stands for all or for none."""
    return handle._node, handle._output  # noqa: SLF001 - attributes of a handle are names of outputs


def holds_handle(value: object) -> bool:
    """Say whether a container holds a handle, at any depth."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Handle):
            return True
        if isinstance(each, dict):
            waiting.extend(each.keys())
            waiting.extend(each.values())
        elif isinstance(each, list | tuple | set | frozenset):
            waiting.extend(each)
    return False
