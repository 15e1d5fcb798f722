"""Loading what an entry point names, by stevedore fed from our own inventory; failures are kept as data."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import Any

from stevedore.extension import ExtensionManager


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was loaded, or what was raised instead."""

    plugin: Any = None
    error: BaseException | None = None


class _Fed(ExtensionManager[Any]):
    """An extension manager that looks for nothing: its entry points are given to it."""

    def __init__(self, points: list[EntryPoint]) -> None:
        self._points = points
        self.failures: dict[str, BaseException] = {}
        super().__init__(points[0].group, on_load_failure_callback=_Fed._keep)

    def list_entry_points(self) -> list[EntryPoint]:
        return self._points

    @staticmethod
    def _keep(manager: ExtensionManager[Any], point: EntryPoint, error: BaseException) -> None:
        manager.failures[point.name] = error  # type: ignore[attr-defined] # it is one of ours


def load(group: str, name: str, value: str) -> Loaded:
    """Load `module` or `module:attribute`; `group` and `name` say on whose behalf.

    Whatever the plugin's code raises is returned, also SystemExit and AssertionError, which stevedore lets
    pass; only the user's Ctrl-C goes on.
    """
    try:
        manager = _Fed([EntryPoint(name, value, group)])
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the border around a plugin
        return Loaded(error=error)
    if manager.extensions:
        return Loaded(plugin=manager.extensions[0].plugin)
    return Loaded(error=manager.failures[name])
