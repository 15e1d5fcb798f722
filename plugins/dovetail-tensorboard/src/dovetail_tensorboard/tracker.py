"""The tracker: a folder for each pipeline run, in it one for each step, in that an event file per attempt."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tensorboardX import summary
from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo
from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata

from dovetail.plugin import ExperimentTracker, Reach, TrackedStep
from dovetail_tensorboard.event_file import EventFile
from dovetail_tensorboard.settings import TensorBoardTrackerConfig

# As much of an id as tells runs of one name apart.
_TAIL = 8
_STATUS = {"completed": "STATUS_SUCCESS", "failed": "STATUS_FAILURE", "cancelled": "STATUS_FAILURE"}


class TensorBoardTracker(ExperimentTracker):
    """Write parameters and metrics of steps where TensorBoard finds them.

    No two attempts share a file, so steps may run at the same time in any number of processes. An attempt
    hides what earlier ones of its step have logged.
    """

    config_class = TensorBoardTrackerConfig
    reach = Reach.HOST
    _file: EventFile | None = None
    _step: TrackedStep | None = None

    @property
    def directory(self) -> Path:
        """Return the directory for `tensorboard --logdir`."""
        return Path(self.config.log_directory or self.home / "tensorboard")

    def step_started(self, step: TrackedStep) -> None:
        self._close()
        run = self.directory / _folder(step.run_name, step.run_id)
        run.mkdir(parents=True, exist_ok=True)
        self._step = step
        self._folder = run / _safe(step.step)
        self._counts: Counter[str] = Counter()
        # A step that has nothing to show gets no place in the tool's list.
        if step.parameters or self._folder.exists():
            self._log_parameters(self._opened(), step.parameters)

    def log_metric(self, name: str, value: float, index: int | None) -> None:
        if self._step is None:
            return
        place = self._counts[name] if index is None else index
        self._counts[name] = place + 1
        self._opened().add(summary.scalar(name, value), place)

    def step_finished(self, status: str) -> None:
        if self._file is not None:
            self._file.add(_session_end(status))
        self._close()

    def link(self, run_id: str) -> str | None:
        """Return the page of the run where a TensorBoard is known, else its folder."""
        folder = next(iter(sorted(self.directory.glob(f"*-{_safe(run_id)[-_TAIL:]}"))), None)
        if folder is None:
            return None
        if self.config.url is None:
            return str(folder)
        return f"{str(self.config.url).rstrip('/')}/?runFilter={quote(re.escape(folder.name))}#timeseries"

    def close(self) -> None:
        self._close()

    def _opened(self) -> EventFile:
        """Return the file of the attempt; a new one hides what older ones say."""
        if self._file is None:
            self._file = EventFile(self._folder, _safe(self._step.attempt if self._step else ""))
            self._file.start_over()
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._step = None

    def _log_parameters(self, file: EventFile, parameters: Mapping[str, Any]) -> None:
        if not parameters:
            return
        _, start, _ = summary.hparams(dict(_flat(parameters)), {})
        file.add(start)
        text = json.dumps(dict(parameters), indent=2, default=str, ensure_ascii=False)
        file.add(summary.text("parameters", f"```json\n{text}\n```"), 0)


def _folder(run_name: str, run_id: str) -> str:
    """Return the name TensorBoard shows for the run: readable, and told apart by the id."""
    return f"{_safe(run_name)}-{_safe(run_id)[-_TAIL:]}"


def _safe(text: str) -> str:
    """Return a text that cannot lead to another directory."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text).lstrip(".") or "_"


def _flat(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str | bool | float]]:
    """Yield parameters as TensorBoard compares them: numbers, truth values, texts."""
    waiting = list(parameters.items())
    while waiting:
        name, value = waiting.pop(0)
        if isinstance(value, Mapping):
            waiting[:0] = [(f"{name}.{key}", each) for key, each in value.items()]
        elif isinstance(value, str | bool | int | float):
            yield name, value
        else:
            yield name, json.dumps(value, default=str, ensure_ascii=False)


def _session_end(status: str) -> Summary:
    info = SessionEndInfo(status=Status.Value(_STATUS.get(status, "STATUS_UNKNOWN")))
    content = HParamsPluginData(session_end_info=info, version=0).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content)
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag="_hparams_/session_end_info", metadata=metadata)])
