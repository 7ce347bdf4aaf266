"""The addresses of raters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from groundglass import __version__
from groundglass.errors import ImageError
from groundglass.recipes.study_model import StudyStep
from groundglass.studies.read_vote import read_display, read_undoing, read_vote
from groundglass.studies.records import Refused, Trial
from groundglass.studies.trial_images import png_of
from groundglass.web.replies import STATUS, Stop, refusal, reply
from groundglass.web.requests import OWNER, RATER, sessions_of, short_id
from groundglass.web.screen import rating_page, static_file
from groundglass.web.service import Service

QUESTIONS: dict[str, str] = {
    "acr": "How good is the quality of this image?",
    "slider": "How good is this image?",
    "pairwise": "Which image is better?",
    "accept": "Should this image be kept?",
    "pair_accept": "Is the second image a good version of the first one?",
}
"""The question of each protocol if the study has none of its own."""
LABELS: dict[str, list[str]] = {
    "acr": ["bad", "poor", "fair", "good", "excellent"],
    "slider": ["bad", "excellent"],
}


def health(_service: Service, _request: Request) -> Response:
    return reply({"ok": True, "version": __version__})


def open_link(service: Service, request: Request) -> Response:
    try:
        return service.open_link(request, "/", lambda session: session.rater is not None)
    except Refused as refused:
        # The link itself is gone; a request with the cookie of such a link is forbidden (403).
        return refusal(request, refused, 410 if refused.code == "expired" else STATUS[refused.code])


def page(service: Service, request: Request) -> Response:
    service.rater(request)
    return HTMLResponse(rating_page())


def static(_service: Service | None, request: Request) -> Response:
    found = static_file(request.path_params["name"])
    if found is None:
        raise Stop("not_found")
    tag = f'"{hashlib.sha256(found.content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, headers=headers, media_type=found.media)


def session(service: Service, request: Request) -> Response:
    study, who = service.rater(request)
    standing = study.store.standing(who)
    return reply(
        {
            "csrf": who.csrf,
            "rater": who.name,
            "study": {"id": short_id(study), "name": study.name, **facts_of(study.body)},
            "done": standing.done,
            "total": standing.total,
            "version": __version__,
        }
    )


def facts_of(body: StudyStep) -> dict[str, Any]:
    """The facts of a study for the page of a rater. The shares of checks are not among it."""
    ends = body.scale
    scale = ends and {"low": ends[0], "high": ends[1], "labels": LABELS.get(body.protocol, [])}
    return {
        "protocol": body.protocol,
        "question": body.question or QUESTIONS[body.protocol],
        "dimensions": list(body.dimensions),
        "scale": scale,
        "reasons": list(body.reasons),
        "pause": body.pause,
        "dwell": body.checks.dwell,
        "training": body.checks.training,
    }


def next_trials(service: Service, request: Request) -> Response:
    study, who = service.rater(request, fresh=False)
    ahead = request.query_params.get("ahead", "0")
    if not (ahead.isascii() and ahead.isdigit() and len(ahead) < 3):
        raise Refused("wrong", "'ahead' must be a number from 0 to 10", "ahead")
    trials = study.store.next(who, int(ahead))
    if not trials:
        standing = study.store.standing(who)
        end = {"done": True, "answered": standing.done, "why": standing.why or "all_rated"}
        return reply(end if standing.minutes is None else {**end, "minutes": standing.minutes})
    first, *others = (plain(trial) for trial in trials)
    return reply({**first, "ahead": others})


def plain(trial: Trial) -> dict[str, Any]:
    """A trial as JSON."""
    return {
        "trial": trial.id,
        "kind": trial.layout,
        "training": trial.training,
        "number": trial.number,
        "total": trial.total,
        "images": [
            {"side": image.side, "url": f"/image/{image.id}", "width": image.width, "height": image.height}
            for image in trial.images
        ],
        "prompt": trial.prompt,
    }


def vote(service: Service, request: Request, sent: Mapping[str, Any]) -> Response:
    study, who = service.rater(request, fresh=False)
    receipt = study.store.vote(who, read_vote(study.body, sent))
    again = {"again": True} if receipt.again else {}
    return reply({"ok": True, "vote": receipt.vote, "feedback": receipt.feedback, **again})


def undo(service: Service, request: Request, sent: Mapping[str, Any]) -> Response:
    study, who = service.rater(request, fresh=False)
    undoing, voted = read_undoing(sent)
    return reply({"ok": True, "trial": plain(study.store.undo(who, undoing, voted))})


def display(service: Service, request: Request, sent: Mapping[str, Any]) -> Response:
    study, who = service.rater(request)
    study.store.record_display(who, read_display(sent))
    return reply({"ok": True})


def image(service: Service, request: Request) -> Response:
    """An image by its opaque id: the database says whose it is, and no path comes from the browser."""
    found = [*sessions_of(request, service.studies, RATER), *sessions_of(request, service.studies, OWNER)]
    if not found:
        raise Stop("no_session")
    able = [(study, who) for study, who in found if who.state == "open"]
    if not able:
        raise Refused(found[0][1].state)
    for study, who in able:
        shown = study.store.image(who, request.path_params["image"])
        if shown is not None:
            try:
                data = png_of(shown, study.folder / "images", study.makes)
            except ImageError as error:
                # The next trial is another one: nobody waits for a file that may never come back.
                study.store.set_aside(shown.item)
                service.troubles.add(
                    study.name,
                    f"the image {shown.item.name} cannot be shown",
                    str(error),
                    "raters go on with others; put the file back, and it is tried again after two minutes",
                )
                raise
            return Response(
                data, headers={"Cache-Control": "private, max-age=3600, immutable"}, media_type="image/png"
            )
    raise Stop("not_found")
