"""Shared test settings."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "groundglass", deadline=None
)  # compiling a kernel takes its time, on a busy machine more
settings.load_profile("groundglass")
