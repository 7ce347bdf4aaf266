"""Imported by the fork server only: the import itself loads what every worker shares (`preload.load`)."""

import atexit
import os

from groundglass.engines import preload

preload.leave_the_group()
preload.load()
atexit.register(
    os._exit, 0
)  # the server ends without taking all that apart again, which some libraries lament
