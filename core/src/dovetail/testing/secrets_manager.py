"""The contract of secrets managers as tests; their numbers are those of docs/contracts/secrets-manager.md.

::

    class TestMine(SecretsManagerContract):
        @pytest.fixture
        def manager(self, tmp_path):
            return MySecretsManager("mine", MyConfig(...), home=tmp_path)

A manager that only reads gives the fixture `kept` as well, which says what is there to be read.
"""

# ruff: noqa: S101 - assert is what tests do

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from dovetail.components.secrets_manager import SecretsManager
from dovetail.errors import IllegalNameError, NotFoundError, StoreError
from dovetail.testing.capability import report_undeclared
from dovetail.testing.not_given import not_given

VALUES = (
    "hunter2-hunter2",
    "",
    " with spaces ",
    "lines\nand\ttabs\r\n",
    "quotes \"' and \\ back",
    "umlauts äöü, \N{SNOWMAN}, \N{SLICE OF PIZZA}",
    "{{ secret.other.key }}",
    "x" * 10_000,
)
SCOPES = (None, "profile:default", "pipeline:training", "pipeline:Training")


class SecretsManagerContract:
    """What every secrets manager does. Give the fixture `manager`; everything else is here.

    `another` makes a second manager of the same place, as another process has it. `kept` is a secret that
    is there from the start, `(name, scope, values)`; one that writes puts it.
    """

    @pytest.fixture
    def manager(self) -> SecretsManager:
        """Return a manager of a place that is empty, but for what `kept` says."""
        raise not_given("manager")

    @pytest.fixture
    def another(self, manager: SecretsManager) -> Callable[[], SecretsManager]:
        """Return what makes a further manager of the same place."""
        return lambda: type(manager)(manager.name, manager.config, home=manager.home)

    @pytest.fixture
    def kept(self, manager: SecretsManager) -> tuple[str, str | None, Mapping[str, str]]:
        """Return name, scope and values of a secret that is there."""
        values = {"user": "canary-anna", "password": "canary-value-6283"}
        manager.put("kept", values)
        return "kept", None, values

    @pytest.fixture
    def writer(self, manager: SecretsManager) -> SecretsManager:
        """Return the manager where it writes."""
        if not manager.writes:
            pytest.skip("it only reads, and says so: see behaviour 4")
        return manager

    def test_1_a_secret_is_given_out_with_all_its_keys(
        self, kept: tuple[str, str | None, Mapping[str, str]], another: Callable[[], SecretsManager]
    ) -> None:
        name, scope, values = kept
        assert dict(another().get(name, scope=scope)) == dict(values)

    def test_1_what_is_not_there_is_not_found_and_named(self, manager: SecretsManager) -> None:
        with pytest.raises(NotFoundError, match="nobody-put-this") as caught:
            manager.get("nobody-put-this")
        assert caught.value.hint

    def test_1_the_error_names_the_scope(self, manager: SecretsManager) -> None:
        with pytest.raises(NotFoundError, match=r"nobody-put-this.*pipeline:training"):
            manager.get("nobody-put-this", scope="pipeline:training")

    def test_1_any_text_comes_back_as_it_was(
        self, writer: SecretsManager, another: Callable[[], SecretsManager]
    ) -> None:
        values = {f"key_{number}": value for number, value in enumerate(VALUES)}
        writer.put("texts", values)
        assert dict(another().get("texts")) == values

    def test_2_names_are_listed_in_order_without_values(
        self, kept: tuple[str, str | None, Mapping[str, str]], manager: SecretsManager
    ) -> None:
        name, scope, values = kept
        found = manager.names(scope=scope)
        assert name in found
        assert found == sorted(found)
        assert not [each for each in found if each in values.values()]

    def test_2_many_are_all_listed_whatever_the_pages(self, writer: SecretsManager) -> None:
        expected = sorted(f"secret-{number}" for number in range(120))
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: writer.put(name, {"key": name}), reversed(expected)))
        assert writer.names() == expected

    def test_2_a_scope_without_secrets_lists_none(self, manager: SecretsManager) -> None:
        assert manager.names(scope="pipeline:nothing-here") == []

    def test_3_no_value_is_in_a_representation_or_a_message(
        self, kept: tuple[str, str | None, Mapping[str, str]], manager: SecretsManager
    ) -> None:
        name, scope, values = kept
        manager.get(name, scope=scope)
        with pytest.raises(NotFoundError) as caught:
            manager.get(f"{name}-not-there", scope=scope)
        shown = [repr(manager), str(manager), str(caught.value), repr(caught.value.__cause__)]
        shown.append(repr(manager.config))
        assert not [text for text in shown for value in values.values() if value in text]

    def test_3_no_file_of_the_home_holds_a_value(self, writer: SecretsManager) -> None:
        value = "canary-in-a-file-3141"
        writer.put("filed", {"key": value})
        writer.get("filed")
        assert not [each for each in writer.home.rglob("*") if each.is_file() and _holds(each, value)]

    def test_3_no_value_is_in_a_log_of_any_level(
        self,
        kept: tuple[str, str | None, Mapping[str, str]],
        another: Callable[[], SecretsManager],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        name, scope, values = kept
        caplog.set_level(logging.DEBUG, logger="")
        manager = another()
        assert dict(manager.get(name, scope=scope)) == dict(values)
        if manager.writes:
            manager.put("logged", values, scope=scope)
        assert not [value for value in values.values() if value in caplog.text]

    def test_4_put_replaces_a_secret_whole(
        self, writer: SecretsManager, another: Callable[[], SecretsManager]
    ) -> None:
        writer.put("replaced", {"old": "1", "both": "1"})
        other = another()
        assert other.get("replaced") == {"old": "1", "both": "1"}
        writer.put("replaced", {"new": "2", "both": "2"})
        assert dict(writer.get("replaced")) == {"new": "2", "both": "2"}
        assert dict(other.get("replaced")) == {"new": "2", "both": "2"}
        assert writer.names().count("replaced") == 1

    def test_4_what_cannot_be_put_leaves_the_old_secret(self, writer: SecretsManager) -> None:
        writer.put("whole", {"key": "old"})
        unfit: Any = {"key": "new", "other": object()}
        with pytest.raises(Exception):  # noqa: B017, PT011 - whatever refuses it
            writer.put("whole", unfit)
        assert dict(writer.get("whole")) == {"key": "old"}

    def test_4_writers_at_once_leave_one_of_their_secrets_whole(
        self, writer: SecretsManager, another: Callable[[], SecretsManager]
    ) -> None:
        def torn(number: int) -> list[Mapping[str, str]]:
            manager = another()
            manager.put("fought-for", {"one": str(number), "two": str(number)})
            found = manager.get("fought-for")  # another may be writing
            return [] if found.get("one", "") == found.get("two") else [found]

        with ThreadPoolExecutor(8) as pool:
            assert [each for found in pool.map(torn, range(24)) for each in found] == []
        found = writer.get("fought-for")
        assert found["one"] == found["two"]

    def test_4_the_schema_is_kept_with_the_secret(self, writer: SecretsManager) -> None:
        writer.put("typed", {"username": "u", "password": "p"}, schema="basic-auth")
        writer.put("untyped", {"key": "value"})
        assert writer.schema("typed") in {"basic-auth", "arbitrary"}
        assert writer.schema("untyped") == "arbitrary"

    def test_4_one_that_only_reads_refuses_and_says_so(self, manager: SecretsManager) -> None:
        if manager.writes:
            return
        refusals: list[StoreError] = []
        put = partial(manager.put, "new", {"key": "canary-2718"})
        for refused in (put, partial(manager.delete, "new")):
            try:
                refused()
            except StoreError as error:
                refusals.append(error)
        if not refusals:
            report_undeclared(manager, "writes")
            return
        assert len(refusals) == 2  # noqa: PLR2004 - put and delete
        for each in refusals:
            assert "'new'" in str(each)
            assert "canary" not in str(each)
            assert each.hint

    def test_5_what_was_deleted_is_gone(
        self, writer: SecretsManager, another: Callable[[], SecretsManager]
    ) -> None:
        writer.put("short-lived", {"key": "value"})
        writer.delete("short-lived")
        with pytest.raises(NotFoundError):
            another().get("short-lived")
        assert "short-lived" not in another().names()

    def test_5_deleting_what_is_not_there_is_no_error(self, writer: SecretsManager) -> None:
        writer.delete("never-put")

    def test_5_a_deleted_name_can_be_put_again(self, writer: SecretsManager) -> None:
        writer.put("again", {"key": "1"})
        writer.delete("again")
        writer.put("again", {"key": "2"})
        assert dict(writer.get("again")) == {"key": "2"}

    def test_6_equal_names_in_different_scopes_are_different_secrets(self, writer: SecretsManager) -> None:
        for scope in SCOPES:
            writer.put("shared-name", {"scope": str(scope)}, scope=scope)
        assert [writer.get("shared-name", scope=scope)["scope"] for scope in SCOPES] == list(map(str, SCOPES))
        writer.delete("shared-name", scope=SCOPES[1])
        with pytest.raises(NotFoundError):
            writer.get("shared-name", scope=SCOPES[1])
        assert writer.get("shared-name")["scope"] == "None"
        assert [writer.names(scope=scope) for scope in SCOPES[:2]] == [["shared-name"], []]

    def test_6_names_that_differ_in_case_are_different_secrets(self, writer: SecretsManager) -> None:
        for name in ("Cased", "cased"):
            writer.put(name, {"key": name})
        assert [writer.get(name)["key"] for name in ("Cased", "cased")] == ["Cased", "cased"]
        assert writer.names() == ["Cased", "cased"]

    def test_6_a_secret_of_one_scope_is_given_out_for_no_other(
        self, kept: tuple[str, str | None, Mapping[str, str]], manager: SecretsManager
    ) -> None:
        name, scope, _ = kept
        for other in ("pipeline:other", "profile:other", None if scope else "pipeline:None"):
            with pytest.raises(NotFoundError):
                manager.get(name, scope=other)
            assert name not in manager.names(scope=other)

    @pytest.mark.parametrize("name", ["", "..", "../elsewhere", "pipeline/other", "two words", "x" * 1000])
    def test_7_what_cannot_be_a_name_is_refused(self, manager: SecretsManager, name: str) -> None:
        calls: list[Callable[[], object]] = [partial(manager.get, name)]
        if manager.writes:
            calls += [partial(manager.put, name, {"key": "value"}), partial(manager.delete, name)]
        for call in calls:
            with pytest.raises(IllegalNameError, match=r"\bsecret\b"):
                call()


def _holds(file: Any, value: str) -> bool:  # noqa: ANN401 - a path
    return value.encode() in file.read_bytes()
