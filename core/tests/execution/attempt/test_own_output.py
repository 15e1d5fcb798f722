"""Where nobody knows frames, the process of a step masks its own output, of C and of children too."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, subprocess, sys
from dovetail import redaction
from dovetail.execution.attempt.own_output import mask_output
from dovetail.execution.processes.step_process import leave

mask_output()
print("before", flush=True)
redaction.register("hunter2-hunter2")
print("python hunter2-hunter2")
os.write(2, b"split hunter2")
os.write(2, b"-hunter2\\n")
subprocess.run(["sh", "-c", "echo child hunter2-hunter2"])
sys.stdout.write("held back: hunter2")
leave(3)
"""


def test_what_is_written_after_a_secret_became_known_is_masked_to_the_last_byte() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert sorted(done.stdout.splitlines()) == [
        "before",
        "child ********",
        "held back: hunter2",
        "python ********",
    ]
    assert done.stderr == "split ********\n"


def test_a_step_whose_output_nobody_takes_goes_on() -> None:
    pipe = "nobody, writing = os.pipe()\nos.dup2(writing, 1)\nos.close(writing)\nmask_output()\n"
    program = PROGRAM.replace("\nmask_output()\n", f"\n{pipe}", 1)
    program = program.replace('print("python', 'os.close(nobody)\nprint("x" * 1_000_000, "python')
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr.splitlines()[0] == "split ********"
    assert done.returncode == 3
