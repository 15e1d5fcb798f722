from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dovetail.materializers.scratch import scratch_directory


def test_a_directory_goes_with_the_process() -> None:
    code = "from dovetail.materializers.scratch import scratch_directory\n"
    code += "directory = scratch_directory(); (directory / 'x').write_text('x'); print(directory)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not Path(ended.stdout.strip()).exists()


def test_a_directory_within_another_is_left_to_its_owner(tmp_path: Path) -> None:
    first, second = scratch_directory(tmp_path), scratch_directory(tmp_path)
    assert first != second
    assert first.parent == second.parent == tmp_path
    assert first.is_dir()
