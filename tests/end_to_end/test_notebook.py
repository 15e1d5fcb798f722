"""Steps that are defined in the cells of a real kernel run in its process."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = (
    "from dovetail import pipeline, step",
    "@step\ndef load(count: int = 4) -> list[int]:\n    return list(range(count))",
    "@step\ndef total(values: list[int]) -> int:\n    return sum(values)",
    "@pipeline\ndef counting():\n    total(load())\n\nrun = counting.run()",
    "print('total', run.step('total').output.load(), run.status)",
    "print([each.status for each in counting.run().steps.values()])",
)


@pytest.mark.real
def test_cells_run_in_process_and_are_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOVETAIL_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = ["".join(each.get("text", "") for each in cell.outputs) for cell in notebook.cells]
    assert "total 6 completed" in texts[4]
    assert "cached" in texts[5]
    assert sum("in process" in text for text in texts) == 1
