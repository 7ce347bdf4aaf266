"""What must not be in an environment that runs the tests."""

from __future__ import annotations

from importlib.util import find_spec


def test_there_is_no_torchvision():
    """Beside a CPU build of torch PyPI's cannot be imported, and with it present transformers cannot be either."""
    assert find_spec("torchvision") is None, "pip uninstall torchvision; `constraints.txt` says why"
