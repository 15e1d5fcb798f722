"""The step hierarchy: base classes for the usual kinds of steps, each with a placeholder to override."""

from __future__ import annotations

from typing import Any, ClassVar

from dovetail.definition.placeholder import placeholder
from dovetail.definition.step import BaseStep

# Every placeholder is overridden with typed arguments and a typed result; those are the step's signature.
# A subclass may override `entrypoint` instead, and layers may be put in between: see `placeholder`.


class BaseDatasourceStep(BaseStep):
    """Brings data into the pipeline. Override `read`."""

    entry: ClassVar[str] = "read"

    @placeholder
    def read(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return the data."""
        raise NotImplementedError


class BaseSplitStep(BaseStep):
    """Divides data, such as into training and test data. Override `split`, with several outputs."""

    entry: ClassVar[str] = "split"

    @placeholder
    def split(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return the parts, in the order of the outputs."""
        raise NotImplementedError


class BasePreprocessorStep(BaseStep):
    """Makes data ready for training. Override `preprocess`."""

    entry: ClassVar[str] = "preprocess"

    @placeholder
    def preprocess(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return the prepared data."""
        raise NotImplementedError


class BaseAnalyzerStep(BaseStep):
    """Describes data: statistics, a schema. Override `analyze`."""

    entry: ClassVar[str] = "analyze"

    @placeholder
    def analyze(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return what was found."""
        raise NotImplementedError


class BaseTrainerStep(BaseStep):
    """Trains a model. Override `train`."""

    entry: ClassVar[str] = "train"

    @placeholder
    def train(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return the trained model."""
        raise NotImplementedError


class BaseEvaluatorStep(BaseStep):
    """Judges a model on data. Override `evaluate`."""

    entry: ClassVar[str] = "evaluate"

    @placeholder
    def evaluate(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return the verdict or the metrics."""
        raise NotImplementedError


class BaseDriftDetectionStep(BaseStep):
    """Compares data with reference data. Override `detect`."""

    entry: ClassVar[str] = "detect"

    @placeholder
    def detect(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return whether, or how far, the data has drifted."""
        raise NotImplementedError


class BaseDeployerStep(BaseStep):
    """Hands a model to where it serves. Override `deploy`."""

    entry: ClassVar[str] = "deploy"

    @placeholder
    def deploy(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Return what names the deployment."""
        raise NotImplementedError


class BaseAlerterStep(BaseStep):
    """Tells somebody. Override `alert`."""

    entry: ClassVar[str] = "alert"

    @placeholder
    def alert(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - overridden with types
        """Send the message; return what became of it."""
        raise NotImplementedError
