"""The recipe of an image: what stands where in it, how it is labelled, what it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping

from dovetail.execution.remote.code_archive import ARCHIVES
from dovetail.execution.remote.requirement import python_minor

ENTRYPOINT = ["python", "-P", "-m", "dovetail.execution.entrypoint"]
PLACE = "/opt/dovetail"
"""Where everything that an image adds to its base lies."""

INSTALLED, PROJECT = "installed", "project"
"""Directories beside the recipe. What changes less often comes first, and is then not sent again."""

PACKAGES = "packages"
REQUIREMENTS = "requirements.txt"

_CHECK = """\
import sys
if sys.version_info[:2] != ({version}):
    sys.exit("its Python is %d.%d, and the wheels are for {minor}" % sys.version_info[:2])
import dovetail.execution.remote.running
"""


def default_base() -> str:
    """Return the base with the Python of this process."""
    return f"docker.io/library/python:{python_minor()}-slim"


def recipe(base: str) -> str:
    """Return the text of a Containerfile on top of the image that has the id `base`."""
    lines = [
        f"FROM {base}",
        f"ENTRYPOINT {json.dumps(ENTRYPOINT)}",
        f"COPY --chown=0:0 {INSTALLED} {PLACE}",
        f"COPY --chown=0:0 {PROJECT} {PLACE}",
    ]
    return "".join(f"{each}\n" for each in lines)


def settings(labels: Mapping[str, str], base_name: str) -> list[str]:
    """Return what buildah is told beside the recipe: labels and variables, and no time."""
    options = ["--timestamp", "0", "--identity-label=false"]
    options += ["--annotation", f"org.opencontainers.image.base.name={base_name}"]
    for variable, text in (("PYTHONPATH", f"{PLACE}/{PACKAGES}"), (ARCHIVES, PLACE)):
        options += ["--env", f"{variable}={text}"]
    for key, text in sorted(labels.items()):
        options += ["--label", f"{key}={text}"]
    return options


def check_command() -> list[str]:
    """Return a command that succeeds in an image in which steps can run, and writes nothing there."""
    minor = python_minor()
    return ["python", "-B", "-P", "-c", _CHECK.format(version=minor.replace(".", ", "), minor=minor)]
