"""Whether the warm process may fork: what its imports have started that a forked child could hang on."""

# ruff: noqa: PTH208, PTH115, PTH123
# These are pseudo files, read by the number.

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

from dovetail.host.process_tree import send_signal

_TRIAL = 2.0

UNSAFE_MODULES = {
    "grpc._cython.cygrpc": "grpc is loaded, whose threads and locks do not survive a fork",
    "ray._raylet": "ray is loaded, which is connected through grpc",
    "jaxlib.xla_extension": "jax is loaded, whose runtime is multithreaded and refuses forks",
    "jaxlib._jax": "jax is loaded, whose runtime is multithreaded and refuses forks",
}
"""Modules that forbid a fork as soon as they are imported, with the reason a person is told."""

GUARDED_THREADS = {
    "jemalloc_bg_thd": "jemalloc (in Arrow) holds its locks over a fork and starts afresh in the child"
}
"""Names of native threads that stay through a fork and do no harm, with the reason."""

OPENMP = {"libgomp": "GNU", "libomp": "LLVM", "libiomp5": "Intel"}


def obstacle() -> str | None:
    """Return why this process must not fork steps, None when it may.

    Last comes a trial: before a fork, libraries that guard their threads (OpenBLAS does) put them away,
    so that native threads which are there afterwards are unguarded.
    """
    for check in (_python_threads, _loaded_modules, _cuda, _native_threads):
        why = check()
        if why is not None:
            return why
    return None


def _python_threads() -> str | None:
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    if others:
        names = ", ".join(sorted(each.name for each in others))
        return f"importing the steps' modules started Python threads ({names})"
    count = len(sys._current_frames()) - 1  # noqa: SLF001 - documented in spite of its name
    return f"importing the steps' modules started {count} Python threads" if count > 0 else None


def _loaded_modules() -> str | None:
    return next((why for name, why in UNSAFE_MODULES.items() if name in sys.modules), None)


def _cuda() -> str | None:
    cuda = sys.modules.get("torch.cuda")
    if cuda is not None and cuda.is_initialized():
        return "importing the steps' modules initialised CUDA"
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{name}").startswith("/dev/nvidia"):
                return "importing the steps' modules opened a GPU"
    return None


def _native_threads() -> str | None:
    if not _unguarded():
        return None
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    if not _gone_within(pid, _TRIAL):
        return "a forked child of the process that imported the steps' modules hangs"
    left = _unguarded()
    if not left:
        return None
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        mapped = file.read()
    pools = [maker for library, maker in OPENMP.items() if f"/{library}" in mapped]
    kind = (
        f"an OpenMP pool ({', '.join(pools)}) or other native threads"
        if pools
        else f"{len(left)} native threads ({', '.join(sorted({*left}))})"
    )
    return f"importing the steps' modules started {kind} that do not survive a fork"


def _unguarded() -> list[str]:
    names = []
    for thread in os.listdir("/proc/self/task"):
        if thread != str(os.getpid()):
            with (
                suppress(OSError),
                open(f"/proc/self/task/{thread}/comm", encoding="utf-8", errors="replace") as file,
            ):
                names.append(file.read().rstrip("\n"))
    return [each for each in names if each not in GUARDED_THREADS]


def _gone_within(pid: int, limit: float) -> bool:
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.0005)
    send_signal(pid, 9)
    os.waitpid(pid, 0)
    return False
