"""Small contract classes that end in every way a test can end."""

from __future__ import annotations

import os
import time

import pytest


class Ends:
    def test_1_well(self) -> None:
        pass

    def test_2_badly(self) -> None:
        assert os.sep == "?", "two is wrong"

    def test_3_with_its_process(self) -> None:
        os._exit(3)

    def test_4_never(self) -> None:
        time.sleep(60)

    def test_5_before_it_began(self) -> None:
        pytest.skip("nothing to test here")

    def test_6_after_all_that(self) -> None:
        pass

    def test_without_a_number(self) -> None:
        pass


class Unmakeable:
    @pytest.fixture
    def thing(self) -> None:
        raise OSError("it cannot be made")

    def test_1_with_it(self, thing: None) -> None:
        pass
