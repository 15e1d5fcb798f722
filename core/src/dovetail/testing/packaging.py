"""The contract of a wheel's packaging as tests; their numbers are those of docs/contracts/packaging.md.

::

    class TestPackaging(PackagingContract):
        wheel = "dovetail-mine"
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from dovetail.testing.announced_wheel import AnnouncedWheel
from dovetail.testing.packaging_checks import look


class PackagingContract:
    """What every wheel is. Give its name; `settings` has values for the settings a flavor requires.

    ::

        settings = {"s3": {"bucket": "models"}}
    """

    wheel: ClassVar[str]
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @pytest.fixture
    def announced(self) -> AnnouncedWheel:
        """Return the installed wheel."""
        return AnnouncedWheel(self.wheel, self.settings)

    def holds(self, announced: AnnouncedWheel, number: int) -> None:
        """Assert that a behaviour holds; skip where the wheel has nothing that could have it."""
        looked = look(announced, number)
        if looked.untested:
            pytest.skip(looked.untested)
        assert not looked.faults, "; ".join(looked.faults)

    def test_1_entry_points_resolve(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 1)

    def test_2_names_are_legal(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 2)

    def test_3_contract_numbers_are_known(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 3)

    def test_4_every_dependency_has_a_floor(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 4)

    def test_5_packages_are_typed(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 5)

    def test_6_the_readme_says_how_to_install(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 6)

    def test_7_announcing_is_light(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 7)

    def test_8_hooks_match_their_specifications(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 8)

    def test_9_registering_is_light(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 9)

    def test_10_settings_survive_json(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 10)

    def test_11_every_setting_is_described(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 11)

    def test_12_secrets_are_masked(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 12)

    def test_13_every_announcement_has_a_summary(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 13)

    def test_14_classes_are_what_is_announced(self, announced: AnnouncedWheel) -> None:
        self.holds(announced, 14)
