"""Schemas of secrets come by a hook, from the core and from wheels."""

from __future__ import annotations

from typing import Any

import pytest

from dovetail.discovery.index import load_index
from dovetail.discovery.integration import State
from dovetail.errors import ConfigurationError, NotFoundError

ANNOUNCES = (
    "from dovetail.plugin import SecretSchema, hookimpl\n"
    "@hookimpl\ndef dovetail_secret_schemas():\n"
    "    yield SecretSchema('lake', ('account', 'token'), ('role',), summary='a lake')\n"
)


@pytest.mark.parametrize("name", ["arbitrary", "aws", "gcp", "azure", "basic-auth"])
def test_the_core_announces_its_schemas_like_any_wheel(name: str) -> None:
    kept, schema = load_index().secret_schema(name)
    assert (kept, schema.name) == (name, name)
    schema.check(schema.required)


def test_a_wheel_brings_schemas_which_are_kept_with_its_name(site: Any) -> None:
    site.wheel("dovetail-lake", ANNOUNCES)
    for text in ("lake", "dovetail-lake/lake"):
        kept, schema = load_index().secret_schema(text)
        assert kept == "dovetail-lake/lake"
        assert (schema.required, schema.optional) == (("account", "token"), ("role",))


def test_a_name_of_several_wheels_has_to_be_written_whole(site: Any) -> None:
    site.wheel("dovetail-lake", ANNOUNCES)
    site.wheel("dovetail-pond", ANNOUNCES)
    with pytest.raises(NotFoundError, match="several wheels") as caught:
        load_index().secret_schema("lake")
    assert caught.value.hint == "write dovetail-lake/lake or dovetail-pond/lake"


def test_one_that_is_announced_twice_is_refused_and_the_first_stays(site: Any) -> None:
    site.wheel("dovetail-lake", ANNOUNCES + "    yield SecretSchema('lake', ())\n")
    assert load_index().integration("lake").state is State.DEGRADED
    assert load_index().secret_schema("lake")[1].required == ("account", "token")


def test_an_unknown_schema_is_told_with_a_near_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        load_index().secret_schema("basic_auth")
    assert "basic-auth" in str(caught.value.hint)


def test_keys_are_checked() -> None:
    _, schema = load_index().secret_schema("aws")
    with pytest.raises(ConfigurationError, match="needs 'aws_secret_access_key'"):
        schema.check(["aws_access_key_id"])
    with pytest.raises(ConfigurationError, match="no key 'regoin'") as caught:
        schema.check([*schema.required, "regoin"])
    assert "region" in str(caught.value.hint)
