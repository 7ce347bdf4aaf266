"""Libraries that the fork server loads once, so that a worker starts in milliseconds; each uses one native thread.

Native thread pools in many processes give far more threads than cores, which was measured as 12 to 100 times
slower. The variables must be set before the libraries are loaded, hence the order below.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys

from groundglass.engines.interrupts import SIGNALS

MODULES = (
    "numpy",
    "groundglass.tables.parquet",
    "cv2",
    "simplejpeg",
    "PIL.Image",
    "numba",
    "groundglass.engines.worker",
)
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def load() -> None:
    """Load the libraries that nearly every job needs; a broken one fails later, when it is used, with its own error."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    for name in MODULES:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    # Garbage collection in a worker then does not touch, and so does not copy, these shared pages.
    gc.freeze()


def leave_the_group() -> None:
    """Leave the driver's process group, so that Ctrl-C and SIGTERM reach only the driver, which decides what to do.

    Such signals that arrived since the start, while they were blocked, are discarded.
    """
    # Raised if the process has left the group already.
    with contextlib.suppress(PermissionError):
        os.setsid()
    before = {which: signal.signal(which, signal.SIG_IGN) for which in SIGNALS}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for which, handler in before.items():
        signal.signal(which, handler)


def one_thread_each() -> None:
    """Limit the native libraries, those loaded so far and those loaded later, to one thread."""
    os.environ.update(dict.fromkeys(THREADS, "1"))
    loaded = sys.modules
    if "cv2" in loaded:
        loaded["cv2"].setNumThreads(1)
    if "pyarrow" in loaded:
        loaded["pyarrow"].set_cpu_count(1)
        loaded["pyarrow"].set_io_thread_count(1)
    if "torch" in loaded:
        loaded["torch"].set_num_threads(1)
