"""A file's bytes are on the disk before its name is: after a power cut a name never stands for an empty file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WATCHED = """
import os, sys
from pathlib import Path
from groundglass.files.atomic import write_bytes

told = []
flush, rename = os.fsync, Path.replace
os.fsync = lambda file: (told.append(("flushed", os.fstat(file).st_size)), flush(file))[1]
Path.replace = lambda self, new: (told.append(("named", self.stat().st_size)), rename(self, new))[1]
write_bytes(b"x" * 1234, Path(sys.argv[1]))
print(told)
"""


def test_a_file_is_flushed_before_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "new.bin"
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(file)], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == str([("flushed", 1234), ("named", 1234)])
    assert file.stat().st_size == 1234
