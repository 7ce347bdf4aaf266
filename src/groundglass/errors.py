"""All errors that groundglass raises on purpose, as one tree.

    GroundglassError           message, hint, exit_code
    ├── RecipeError            2   a recipe or an argument is wrong
    │   └── NotHere            2   the recipe is right, but this machine lacks an extra or the weights of a network
    │       └── MissingExtra   2   a package of an extra is not installed
    ├── UnreachableError       3   a source, a server or the output cannot be reached
    ├── TooManyFailed          4   the run is done, but more images failed than allowed
    ├── NothingProduced        4   all was done, but there is no result
    ├── Unfinished             4   some images could not be judged yet; the same command tries them again
    ├── Waiting                4   a study needs more votes of people; the same command goes on when they are there
    ├── Interrupted          130   stopped by the user; what was finished is saved
    ├── ImageError                 this image cannot be used: it becomes a row with a reason
    └── NoValue                    this measure has no value on this image: the value stays empty, with a reason

A bad image is a row; a bad recipe is an exception. All of them survive pickling, so a worker's error reaches
the driver unchanged.
"""

from __future__ import annotations

import errno
from typing import Any

from groundglass.extras import install_command

REASONS: dict[str, str] = {
    "empty": "the file has no bytes",
    "not_an_image": "the content is not in an image format that groundglass reads",
    "unsupported": "an image format or variant that cannot be decoded here",
    "unreadable": "the file cannot be opened",
    "vanished": "the file was listed, but no longer exists",
    "changed": "the file's content is not what was listed",
    "too_large": "more pixels, a longer side, more bytes or more memory than the limit",
    "unsafe_name": "an archive member with a name that leads out of the archive, or that is not a regular file",
    "truncated": "the pixel data ends early",
    "corrupt": "the pixel data is damaged",
    "out_of_memory": "the worker did not have enough memory for it",
    "timeout": "needed more CPU time than the limit",
    "worker_died": "the worker process died on it, twice",
    "unfinished": "a worker hung on it, twice: perhaps a blocked disk or a hung GPU, not the image",
    "too_small": "fewer pixels than the measure or transform needs",
    "wrong_size": "not the size that it must have: an SR image's is that of its HR image, a made image's as asked",
    "no_partner": "no file of the other folder has its name",
    "several_partners": "several files have names that fit",
    "flat": "no texture to measure",
    "no_pair": "the image is not one that a step made from another, so there is nothing to compare it with",
    "no_text": "the image has no text",
    "measure_failed": "the measure raised an unexpected error",
    "write_failed": "the written file did not read back as expected",
    "refused": "the model refuses to answer, or to make the image",
    "malformed": "the model's answer is not a JSON object, also at the second attempt",
    "wrong_schema": "the model's answer lacks required keys or has wrong types, also at the second attempt",
    "not_in_vocabulary": "the model's answer is not one of the allowed words, also at the second attempt",
    "length": "the model's answer was cut off at the length limit",
    "no_probabilities": "the model gave no probabilities here, but gave them for other images",
    "bad_request": "the model's server does not accept the question",
    "server_error": "the model's server failed at every attempt",
    "generation_failed": "the generator or restorer raised an error",
    "blank": "the generator or restorer made an image of one colour or near-white, or numbers that are not finite",
    "no_image": "the generator's reply has no image",
    "degrade_failed": "a degradation does not accept the image",
    "seams": "the restorer's tiles differ where they meet, by more than the limit",
    "budget": "not asked: the budget is spent",
}
"""Every reason that an error row can have, and its meaning."""

REMEDIES: dict[str, str] = {
    "empty": "fetch the file again",
    "not_an_image": "nothing, or remove it from the folder: it was counted and skipped",
    "unsupported": "the row names the format; install the extra that it names, or convert the file to PNG or TIFF",
    "unreadable": "check the file's permissions and the disk",
    "vanished": "put the file back, or run again: the new list leaves it out",
    "changed": "run again: the new content is then read",
    "too_large": "raise the limit that the row names, under `limits` in the recipe",
    "unsafe_name": "pack the archive again from its original folder",
    "truncated": "fetch or copy the file again; compare its size with the original",
    "corrupt": "fetch or copy the file again; several from one card or disk suggest that it is failing",
    "out_of_memory": "use fewer workers, or lower `limits`",
    "timeout": "raise the time limit, or leave the file out",
    "worker_died": "report the file: a decoder crashed on it",
    "unfinished": "run again once the disk or the GPU answers",
    "too_small": "nothing, or use smaller tiles",
    "wrong_size": "make LR exactly HR / scale: crop HR to a multiple of the scale first",
    "no_partner": "name SR files as HR files; endings such as _x4 or _SR may differ",
    "several_partners": "keep one of them in the folder, or give it the exact name",
    "flat": "nothing: there is no texture in it",
    "no_pair": "measure it right after the step that makes the images, such as `degrade`",
    "no_text": "add the text to the table or the text file",
    "measure_failed": "report it: the measure has a fault",
    "write_failed": "check the disk that holds the release, then run again",
    "refused": "nothing, or ask another model",
    "malformed": "ask a model that follows instructions better",
    "wrong_schema": "ask a model that follows instructions better",
    "not_in_vocabulary": "widen the vocabulary, or ask another model",
    "length": "ask a model that writes or reasons less",
    "no_probabilities": "ask a server that gives probabilities always, or never",
    "bad_request": "compare the step's settings with what the server accepts",
    "server_error": "run again when the server answers: only the failed questions are asked again",
    "generation_failed": "correct the setting that the row names, or leave it out",
    "blank": "try another dtype or fewer extreme settings, then --retry failed",
    "no_image": "nothing, or use a model that makes images",
    "degrade_failed": "correct the setting that the row names",
    "seams": "a larger overlap, or a tile that holds the whole image",
    "budget": "raise the budget and run again: only the remaining questions are asked",
}
"""The remedy for each reason."""


class GroundglassError(Exception):
    """The base of all errors that groundglass raises on purpose.

    ``hint`` says what to try; the command line prints it below the message.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.args


class RecipeError(GroundglassError):
    """A recipe or a command's arguments are wrong; nothing was started."""

    exit_code = 2


class NotHere(RecipeError):
    """The recipe is right, but this machine lacks something that it asks for: an extra, or the weights of a network."""


class MissingExtra(NotHere):
    """A package that belongs to an extra is not installed; the hint says how to install it here.

    >>> str(MissingExtra("HEIC images", "heif"))
    "HEIC images: the extra 'heif' is not installed"
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what}: the extra '{extra}' is not installed", install_command(extra))
        self.args = (what, extra)


class UnreachableError(GroundglassError):
    """A source, a server or the place to write to cannot be reached (or the disk is full)."""

    exit_code = 3


def cannot_write(what: Any, error: OSError) -> UnreachableError:
    """The error for a place that cannot be written, with a hint that fits the cause.

    >>> cannot_write("runs", OSError(errno.ENOSPC, "No space left on device")).hint
    'free some space; the same command then goes on from here'
    >>> cannot_write("runs", NotADirectoryError(errno.ENOTDIR, "Not a directory")).hint
    'part of that path is a file: choose a folder'
    """
    said = error.strerror or str(error)
    return UnreachableError(
        f"cannot write {what}: {said}", _WRITING.get(error.errno or 0, "choose another place")
    )


_FULL = "free some space; the same command then goes on from here"
_REFUSED = "choose a folder that you are allowed to write to"
_A_FILE = "part of that path is a file: choose a folder"
_WRITING = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EACCES: _REFUSED,
    errno.EPERM: _REFUSED,
    errno.EROFS: _REFUSED,
    errno.ENOTDIR: _A_FILE,
    errno.EEXIST: _A_FILE,
    errno.EISDIR: _A_FILE,
}


class NothingProduced(GroundglassError):
    """All was done as asked, but there is no result: no image is left, or a measure has no value on any image."""

    exit_code = 4


class TooManyFailed(GroundglassError):
    """The run is done, but more images failed than ``--max-failed`` allows."""

    exit_code = 4


class Unfinished(GroundglassError):
    """Some images kept a worker waiting too long, twice. The rest is saved; the same command tries them again."""

    exit_code = 4


class Waiting(GroundglassError):
    """A step waits for votes of people. Finished work is saved; the same command goes on when there are enough."""

    exit_code = 4


class Interrupted(GroundglassError):
    """Stopped by Ctrl-C or SIGTERM. Finished work is saved; the same command continues."""

    exit_code = 130


class ImageError(GroundglassError):
    """This image cannot be used. ``reason`` is a word of `REASONS`, ``detail`` the decoder's message.

    >>> str(ImageError("truncated", "3 of 40 rows are missing"))
    'truncated: 3 of 40 rows are missing'
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        if reason not in REASONS:
            raise ValueError(f"{reason!r} is not in errors.REASONS")
        super().__init__(f"{reason}: {detail}" if detail else reason)
        # Pickling calls the class with `args` again, so they must be this constructor's arguments, not the base's.
        self.args = (reason, detail)
        self.reason = reason
        self.detail = detail


class NoValue(ImageError):
    """The image is sound, but this measure has no value on it (``flat``, ``too_small``, ``no_pair``)."""
