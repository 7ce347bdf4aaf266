"""Only the fork server imports this module: the import itself loads what all workers share (`preload.load`)."""

import atexit
import os

from groundglass.engines import preload

preload.leave_the_group()
preload.load()
# The server ends without cleaning these libraries up, since some of them print errors when they do.
atexit.register(os._exit, 0)
