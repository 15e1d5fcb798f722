from __future__ import annotations

import subprocess
import sys

import dovetail_tensorboard


def test_announcing_imports_neither_tensorboardx_nor_the_rest_of_dovetail() -> None:
    heavy = {"tensorboardX", "numpy", "pydantic", "sqlalchemy", "fsspec"}
    program = f"import sys, dovetail_tensorboard; print(sorted({heavy} & set(sys.modules)))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "[]"


def test_the_tracker_is_announced() -> None:
    (flavor,) = dovetail_tensorboard.dovetail_experiment_trackers()
    assert (flavor.name, flavor.contract) == ("tensorboard", 1)


def test_registering_needs_no_tensorboardx() -> None:
    program = "import sys, dovetail_tensorboard.settings; print('tensorboardX' in sys.modules)"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "False"
