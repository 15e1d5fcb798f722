from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import pytest
from pydantic import SecretStr, ValidationError

import dovetail_aws
from dovetail.testing.packaging import PackagingContract
from dovetail_aws.naming import beginning
from dovetail_aws.settings import AwsSecretsManagerConfig


class TestPackaging(PackagingContract):
    wheel = "dovetail-aws"


def loaded_by(module: str) -> set[str]:
    """Return what stands in `sys.modules` after an import in a fresh interpreter."""
    program = f"import sys, {module}; print(*sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(child.stdout.split())


def test_the_manager_is_announced() -> None:
    (flavor,) = dovetail_aws.dovetail_secrets_managers()
    assert (flavor.name, flavor.contract) == ("aws", 1)


def test_registering_imports_no_library_of_the_service() -> None:
    assert not {"boto3", "botocore"} & loaded_by("dovetail_aws.settings")


@pytest.mark.parametrize("prefix", ["", "/team", "team/", "a//b", "a b", "a:b", "x" * 201])
def test_a_prefix_that_aws_does_not_take_is_refused(prefix: str) -> None:
    with pytest.raises(ValidationError, match="prefix"):
        AwsSecretsManagerConfig(prefix=prefix)


@pytest.mark.parametrize("days", [-1, 1, 6, 31])
def test_a_window_that_aws_does_not_have_is_refused(days: int) -> None:
    with pytest.raises(ValidationError, match="recovery_window"):
        AwsSecretsManagerConfig(recovery_window=days)


@pytest.mark.parametrize("url", ["aws:4566", "ftp://aws", "http://user:word@aws:4566", "http://aws/?x=1"])
def test_an_address_of_no_service_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="endpoint_url"):
        AwsSecretsManagerConfig(endpoint_url=url)


def test_keys_are_not_shown() -> None:
    config = AwsSecretsManagerConfig(secret_access_key=SecretStr("canary"))
    assert "canary" not in f"{config!r} {config} {config.model_dump_json()}"


def test_names_in_aws_are_those_a_policy_can_name() -> None:
    assert beginning("dovetail", None) == "dovetail/global/"
    assert beginning("dovetail", "pipeline:training") == "dovetail/pipeline/training/"
    assert beginning("dovetail", "profile:ünder/way") == "dovetail/profile/=C3=BCnder=2Fway/"


def test_no_scope_is_taken_for_another() -> None:
    scopes = (None, "", "=", ":", "::", "global", "=global", ":global", "global:", "a", "a:b", "a/b", "a:b:c",
              "a:b/c", "a=3Ab", "A:b", "profile", "profile:", "2Fa", "/a")  # fmt: skip
    starts = [beginning("x", scope) for scope in scopes]
    assert not [pair for pair in combinations(starts, 2) if pair[0] == pair[1]]
