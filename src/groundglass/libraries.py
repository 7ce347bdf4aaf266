"""numba, OpenCV, Pillow, simplejpeg and SciPy, each imported on first use, so that importing a module stays fast.

from groundglass.libraries import cv2, njit
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from importlib import import_module
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar, cast

from groundglass.errors import GroundglassError

Function = TypeVar("Function", bound=Callable[..., Any])
_LOCK = RLock()


class _Later:
    """A module that is imported when one of its attributes is first read."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        # Kept on the instance, so Python finds the attribute there next time and does not call __getattr__ again.
        value = self.__dict__[name] = getattr(_imported(self._name), name)
        return value


def _imported(name: str) -> Any:
    """The module. If a library cannot be loaded, this machine is at fault, not an image: the error ends the job."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        hint = f"reinstall {package}, or install the library that its message names"
        raise GroundglassError(f"{package} cannot be loaded: {error}", hint) from error


if TYPE_CHECKING:
    import cv2 as cv2
    import simplejpeg as simplejpeg
    from PIL import Image as Image
    from PIL import ImageCms as ImageCms
    from PIL import TiffImagePlugin as TiffImagePlugin
    from scipy import fft as fft
    from scipy import optimize as optimize
    from scipy import special as special
else:
    cv2, simplejpeg = _Later("cv2"), _Later("simplejpeg")
    Image, ImageCms = _Later("PIL.Image"), _Later("PIL.ImageCms")
    TiffImagePlugin = _Later("PIL.TiffImagePlugin")
    fft, optimize, special = _Later("scipy.fft"), _Later("scipy.optimize"), _Later("scipy.special")


def njit(**options: Any) -> Callable[[Function], Function]:
    """`numba.njit` with these options, applied at the first call.

    >>> @njit(nogil=True)
    ... def doubled(x: int) -> int:
    ...     return 2 * x
    >>> doubled(21)
    42
    """
    return lambda function: cast(Function, _Kernel(function, options))


class _Kernel:
    """A function that numba has not compiled yet."""

    def __init__(self, function: Callable[..., Any], options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self._function = function
        self._options = options
        self._compiled: Any = None

    def __call__(self, *given: Any, **named: Any) -> Any:
        compiled = self._compiled if self._compiled is not None else self.compiled()
        return compiled(*given, **named)

    def compiled(self) -> Any:
        """The function as numba compiled it. Other kernels of its module are compiled too: numba finds them by name."""
        # Several threads may call a kernel for the first time at once; only one of them may compile it.
        with _LOCK:
            if self._compiled is None:
                self._compiled = _imported("numba").njit(**self._options)(self._function)
                names = self._function.__globals__
                kernels = {name: value for name, value in names.items() if isinstance(value, _Kernel)}
                names.update({name: kernel.compiled() for name, kernel in kernels.items()})
            return self._compiled
