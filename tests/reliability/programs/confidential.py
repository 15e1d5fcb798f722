"""Steps that do with a secret whatever people do by mistake; the tests look for it everywhere afterwards."""

# ruff: noqa: T201, TRY301, ANN201

import base64
import ctypes
import json
import logging
import os
import subprocess
import sys
import time
from urllib.parse import quote

from dovetail import BaseStepConfig, Secret, pipeline, step, step_context


class Settings(BaseStepConfig):
    token: Secret
    rounds: int = 1


@step
def says(password: Secret, settings: Settings) -> int:
    value = password.reveal()
    print("literal", value)
    print("base64", *(base64.b64encode(each + value.encode()).decode() for each in (b"", b"u", b"u:")))
    print("url", quote(value), quote(value, safe=""))
    print("json", json.dumps({"password": value}), repr(value))
    print("hex", value.encode().hex(), value.encode().hex().upper())
    print("objects", password, [settings], step_context().parameters)
    print("other", settings.token.reveal(), file=sys.stderr)
    for at in range(1, len(value)):
        os.write(1, value[:at].encode())
        os.write(1, value[at:].encode() + b"\n")
    return len(value)


@step
def logs(password: Secret) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout)
    value = password.reveal()
    logging.getLogger("service").info("connecting with %s", value)
    sys.stdout.write(f"half {value[:7]}")
    sys.stdout.flush()
    time.sleep(0.2)
    sys.stdout.write(f"{value[7:]} and the rest\n")
    return 1


@step
def starts(password: Secret) -> int:
    value = password.reveal()
    child = [sys.executable, "-c", "import os; print('child', os.environ['PASSWORD'], flush=True)"]
    subprocess.run(child, env={**os.environ, "PASSWORD": value}, check=True)
    library = ctypes.CDLL(None)
    library.printf(b"from C %s\n", value.encode())
    library.fflush(None)
    return 1


@step(environment={"variables": {"SERVICE": "https://me:{{ secret.db.token }}@host"}})
def calls() -> int:
    print("service", os.environ["SERVICE"], "own", os.environ.get("OPERATORS_OWN"), flush=True)
    subprocess.run([sys.executable, "-c", "import os; print('child', dict(os.environ))"], check=True)
    return len(os.environ["SERVICE"])


@step
def notes(password: Secret) -> str:
    value = password.reveal()
    step_context().log_metric(f"metric {value}", 1.0)
    step_context().add_metadata(found={"by": [value]})
    time.sleep(float(os.environ.get("HOLD", "0")))
    return "noted"


@step
def raises(password: Secret) -> int:
    value = password.reveal()
    try:
        raise ValueError(f"cannot connect with {value}")
    except ValueError as error:
        error.add_note(f"tried {value} twice")
        raise RuntimeError(f"gave up: {base64.b64encode(value.encode()).decode()}") from error


@step
def dies(password: Secret) -> int:
    os.write(2, b"last words " + password.reveal().encode())
    os._exit(9)


@step
def returns(password: Secret) -> dict:
    return {"connection": [password]}


REFERENCE = "{{ secret.db.password }}"


@pipeline
def talkative():
    says(password=REFERENCE, settings=Settings(token=Secret.of("db", "token")))
    logs(password=Secret.of("db", "password"))
    starts(password=REFERENCE)
    calls()
    notes(password=REFERENCE)


@pipeline
def raising():
    raises(password=REFERENCE)


@pipeline
def dying():
    dies(password=REFERENCE)


@pipeline
def returning():
    returns(password=REFERENCE)
