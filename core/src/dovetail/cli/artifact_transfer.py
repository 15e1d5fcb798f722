"""`dovetail artifact export|import`: artifacts as files that go from store to store."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import click

from dovetail.builtin.draft import Draft, DraftStream
from dovetail.cli.artifact_verify import chosen
from dovetail.cli.render import json_option, print_json, print_table, say
from dovetail.cli.run_names import artifact_ids, run_names
from dovetail.cli.run_view import artifact_summary, size
from dovetail.client import ArtifactView, Client
from dovetail.errors import ConflictError, StoreError, UsageError
from dovetail.execution.artifact_import import import_archive
from dovetail.materializers.archive import write_archive


@click.command("export")
@click.argument("artifacts", metavar="[ARTIFACT]...", nargs=-1, shell_complete=artifact_ids)
@click.option("--run", metavar="RUN", shell_complete=run_names, help="All that the steps of this run have.")
@click.option("--output", "-o", required=True, type=click.Path(dir_okay=False), help="The file to make.")
@json_option
def export_artifacts(*, artifacts: tuple[str, ...], run: str | None, output: str, as_json: bool) -> None:
    """Write artifacts with manifests, records and digests to an archive, a plain tar file.

    Every byte is checked on the way; a damaged artifact leaves no archive. Equal artifacts give equal bytes.
    """
    if not (artifacts or run):
        raise UsageError("say which artifacts to export", hint="name some, or give --run RUN")
    target = Path(output).absolute()
    if target.exists():
        raise _taken(target)
    with Client() as client:
        views = list(chosen(client, artifacts, run))
        if not views:
            raise UsageError(
                f"run {run!r} has no artifacts", hint="`dovetail artifact list` lists what there is"
            )
        written = _write(client, views, target)
    if as_json:
        print_json({"file": str(target), "size": written, "artifacts": [each.id for each in views]})
    else:
        say(f"exported {len(views)} artifacts, {size(written)}, to {target}")


def _write(client: Client, views: list[ArtifactView], target: Path) -> int:
    """Write the archive; it is there as a whole, or not at all, and replaces nothing."""
    try:
        draft = Draft(str(target))
        try:
            raw = DraftStream(draft, lambda error, need: _refused(target, error, need))
            with io.BufferedWriter(raw) as stream:
                written = write_archive(client.records.store_of, (each.record for each in views), stream)
            draft.publish(durable=True)
        finally:
            draft.discard()
    except FileExistsError as error:
        raise _taken(target) from error
    except OSError as error:
        raise _refused(target, error, "make it") from error
    return written


def _taken(target: Path) -> ConflictError:
    return ConflictError(
        f"{str(target)!r} is there already, and stays as it is", hint="choose another file with -o"
    )


def _refused(target: Path, error: OSError, need: str) -> StoreError:
    return StoreError(
        f"archive {str(target)!r}: cannot {need}: {error.strerror or error}",
        hint="nothing was left there; choose another place with -o",
    )


@click.command("import")
@click.argument("archive", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--allow",
    multiple=True,
    metavar="MATERIALIZER",
    help="Let this one read what the archive brings, although it runs code: builtin/pickle, module:Class.",
)
@json_option
def import_artifacts(*, archive: Path, allow: tuple[str, ...], as_json: bool) -> None:
    """Take in the artifacts of an archive that `artifact export` has written.

    All of it is checked before anything is stored. The artifacts get new ids, and are the outputs of a run of
    their own, of pipeline `artifact-import`.
    """
    with Client() as client:
        run = import_archive(client, archive, allow)
        found = [_imported(each) for each in run.outputs.values()]
        if as_json:
            print_json({"run": run.name, "artifacts": found})
            return
    rows = [[each["id"], each["output"], size(each["size"]), each["imported"]["artifact"]] for each in found]
    print_table(["artifact", "output", "size", "was"], rows)
    say(f"imported {len(found)} artifacts as run {run.name}")


def _imported(view: ArtifactView) -> dict[str, Any]:
    return {**artifact_summary(view), "imported": view.metadata["imported"]}
