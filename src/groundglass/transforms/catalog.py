"""Every transform that a recipe may name, written out."""

from __future__ import annotations

from groundglass.catalog import Parameter, Transform
from groundglass.transforms.best_tile import BEST_TILE, best_tile
from groundglass.transforms.downscale import downscale
from groundglass.transforms.multiscale import multiscale
from groundglass.transforms.tile import tile
from groundglass.transforms.to_effective_resolution import to_effective_resolution

TRANSFORMS: dict[str, Transform] = {
    transform.name: transform
    for transform in (
        Transform(
            name="multiscale",
            apply=multiscale,
            value="scales",
            parameters={
                "scales": Parameter(None, "factors of width and height; must be given", "", 0, 1),
                "shortest_edge": Parameter(
                    None, "one more copy whose shortest side has this length", "px", 1
                ),
                "kernel": Parameter("lanczos", "how to resize; matlab_bicubic, lanczos, box or area"),
            },
            summary="Every picture at several smaller sizes, each size once; never enlarged.",
            reference="Real-ESRGAN, scripts/generate_multiscale_DF2K.py",
        ),
        Transform(
            name="tile",
            apply=tile,
            value="size",
            parameters={
                "size": Parameter(None, "side of a square tile; must be given", "px", 1),
                "stride": Parameter(None, "from one tile to the next; empty: the tile's side", "px", 1),
                "edges": Parameter("drop", "drop: whole tiles only; shift: a last tile ends at the edge"),
            },
            summary="Every picture cut into square tiles on a regular grid.",
            reference="BasicSR, scripts/data_preparation/extract_subimages.py",
        ),
        Transform(
            name="best_tile",
            apply=best_tile,
            value="size",
            parameters=BEST_TILE.parameters,
            summary="The one square tile of every picture that has the most detail.",
            reference=BEST_TILE.reference,
            measure=BEST_TILE,
        ),
        Transform(
            name="downscale",
            apply=downscale,
            value="factor",
            parameters={
                "factor": Parameter(None, "2, 3, 4 … or a scale between 0 and 1; must be given", "", 0),
                "kernel": Parameter("matlab_bicubic", "how to resize; matlab_bicubic, lanczos, box or area"),
            },
            summary="Every picture cropped to a multiple of the factor and made smaller by exactly that.",
            reference="MATLAB imresize after modcrop, as in the super-resolution test sets",
        ),
        Transform(
            name="to_effective_resolution",
            apply=to_effective_resolution,
            value="wanted",
            parameters={
                "wanted": Parameter(True, "true; without this step pictures keep their size"),
                "kernel": Parameter("lanczos", "how to resize; lanczos, matlab_bicubic or area"),
            },
            summary="Every picture that was enlarged made as small as it truly is; all others as they are.",
            reference="the measure resolution; enlarged pictures are kept in their own size instead of dropped",
            reads="resolution",
        ),
    )
}
