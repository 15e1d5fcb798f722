"""An installation as a user has it: an environment of its own, built wheels, made-up plugins, a home."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).resolve().parent / "programs"
PLUGIN = '''"""A made-up plugin, number {number}."""
from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_artifact_stores():
    yield Flavor(
        "made-up-{number}",
        contract=1,
        config="{module}.store:Config",
        implementation="{module}.store:Store",
        summary="a store that is only announced",
    )
'''


@dataclass(frozen=True)
class Installation:
    """An environment in a temporary folder; `run` and `env` keep it apart from the one that measures."""

    folder: Path

    @property
    def python(self) -> str:
        """The path of its interpreter."""
        return str(self.folder / "venv" / "bin" / "python")

    @property
    def dovetail(self) -> str:
        """The path of its command."""
        return str(self.folder / "venv" / "bin" / "dovetail")

    @property
    def packages(self) -> Path:
        """The folder of what is installed."""
        (found,) = (self.folder / "venv" / "lib").glob("python*/site-packages")
        return found

    @property
    def work(self) -> Path:
        """The folder commands run in."""
        return self.folder / "work"

    @property
    def env(self) -> dict[str, str]:
        """The environment of a command: byte code is cached, nothing of the user's home is seen."""
        kept = {"PATH", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE"}
        env = {name: value for name, value in os.environ.items() if name in kept}
        return env | {"HOME": str(self.folder / "home"), "NO_COLOR": "1"}

    def program(self, name: str) -> str:
        """Return the path of a program to measure; it lies outside of git, which nobody asks then."""
        return str(self.work / name)

    def run(self, *command: str) -> str:
        """Run a command in it, and return what it printed."""
        return subprocess.run(
            command, cwd=self.work, env=self.env, check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    def install(self, *wheels: Path) -> None:
        """Install wheels by their paths; what they need comes from the index."""
        _install(self.python, *map(str, wheels))

    def add(self, *requirements: str) -> None:
        """Install what a measurement needs besides, from the index."""
        _install(self.python, *requirements)

    def compile(self) -> None:
        """Cache the byte code of everything in it."""
        self.run(self.python, "-m", "compileall", "-q", str(self.packages))


def _install(python: str, *what: str) -> None:
    command = ["uv", "pip", "install", "--quiet", "--link-mode=copy", "--python", python]
    subprocess.run([*command, *what], check=True, cwd=tempfile.gettempdir())


@functools.cache
def _everything() -> tempfile.TemporaryDirectory[str]:
    """Make the folder all installations stand in; it goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="dovetail-bench-")


@functools.cache
def built_wheel(name: str = "dovetail") -> Path:
    """Return a wheel of ours, the core or a plugin: from the wheelhouse that nox made, or built now."""
    house = os.environ.get("DOVETAIL_WHEELHOUSE")
    folder = Path(house) if house else Path(tempfile.mkdtemp(dir=_everything().name))
    if not house:
        source = ROOT / "core" if name == "dovetail" else ROOT / "plugins" / name
        build = ["uv", "build", "--quiet", "--wheel", "-o", str(folder), str(source)]
        subprocess.run(build, check=True)
    (wheel,) = folder.glob(f"{name.replace('-', '_')}-[0-9]*.whl")
    return wheel


def create() -> Installation:
    """Make an installation that holds the core alone, byte code not cached."""
    made = Installation(Path(tempfile.mkdtemp(dir=_everything().name)))
    shutil.copytree(PROGRAMS, made.work, ignore=shutil.ignore_patterns("__pycache__"))
    (made.folder / "home").mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made.folder / "venv")], check=True)
    made.install(built_wheel())
    return made


@functools.cache
def with_plugins(count: int) -> Installation:
    """Make an installation that holds the core and `count` made-up plugins, all byte code cached."""
    made = create()
    if count:
        made.install(*(plugin_wheel(number, made.folder) for number in range(count)))
    made.compile()
    return made


def with_wheels(*names: str) -> Installation:
    """Make an installation that holds the core and these wheels of ours, all byte code cached."""
    made = create()
    made.install(built_wheel(), *map(built_wheel, names))
    made.compile()
    return made


def plugin_wheel(number: int, folder: Path) -> Path:
    """Write the wheel of a made-up plugin: a wheel is a zip file with a record of its files."""
    module = f"dovetail_made_up_{number}"
    info = f"{module}-1.0.dist-info"
    files = {
        f"{module}/__init__.py": PLUGIN.format(number=number, module=module),
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: dovetail-made-up-{number}\nVersion: 1.0\nSummary: Made up\n"
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[dovetail.integrations]\nmade-up-{number} = {module}\n",
    }
    record = "".join(f"{name},{_digest(text)},{len(text.encode())}\n" for name, text in files.items())
    wheel = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(name, text)
    return wheel


def _digest(text: str) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
