"""Where a run's code stood and what it stood on: git commit, dirty flag, versions of what was loaded."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import dovetail

_PATIENCE = 10.0


class GitState:
    """Asks git in the background, while the pipeline is compiled and the stack is put together."""

    def __init__(self, root: Path) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._result: tuple[str | None, bool | None] | None = None
        if not _under_git(root):
            self._result = (None, None)
            return
        command = [
            "git",
            "-C",
            str(root),
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=normal",
            "--",
            ".",
        ]
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            )
        except OSError:
            self._result = (None, None)

    def result(self) -> tuple[str | None, bool | None]:
        """Return commit and dirty flag, both None where there is no repository, no commit or no git."""
        if self._result is None and self._child is not None:
            try:
                answer, _ = self._child.communicate(timeout=_PATIENCE)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.communicate()
                answer = b""
            self._result = _read_status(answer.decode(errors="replace"), self._child.returncode)
        return self._result or (None, None)

    def close(self) -> None:
        """Take no answer any more, if none was taken."""
        if self._result is None and self._child is not None:
            self._child.kill()
            self._child.communicate()


def _under_git(root: Path) -> bool:
    return any((each / ".git").exists() for each in (root, *root.parents))


def _read_status(answer: str, code: int) -> tuple[str | None, bool | None]:
    if code != 0:
        return None, None
    commit, dirty = None, False
    for line in answer.splitlines():
        if line.startswith("# branch.oid "):
            commit = line.removeprefix("# branch.oid ")
        elif not line.startswith("#"):
            dirty = True
    return (None, None) if commit in (None, "(initial)") else (commit, dirty)


def library_versions() -> dict[str, str]:
    """Return the versions of Python, Dovetail and the libraries loaded so far that state one."""
    versions = {"python": platform.python_version(), "dovetail": dovetail.__version__}
    for name, module in list(sys.modules.items()):
        if "." not in name and not name.startswith("_") and name not in sys.stdlib_module_names:
            version = getattr(module, "__dict__", {}).get("__version__")
            if isinstance(version, str):
                versions[name] = version
    return dict(sorted(versions.items()))
