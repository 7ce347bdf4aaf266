"""The answers of a server for a step: those that the store lacks are asked for, within a budget, and kept.

Every reply is kept unchanged, because it was paid for; the pixels of the rows follow from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from groundglass.calls.ledger import Ledger, Price, Spent
from groundglass.calls.retry import Asker
from groundglass.engines.shards import Stop, Summary
from groundglass.engines.threads import run_threads
from groundglass.errors import ImageError
from groundglass.files.folder_lock import only_one
from groundglass.generators import servers
from groundglass.generators.edits import EditTask
from groundglass.generators.made import MadeFolder, Outcome
from groundglass.generators.painter import Canvas, Painter
from groundglass.made_images.kept import Place, write_note
from groundglass.made_images.records import write_record
from groundglass.text.format import duration, some, thousands
from groundglass.transforms.restore_server import ServerRestorer
from groundglass.transforms.transform import Preparing, ToPrepare

CALL_SECONDS = 15.0
"""Seconds of one call of a server, assumed as long as none was measured."""
REPLIES = "replies"
"""The folder of what servers sent, next to the records."""


@dataclass(frozen=True)
class Lacking:
    """The images without pixels, each with its prompt and the key of its answer; and those that need no call."""

    to_ask: Sequence[tuple[ToPrepare, str, str]]
    to_fit: Sequence[tuple[ToPrepare, str, str]]
    failed: int


def lacking_of(
    server: ServerRestorer,
    images: Sequence[ToPrepare],
    texts: Sequence[str | None] | None,
    folder: Path,
    retry: bool,
) -> Lacking:
    """The images without pixels: to ask for, or answered by an earlier run; failures are asked again if ``retry``."""
    prompts = server.prompts(texts)
    made = MadeFolder(folder / REPLIES)
    outcomes, files = made.outcomes(), _files(made, server)
    to_ask: list[tuple[ToPrepare, str, str]] = []
    to_fit: list[tuple[ToPrepare, str, str]] = []
    failed = 0
    for image in images:
        if _place(folder, image).pixels.is_file():
            continue
        prompt = prompts[image.made.key]
        key = server.edit_key(prompt, image)
        found = outcomes.get(key)
        if found is not None and found.error and not retry:
            failed += 1
        elif key in files and not (found is not None and found.error):
            to_fit.append((image, prompt, key))
        else:
            to_ask.append((image, prompt, key))
    return Lacking(to_ask, to_fit, failed)


def _files(made: MadeFolder, server: ServerRestorer) -> dict[str, Path]:
    """Key of an answer → its file."""
    folder = made.path / server.service
    return {path.stem: path for path in folder.iterdir() if path.suffix != ".tmp"} if folder.is_dir() else {}


def _place(folder: Path, image: ToPrepare) -> Place:
    return Place(folder, image.made.key, image.sha256, image.region)


def left_to_ask(
    server: ServerRestorer,
    images: Sequence[ToPrepare],
    texts: Sequence[str | None] | None,
    preparing: Preparing,
) -> tuple[float, str]:
    """The seconds of the calls that a run makes, and a sentence on them. No server is asked."""
    found = lacking_of(server, images, texts, preparing.folder, preparing.retry)
    spent = Ledger(preparing.ledger, Price(), server.limits).spent
    took = [one.seconds for one in MadeFolder(preparing.folder / REPLIES).outcomes().values() if one.seconds]
    each = sum(took) / len(took) if took else None
    return calls_left(server, len(found.to_ask), spent, found.failed, each)


def calls_left(
    server: ServerRestorer, count: int, spent: Spent, failed: int = 0, each: float | None = None
) -> tuple[float, str]:
    """The seconds of the calls that are left, and a sentence on their cost, their time, and the budget.

    ``each`` are the seconds that a call took so far, None if none was made.
    """
    seconds = count * (CALL_SECONDS if each is None else each) / server.asked.concurrency
    asked = server.asked
    cost = f"cost {count * asked.price:.4g}" if asked.price is not None else "cost unknown"
    said = f"at most {some(count, 'calls')} of {server.name} plus retries after failures, {cost}"
    if not count:
        said = f"no call of {server.name}" + ("" if failed else ": every image has its answer")
    if failed:
        said += f"; not asked again without `--retry failed`: {some(failed, 'failures')} of earlier runs"
    budget = asked.budget
    if budget is not None and count:
        limits = [f"{thousands(budget.calls)} calls"] if budget.calls else []
        limits += [f"a cost of {budget.money:g}"] if budget.money else []
        before = (
            f", of which {some(spent.calls, 'calls')} and {spent.cost:.4g} are spent" if spent.calls else ""
        )
        said += f"; the budget stops it at {' or '.join(limits)}{before}"
    if count:
        how = (
            f"{CALL_SECONDS:g} s per call (assumed)" if each is None else f"{each:.3g} s per call (measured)"
        )
        said += f"; about {duration(seconds)} at {how}"
    return seconds, said


def prepare_answers(
    server: ServerRestorer,
    images: Sequence[ToPrepare],
    texts: Sequence[str | None] | None,
    preparing: Preparing,
) -> tuple[str, ...]:
    """Ask for the answers that the store lacks, and keep the pixels of all; each failure leaves a note with its reason.

    Raises Interrupted and UnreachableError; what arrived is kept either way.
    """
    folder = preparing.folder
    for record in server.records(texts):
        write_record(folder, record)
    made = MadeFolder(folder / REPLIES)
    (made.path / server.service).mkdir(parents=True, exist_ok=True)
    # Two runs share the folder: together they would pay twice, and spend two budgets.
    with only_one(folder, "the folder of the restored images"):
        found = lacking_of(server, images, texts, folder, preparing.retry)
        ledger = Ledger(preparing.ledger, Price(), server.limits)
        editor = _Editor(server, made, preparing, ledger)
        todo = [*found.to_fit, *found.to_ask]
        if todo:
            progress = preparing.progress(server.name)
            try:
                run_threads(editor.one, todo, server.asked.concurrency, progress, editor.stop)
            finally:
                editor.painter.save_held()
        _note_failures(server, images, texts, folder, made)
    return (*editor.notes(), *_in_words(server, ledger.spent, made, images, texts))


class _Editor:
    """Edits one image after the other in threads. Thread-safe."""

    def __init__(
        self, server: ServerRestorer, made: MadeFolder, preparing: Preparing, ledger: Ledger
    ) -> None:
        asked, generator = server.asked, server.generator()
        self.stop = Stop()
        self._server, self._made, self._preparing = server, made, preparing
        self._client = servers.open_server(generator, asked.timeout, edits=True)
        self._outcomes, self._files = made.outcomes(), _files(made, server)
        canvas = Canvas(made, server.service, asked.price or 0.0, asked.timeout)
        asker = Asker(self._client, ledger, self.stop)
        self.painter = Painter(canvas, asker, self._client.where, has_settings=bool(asked.settings))

    def notes(self) -> list[str]:
        """Settings that the server refuses, and images that the budget held back."""
        notes = list(self._client.notes)
        if self.painter.unasked:
            held = some(self.painter.unasked, "images")
            notes.append(f"{held} are missing: the budget is spent; raise it and run again")
        return notes

    def one(self, todo: tuple[ToPrepare, str, str]) -> Summary:
        """Get the answer for one image, and keep its pixels. Raises UnreachableError."""
        image, prompt, key = todo
        try:
            rgb = self._preparing.open(image)
        # Its row gets this reason from the worker that cannot open it either.
        except (ImageError, MemoryError) as error:
            return Summary(1, {error.reason if isinstance(error, ImageError) else "out_of_memory": 1})
        task = EditTask(key, prompt, self._server.asked.settings, rgb, image.made.scale)
        summary = self._answered(task) or self.painter.one(task)
        if task.answer is not None:
            place = _place(self._preparing.folder, image)
            write_note(place, {"reply": key, **task.answer.plain()})
            place.keep(task.answer.rgb)
        return summary

    def _answered(self, task: EditTask) -> Summary | None:
        """The count for an answer that an earlier run paid for; None if there is none that can be used."""
        file, known = self._files.get(task.key), self._outcomes.get(task.key)
        if file is None or (known is not None and known.error):
            return None
        if known is None:
            # A kill came after the file and before its line.
            known = self._made.adopted(self._server.service, task)
            if known is None:
                return None
            self._made.add([known])
            return Summary(1, {known.error: 1} if known.error else {})
        try:
            _, error, detail = task.judge(file.read_bytes())
        except OSError:
            return None
        if error:
            self._made.add([Outcome(task.key, file.name, known.sha256, error, detail, known.revised_prompt)])
        return Summary(1, {error: 1} if error else {})


def _note_failures(
    server: ServerRestorer,
    images: Sequence[ToPrepare],
    texts: Sequence[str | None] | None,
    folder: Path,
    made: MadeFolder,
) -> None:
    """Write down why an image has no pixels."""
    prompts, outcomes = server.prompts(texts), made.outcomes()
    for image in images:
        place = _place(folder, image)
        if place.pixels.is_file():
            continue
        found = outcomes.get(server.edit_key(prompts[image.made.key], image))
        if found is None:
            write_note(place, {"reason": "budget", "detail": "not asked: the budget is spent"})
        elif found.error:
            write_note(place, {"reason": found.error, "detail": found.detail})


def _in_words(
    server: ServerRestorer,
    spent: Spent,
    made: MadeFolder,
    images: Sequence[ToPrepare],
    texts: Sequence[str | None] | None,
) -> list[str]:
    """The sums of the ledger, examples of failures, and answers that several images have in common."""
    notes: list[str] = []
    if spent.calls:
        cost = f"cost {spent.cost:.4g}" if server.asked.price is not None else "cost unknown"
        lost = (
            f" ({some(spent.unanswered, 'calls')} cut short by a kill, counted at full price)"
            if spent.unanswered
            else ""
        )
        notes.append(f"{some(spent.calls, 'calls')} of {server.name} in all runs, {cost}{lost}")
    prompts, outcomes = server.prompts(texts), made.outcomes()
    keys = {server.edit_key(prompts[image.made.key], image) for image in images}
    ended = [outcome for key, outcome in outcomes.items() if key in keys]
    examples = {one.error: one.detail for one in ended if one.error and one.detail}
    notes += [f"{reason}, for example: {detail}" for reason, detail in sorted(examples.items())]
    copies = Counter(one.sha256 for one in ended if one.sha256 and not one.error)
    repeated = sum(many - 1 for many in copies.values())
    if repeated:
        notes.append(f"{some(repeated, 'answers')} with the bytes of another image's answer")
    return notes
