"""A step in a few words, as the funnel shows it."""

from __future__ import annotations

from groundglass.recipes.annotate_model import AnnotateStep
from groundglass.recipes.audit_model import AuditStep
from groundglass.recipes.model import (
    Body,
    HoldOutStep,
    MeasureRequest,
    MeasureStep,
    NextBest,
    ReleaseStep,
    ScoreTable,
    SelectStep,
    SourceStep,
    SplitStep,
    TransformStep,
)


def label(body: Body) -> str:
    """What the step does, in a few words.

    >>> label(SelectStep(top_k=2000, by="hyperiqa"))
    'best 2,000 by hyperiqa'
    >>> label(TransformStep(tile=512))
    'tile 512'
    """
    match body:
        case SourceStep():
            places = ", ".join(body.folder or body.archive or body.table) or f"sample {body.sample}"
            return f"{places} where {body.where}" if body.where else places
        case MeasureStep():
            return ", ".join(_asked(request) for request in body.measures)
        case AnnotateStep():
            model = body.model
            return f"{', '.join(body.ask)} by {model.openai or model.google or model.local}"
        case SelectStep():
            return _selected(body)
        case HoldOutStep():
            return "; ".join(f"{split}: {_held(who)}" for split, who in body.splits.items())
        case TransformStep():
            return _transformed(body)
        case SplitStep():
            shares = {"train": body.train, "validation": body.validation, "test": body.test}
            shares = {name: 100 * (share or 0) for name, share in shares.items()}
            parts = ", ".join(f"{name} {share:.4g}%" for name, share in shares.items() if share)
            return f"{parts} by {body.group or 'photo'}"
        case ReleaseStep():
            return " ".join([body.format, *(f"x{scale}" for scale in body.lr_scales)])
        case AuditStep():
            return f"{', '.join(body.defects) or 'every defect'} in {body.sample:,} photographs"


def _asked(request: MeasureRequest | ScoreTable) -> str:
    return request.measure if isinstance(request, MeasureRequest) else f"scores of {request.table}"


def _selected(body: SelectStep) -> str:
    per = f" per {body.per}" if body.per else ""
    if body.where is not None:
        return f"{body.where}, cascade by {body.cascade.by}" if body.cascade else body.where
    if body.quantile is not None:
        return f"{body.by} at or above its {body.quantile:.0%} quantile{per}"
    if body.top_k is not None:
        return f"best {body.top_k:,} by {body.by}{per}"
    if body.quota is not None:
        return f"{', '.join(f'{name} {count:,}' for name, count in body.quota.items())} by {body.by}{per}"
    if body.intersect is not None:
        return " and ".join(_selected(inner) for inner in body.intersect)
    if body.source_divergence is not None:
        rule = body.source_divergence
        return f"sources of quality {rule.least:g} by {rule.reference}{per}"
    if body.decontaminate:
        sets = "known sets" if "all" in body.decontaminate else ", ".join(body.decontaminate)
        return f"no test image of {sets}"
    if body.deduplicate is not None:
        return _deduplicated(body)
    return " ".join(
        f"{what} those in {path}" for what, path in (("keep", body.keep), ("drop", body.drop)) if path
    )


def _deduplicated(body: SelectStep) -> str:
    """Which one of the duplicates stays."""
    kind = {"near": "near duplicates", "pixels": "equal pixels"}.get(body.deduplicate or "", "equal files")
    if body.by is None and body.deduplicate == "near":
        return f"of {kind} the largest, least compressed"
    return f"of {kind} {f'the best by {body.by}' if body.by else 'one'}"


def _held(who: NextBest) -> str:
    by = f" by {who.by}" if who.by else ""
    picked = f", pick {who.pick if isinstance(who.pick, int) else len(who.pick)}" if who.pick else ""
    if who.list:
        return f"those in {who.list}{picked}"
    return f"{f'next {who.next:,}' if who.next else f'{who.count:,}'}{by}{picked}"


def _transformed(body: TransformStep) -> str:
    if body.multiscale is not None:
        scales = [f"{scale:g}" for scale in body.multiscale]
        return f"scales {', '.join(scales)}{f', shortest edge {body.shortest_edge}' if body.shortest_edge else ''}"
    if body.tile is not None:
        return f"tile {body.tile}{f' every {body.stride}' if body.stride else ''}"
    if body.best_tile is not None:
        return f"best tile {body.best_tile}"
    if body.to_effective_resolution:
        return "to effective resolution"
    return f"downscale {body.downscale:g} {body.kernel or ''}".rstrip()
