"""What a layout says of its image depends on the image alone."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from dovetail.execution.image.layout import drop_local_ids, read_layout


def write_layout(place: Path, parent: str) -> Path:
    """Lay out an image whose history names the image below each layer by its id here."""
    blobs = place / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(document: Any) -> dict[str, Any]:
        content = json.dumps(document).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    history = [{"created_by": "COPY", "comment": f"FROM {parent}"}, {"created_by": "ENV", "comment": "kept"}]
    manifest = {
        "config": add({"os": "linux", "history": history}),
        "layers": [add("layer")],
        "annotations": {"org.opencontainers.image.base.digest": f"sha256:{parent}"},
    }
    found = {**add(manifest), "annotations": {"org.opencontainers.image.ref.name": "v1"}}
    (place / "index.json").write_text(json.dumps({"manifests": [found]}))
    (place / "oci-layout").write_text("{}")
    return place


def test_ids_of_the_storage_it_was_built_in_leave_no_trace(tmp_path: Path) -> None:
    places = [write_layout(tmp_path / parent, parent) for parent in ("1a2b", "3c4d")]
    for each in places:
        drop_local_ids(each)
    first, second = map(read_layout, places)
    assert first == second
    assert first.tag == "v1"


def test_every_blob_is_what_its_name_says_and_none_is_left_over(tmp_path: Path) -> None:
    drop_local_ids(place := write_layout(tmp_path / "layout", "1a2b"))
    blobs = {f"sha256:{each.name}": each.read_bytes() for each in (place / "blobs" / "sha256").iterdir()}
    assert all(f"sha256:{hashlib.sha256(each).hexdigest()}" == digest for digest, each in blobs.items())
    (image,) = json.loads((place / "index.json").read_text())["manifests"]
    manifest = json.loads(blobs[image["digest"]])
    config = json.loads(blobs[manifest["config"]["digest"]])
    assert [each.get("comment") for each in config["history"]] == [None, "kept"]
    described = [image, manifest["config"], *manifest["layers"]]
    assert {each["digest"]: each["size"] for each in described} == {
        digest: len(content) for digest, content in blobs.items()
    }
