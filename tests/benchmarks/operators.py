"""What a step operator adds to a step: the way into an environment of uv that is there already."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from clock import cost, paired
from row import Measurement, row

from dovetail.plugin import StepSubmission, new_id
from dovetail.references import load

PAIRS = 15
# The least an attempt there can be: the environment's Python, and what makes attempts.
IMPORTS = "import dovetail.execution.entrypoint"


@row("uv: a step in an environment that is there", unit="ms", bound=1.5)
def warm_environment() -> Measurement:
    """Measure from handing the attempt over until its end is known, on the clock: several processes share."""
    with tempfile.TemporaryDirectory(prefix="dovetail-bench-") as folder:
        config = load("dovetail_uv.settings:UvStepOperatorConfig")()
        operator = load("dovetail_uv.operator:UvStepOperator")("bench", config, home=Path(folder))
        environment = operator.environment(_submission())
        environment.make()

        def attempt() -> float:
            begin = time.perf_counter()
            handle = operator.submit(_submission())
            end = operator.wait(handle, 60.0)
            if end is None or end.exit_code != 0:
                raise SystemExit(f"the attempt ended with {end}:\n{operator.logs(handle).decode()}")
            return 1000 * (time.perf_counter() - begin)

        floor = (str(environment.interpreter), "-c", IMPORTS)
        return paired(lambda: 1000 * cost(floor).wall, attempt, pairs=PAIRS, of=min)


def _submission() -> StepSubmission:
    return StepSubmission(
        run_id=new_id(),
        run_name="bench",
        step="step",
        attempt=new_id(),
        command=[sys.executable, "-c", IMPORTS],
        wheels=("dovetail",),
    )
