"""The operator: a process of the environment that a step declares, which is made first where it is new."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from uv import find_uv_bin

from dovetail.plugin import (
    ComponentConfig,
    ConfigurationError,
    ProcessStepOperator,
    StepSubmission,
    digest_value,
)
from dovetail_uv.build import command_in
from dovetail_uv.environment import Environment
from dovetail_uv.local_source import local_sources
from dovetail_uv.origins import origin_lines
from dovetail_uv.settings import UvStepOperatorConfig

_NAME = 24


class UvStepOperator(ProcessStepOperator):
    """Runs steps in isolated environments: what they declare, Dovetail as it is here, and nothing else.

    An environment that is there costs no process of uv. One that is new is made within the attempt, so that
    nobody waits for it but the step, and what uv says is in the step's log.
    """

    config_class: ClassVar[type[ComponentConfig]] = UvStepOperatorConfig
    isolates: ClassVar[bool] = True

    def prepared(self, submission: StepSubmission) -> Sequence[str]:
        """Return the command in its environment, or what makes that before."""
        environment = self.environment(submission)
        if environment.made:
            return [*command_in(environment), *submission.command[1:]]
        build = [sys.executable, "-P", "-m", "dovetail_uv.build"]
        return [*build, environment.to_json(), *submission.command[1:]]

    def environment(self, submission: StepSubmission) -> Environment:
        """Return the environment of an attempt.

        Raises:
            ConfigurationError: a wheel that it needs is not installed here, a file that it requires cannot be
                read, or there is no uv.
        """
        for each in submission.requirements:
            if "\n" in each or each.lstrip().startswith("-"):
                raise ConfigurationError(
                    f"step {submission.step!r} requires {each!r}, which is no requirement but an option",
                    hint="options are settings of the step operator: index_url, find_links, offline",
                )
        origins = origin_lines(submission.wheels)
        python = submission.python or str(getattr(sys, "_base_executable", sys.executable))
        version = submission.python or platform.python_version()
        lines = (*sorted(submission.requirements), *origins)
        local = local_sources(submission.requirements, {**os.environ, **submission.environment})
        stamps = tuple(each.stamp() for each in local)
        parts = (1, lines, dict(origins), version, python, self._options(), platform.machine(), *stamps)
        cache = self.config.cache_directory or self.home / "uv_environments"
        return Environment(
            name=digest_value(parts).partition(":")[2][:_NAME],
            cache=str(Path(cache).absolute()),
            uv=self._uv(),
            python=python,
            lines=lines,
            options=(*self._options(), *(option for each in local for option in each.anew)),
        )

    def _options(self) -> tuple[str, ...]:
        found = ["--index-url", self.config.index_url] if self.config.index_url else []
        for each in self.config.find_links:
            found += ["--find-links", str(each)]
        return (*found, *(["--offline"] if self.config.offline else []))

    def _uv(self) -> str:
        if self.config.uv is not None:
            return str(self.config.uv)
        try:
            return str(find_uv_bin())
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"step operator {self.name!r} finds no uv: {error}", hint="pip install uv, or set `uv`"
            ) from error
