"""Data validators: is this data, or this model, what it should be?"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from dovetail.components.component import Component
from dovetail.components.visualizer import Picture


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found: how many checks were made, which failed and why, and the tool's own report.

    `failures` maps the name of a check to what was found. `facts` are JSON values for people and gates.
    """

    checks: int
    failures: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    report: Picture | None = None

    @property
    def passed(self) -> bool:
        """Say whether something was checked and nothing failed."""
        return self.checks > 0 and not self.failures


class DataValidator(Component):
    """Looks at data and models without changing them. Used in the step's process.

    An implementation owes:

    1. `profile` describes data and judges nothing: its checks are 0.
    2. `validate_data` makes every check that `expectations` asks for and goes on after a failure. With a
       `reference` it also compares the two (drift).
    3. Nothing checked is not a pass: no expectations, an empty table or a check that could not be made
       never gives `passed`.
    4. An expectation that the tool does not know raises ConfigurationError that names it.
    5. The same input gives the same verdict, failures and facts.
    6. The report needs no further request and escapes what comes from the data.
    """

    type: ClassVar[str] = "data_validator"

    @abstractmethod
    def profile(self, data: Any) -> Validation:  # noqa: ANN401 - whatever the tool can look at
        """Describe data."""

    @abstractmethod
    def validate_data(self, data: Any, expectations: Any = None, *, reference: Any = None) -> Validation:  # noqa: ANN401 - the same
        """Check data against what is expected of it, and against a reference if one is given."""

    @abstractmethod
    def validate_model(self, model: Any, data: Any, expectations: Any = None) -> Validation:  # noqa: ANN401 - the same
        """Check how a model does on data."""
