"""The one import of a plugin author: what announces is here at once, everything else when it is asked for.

A wheel's announcing module needs `hookimpl` and `Flavor`, `ComponentType` or `Materializes`; it is imported
often, and must stay light. The modules that those name import what they build on from here as well.
"""

from __future__ import annotations

from typing import Any

from dovetail.components.flavor import ComponentType, Flavor, Materializes
from dovetail.hookspecs import hookimpl
from dovetail.references import load

_WHERE: dict[str, tuple[str, ...]] = {
    "dovetail.components.component": ("Component", "ComponentConfig", "Reach"),
    "dovetail.components.alerter": ("Alert", "Alerter", "Verdict"),
    "dovetail.components.annotator": ("Annotator", "DatasetStats", "LabeledItem"),
    "dovetail.components.artifact_store": ("ArtifactStore", "FileState"),
    "dovetail.components.container_registry": ("ContainerRegistry", "Image"),
    "dovetail.components.data_validator": ("DataValidator", "Validation"),
    "dovetail.components.experiment_tracker": ("ExperimentTracker", "TrackedStep"),
    "dovetail.components.feature_store": ("FeatureStore", "FeatureView"),
    "dovetail.components.fsspec_store": ("FsspecArtifactStore", "FsspecArtifactStoreConfig"),
    "dovetail.components.local_path": ("LocalPath",),
    "dovetail.components.metadata_store": ("ArtifactQuery", "Facts", "Lease", "MetadataStore", "RunQuery"),
    "dovetail.components.model_deployer": (
        "DeployedModel",
        "DeploymentRequest",
        "ModelDeployer",
        "ServiceState",
    ),
    "dovetail.components.orchestrator": ("Orchestrator", "StepEnd", "StepLauncher", "StepProcess"),
    "dovetail.components.process_operator": ("ProcessOperatorConfig", "ProcessStepOperator"),
    "dovetail.components.secret_schema": ("SecretSchema",),
    "dovetail.components.secrets_manager": ("SecretsManager",),
    "dovetail.components.spool": ("Sending", "Spool"),
    "dovetail.components.sql": ("ServerMetadataStore", "SqlMetadataStore"),
    "dovetail.components.step_operator": ("StepOperator", "StepSubmission"),
    "dovetail.components.tls": ("tls_context",),
    "dovetail.components.visualizer": ("Picture", "Visualizer"),
    "dovetail.definition.hierarchy": (
        "BaseAlerterStep",
        "BaseAnalyzerStep",
        "BaseDatasourceStep",
        "BaseDeployerStep",
        "BaseDriftDetectionStep",
        "BaseEvaluatorStep",
        "BasePreprocessorStep",
        "BaseSplitStep",
        "BaseTrainerStep",
    ),
    "dovetail.definition.step": ("BaseStep", "step"),
    "dovetail.errors": (
        "ArtifactError",
        "ConfigurationError",
        "ConflictError",
        "DefinitionError",
        "DovetailError",
        "IllegalNameError",
        "IntegrationError",
        "LeaseError",
        "MaterializerError",
        "NotFoundError",
        "PlanError",
        "RunCancelled",
        "RunError",
        "StepError",
        "StoreError",
        "UsageError",
        "did_you_mean",
    ),
    "dovetail.execution.attempt.context": ("StepContext", "step_context"),
    "dovetail.failpoints": ("hit",),
    "dovetail.home": ("home_directory",),
    "dovetail.hashing": ("Hasher", "canonical_json", "digest_bytes", "digest_stream", "digest_value"),
    "dovetail.materializers.base": ("BaseMaterializer",),
    "dovetail.materializers.files": ("ArtifactReader", "ArtifactWriter"),
    "dovetail.names": ("check_name", "is_id", "new_id"),
    "dovetail.records.artifact": ("ArtifactRecord", "FileEntry", "Manifest", "artifact_directory"),
    "dovetail.records.config": ("BaseStepConfig",),
    "dovetail.records.plan": ("MaterializerRef", "OutputPlan", "Plan", "StepPlan"),
    "dovetail.records.record": ("Record", "moment", "now"),
    "dovetail.records.report": ("Failure", "Reason", "StepReport", "StepTask", "log_path", "report_path"),
    "dovetail.records.run": ("AttemptRecord", "MetricRecord", "RunRecord", "Status", "StepRunRecord"),
    "dovetail.records.stack": ("ComponentRecord", "StackRecord"),
    "dovetail.references": ("load",),
    "dovetail.secrets": ("Secret", "SecretReference"),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}

__all__ = ["ComponentType", "Flavor", "Materializes", "hookimpl"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Import what `name` stands for, and keep it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = load(f"{_MODULES[name]}:{name}")
    return found


def __dir__() -> list[str]:
    """Return what may be imported from here."""
    return sorted({*__all__, *_MODULES})
