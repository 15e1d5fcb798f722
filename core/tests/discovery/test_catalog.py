from __future__ import annotations

import pytest

from dovetail.discovery import catalog
from dovetail.errors import IntegrationError


@pytest.mark.parametrize("name", ["sklearn", "dovetail-sklearn"])
def test_an_offer_is_found_by_integration_and_by_wheel(name: str) -> None:
    assert catalog.find(name).wheel == "dovetail-sklearn"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(IntegrationError, match="'sklern'") as caught:
        catalog.find("sklern")
    assert "did you mean 'sklearn'?" in str(caught.value.hint)


@pytest.mark.parametrize(
    "name", ["requests", "../evil", "dovetail", "https://evil.example/x.whl", "sklearn==1"]
)
def test_nothing_outside_the_catalog_is_a_name(name: str) -> None:
    with pytest.raises(IntegrationError, match="the catalog has no integration"):
        catalog.find(name)


def test_the_wheel_for_a_type_of_values_is_known() -> None:
    assert [offer.name for offer in catalog.storing("pandas.DataFrame")] == ["pandas"]
    assert catalog.storing("builtins.object") == []


def test_the_wheel_for_a_flavor_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = catalog.Offer("shelf", "dovetail-shelf", "", {"artifact_store": ("shelf",)}, (), ())
    monkeypatch.setattr(catalog, "offers", lambda: {"shelf": offer})
    assert catalog.with_flavor("artifact_store", "shelf") == [offer]
    assert catalog.with_flavor("artifact_store", "dovetail-shelf/shelf") == [offer]
    assert catalog.with_flavor("artifact_store", "other/shelf") == []
    assert catalog.with_flavor("orchestrator", "shelf") == []
