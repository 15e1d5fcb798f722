"""What the core brings along, announced by the same door as any wheel: the least that runs on one machine."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, Materializes, SecretSchema, hookimpl


def _flavor(name: str, module: str, class_name: str, summary: str) -> Flavor:
    reference = f"dovetail.builtin.{module}:{class_name}"
    return Flavor(name, contract=1, config=f"{reference}Config", implementation=reference, summary=summary)


@hookimpl
def dovetail_orchestrators() -> Iterator[Flavor]:
    """Announce the orchestrator of this machine."""
    yield _flavor("local", "local_orchestrator", "LocalOrchestrator", "steps in processes of this machine")


@hookimpl
def dovetail_artifact_stores() -> Iterator[Flavor]:
    """Announce stores in a folder and in memory."""
    yield _flavor("local", "local_artifact_store", "LocalArtifactStore", "files in a folder of this machine")
    yield _flavor(
        "memory", "memory_artifact_store", "MemoryArtifactStore", "gone with the process; for tests"
    )


@hookimpl
def dovetail_metadata_stores() -> Iterator[Flavor]:
    """Announce the store in one file."""
    yield _flavor("sqlite", "sqlite", "SqliteMetadataStore", "one SQLite file on this machine")


@hookimpl
def dovetail_secrets_managers() -> Iterator[Flavor]:
    """Announce secrets in sealed files and in the environment."""
    yield _flavor("local", "local_secrets_manager", "LocalSecretsManager", "sealed files of this machine")
    yield _flavor("env", "env_secrets_manager", "EnvSecretsManager", "environment variables; read only")


@hookimpl
def dovetail_step_operators() -> Iterator[Flavor]:
    """Announce the operator of processes with limits."""
    yield _flavor(
        "subprocess",
        "subprocess_step_operator",
        "SubprocessStepOperator",
        "a process of this machine, with variables and limits of its own",
    )


@hookimpl
def dovetail_secret_schemas() -> Iterator[SecretSchema]:
    """Announce what the common kinds of secrets have."""
    yield SecretSchema("arbitrary", (), summary="any keys")
    yield SecretSchema(
        "basic-auth", ("username", "password"), shown=("username",), summary="a user's name and password"
    )
    yield SecretSchema(
        "aws",
        ("aws_access_key_id", "aws_secret_access_key"),
        ("aws_session_token", "region"),
        shown=("aws_access_key_id", "region"),
        summary="an access key of Amazon Web Services",
    )
    yield SecretSchema(
        "gcp",
        ("service_account",),
        ("project",),
        shown=("project",),
        summary="a service account, as its JSON file",
    )
    yield SecretSchema(
        "azure",
        ("account_name",),
        ("account_key", "sas_token", "connection_string", "tenant_id", "client_id", "client_secret"),
        shown=("account_name", "tenant_id", "client_id"),
        summary="a storage account, or a service principal",
    )


@hookimpl
def dovetail_visualizers() -> Iterator[Flavor]:
    """Announce the visualizer of self-contained pages."""
    yield _flavor("html", "html_visualizer", "HtmlVisualizer", "self-contained HTML pages")


@hookimpl
def dovetail_materializers() -> Iterator[Materializes]:
    """Announce the basic materializers; pickle stores no type by itself, only outputs that name it."""
    rooms = "dovetail.materializers"
    yield Materializes(
        "json", 1, _JSON_TYPES, f"{rooms}.json_value:JsonMaterializer", "plain values and containers"
    )
    yield Materializes("text", 1, ("builtins.str",), f"{rooms}.text:TextMaterializer", "text, in UTF-8")
    yield Materializes(
        "bytes", 1, ("builtins.bytes",), f"{rooms}.bytes_value:BytesMaterializer", "bytes as they are"
    )
    yield Materializes("path", 1, ("pathlib.Path",), f"{rooms}.path:PathMaterializer", "a file or a folder")
    yield Materializes(
        "pickle", 1, (), f"{rooms}.pickle_value:PickleMaterializer", "where an output names it"
    )


# What the structural rules of the registry add to it: dataclasses, models, enums, typed mappings, unions.
_JSON_TYPES = (
    "builtins.NoneType",
    "builtins.bool",
    "builtins.int",
    "builtins.float",
    "builtins.list",
    "builtins.tuple",
    "builtins.dict",
    "builtins.set",
    "builtins.frozenset",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "decimal.Decimal",
    "uuid.UUID",
)
