"""groundglass builds image-restoration and super-resolution datasets that can be trusted.

In a notebook or a script:

    import groundglass

    groundglass.measure("photo.jpg", ["blockiness", "sharpness"])
    run = groundglass.run("faces.yaml")
    run.rows("clean").to_pandas()

docs/reference/python.md describes every name. `groundglass.errors` holds what is raised.
"""

__version__ = "0.1.0"

TYPE_CHECKING = False  # as typing's, which would take longer to import than all of this
if TYPE_CHECKING:
    from groundglass import errors as errors
    from groundglass.api.array_measures import blockiness as blockiness
    from groundglass.api.array_measures import borders as borders
    from groundglass.api.array_measures import colour as colour
    from groundglass.api.array_measures import complexity as complexity
    from groundglass.api.array_measures import encoded_bytes as encoded_bytes
    from groundglass.api.array_measures import exposure as exposure
    from groundglass.api.array_measures import fingerprint as fingerprint
    from groundglass.api.array_measures import leaks as leaks
    from groundglass.api.array_measures import naturalness as naturalness
    from groundglass.api.array_measures import noise as noise
    from groundglass.api.array_measures import objects_fast as objects_fast
    from groundglass.api.array_measures import pixels as pixels
    from groundglass.api.array_measures import resolution as resolution
    from groundglass.api.array_measures import sharpness as sharpness
    from groundglass.api.array_measures import text_and_graphics as text_and_graphics
    from groundglass.api.images import Image as Image
    from groundglass.api.images import open_image as open_image
    from groundglass.api.measure import measure as measure
    from groundglass.api.measure import measure_files as measure_files
    from groundglass.api.pairs import downscale as downscale
    from groundglass.api.pairs import psnr as psnr
    from groundglass.api.pairs import ssim as ssim
    from groundglass.api.recipes import RecipePlan as RecipePlan
    from groundglass.api.recipes import plan as plan
    from groundglass.api.recipes import run as run
    from groundglass.api.runs import Run as Run
    from groundglass.api.runs import open_run as open_run

_MODULES = {
    "open_image": "groundglass.api.images",
    "Image": "groundglass.api.images",
    "measure": "groundglass.api.measure",
    "measure_files": "groundglass.api.measure",
    "plan": "groundglass.api.recipes",
    "RecipePlan": "groundglass.api.recipes",
    "run": "groundglass.api.recipes",
    "open_run": "groundglass.api.runs",
    "Run": "groundglass.api.runs",
    "downscale": "groundglass.api.pairs",
    "psnr": "groundglass.api.pairs",
    "ssim": "groundglass.api.pairs",
    "blockiness": "groundglass.api.array_measures",
    "borders": "groundglass.api.array_measures",
    "colour": "groundglass.api.array_measures",
    "complexity": "groundglass.api.array_measures",
    "encoded_bytes": "groundglass.api.array_measures",
    "exposure": "groundglass.api.array_measures",
    "fingerprint": "groundglass.api.array_measures",
    "leaks": "groundglass.api.array_measures",
    "naturalness": "groundglass.api.array_measures",
    "noise": "groundglass.api.array_measures",
    "objects_fast": "groundglass.api.array_measures",
    "pixels": "groundglass.api.array_measures",
    "resolution": "groundglass.api.array_measures",
    "sharpness": "groundglass.api.array_measures",
    "text_and_graphics": "groundglass.api.array_measures",
}
"""Each public function and class with the module that has it: imported when it is first used, since numpy, pyarrow and
the image libraries take a second that `groundglass --version` need not wait for."""

__all__ = [
    "Image",
    "RecipePlan",
    "Run",
    "__version__",
    "blockiness",
    "borders",
    "colour",
    "complexity",
    "downscale",
    "encoded_bytes",
    "errors",
    "exposure",
    "fingerprint",
    "leaks",
    "measure",
    "measure_files",
    "naturalness",
    "noise",
    "objects_fast",
    "open_image",
    "open_run",
    "pixels",
    "plan",
    "psnr",
    "resolution",
    "run",
    "sharpness",
    "ssim",
    "text_and_graphics",
]


if not TYPE_CHECKING:  # an editor shall mark a name that is not in the list

    def __getattr__(name):
        from importlib import import_module

        if name == "errors":
            return import_module("groundglass.errors")
        if name not in _MODULES:
            raise AttributeError(f"module 'groundglass' has no attribute '{name}'", name=name)
        found = globals()[name] = getattr(import_module(_MODULES[name]), name)
        return found

    def __dir__():
        return __all__
