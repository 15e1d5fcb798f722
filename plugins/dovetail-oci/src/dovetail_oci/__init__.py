"""Container registries that speak the distribution protocol of the Open Container Initiative."""

from __future__ import annotations

from collections.abc import Iterator

from dovetail.plugin import Flavor, hookimpl


@hookimpl
def dovetail_container_registries() -> Iterator[Flavor]:
    """Announce the registry."""
    yield Flavor(
        "oci",
        contract=1,
        config="dovetail_oci.settings:OciRegistryConfig",
        implementation="dovetail_oci.container_registry:OciRegistry",
        summary="any registry of the OCI distribution protocol; no container engine needed",
    )
