"""The images of a source of generated images, each with the key of its file; and which of them are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from groundglass.generators.design import Prompt, Wanted, design, shares
from groundglass.generators.kind import Checked
from groundglass.generators.made import MadeFolder, Outcome, Task, task_key
from groundglass.sources.generate_words import Asked
from groundglass.sources.source import Home
from groundglass.text.format import some


class Planned:
    """The design of a source with the keys of its images."""

    def __init__(
        self, source: Asked, prompts: Sequence[Prompt], checked: Mapping[str, Checked], home: Home
    ) -> None:
        self.checked = checked
        self.made = MadeFolder(home.folder / "generated" / home.step)
        asked = {name: (one.settings, one.images) for name, one in source.generators.items()}
        self.tasks: list[tuple[Wanted, Task]] = []
        for share in shares(asked, len(prompts), source.per_prompt, source.share_prompts):
            identity = self.checked[share.generator].identity
            for wanted in design(share, prompts, source.sampling, home.seed, home.step):
                key = task_key(identity, wanted.prompt.text, wanted.settings, wanted.seed)
                task = Task(key, wanted.uri, wanted.prompt.text, wanted.seed, wanted.settings)
                self.tasks.append((wanted, task))

    def chosen(self, limit: int | None) -> list[tuple[Wanted, Task]]:
        """The images up to the source's `limit`, in the order in which they are made."""
        if limit is None:
            return self.tasks
        first = {wanted.uri for wanted, _ in sorted(self.tasks, key=lambda pair: pair[0].uri)[:limit]}
        return [(wanted, task) for wanted, task in self.tasks if wanted.uri in first]

    def speeds(self, outcomes: Mapping[str, Outcome]) -> dict[str, float]:
        """For each generator the mean seconds of an image, as far as some were made."""
        found: dict[str, list[float]] = {}
        for wanted, task in self.tasks:
            outcome = outcomes.get(task.key)
            if outcome and outcome.seconds:
                found.setdefault(wanted.generator, []).append(outcome.seconds)
        return {name: sum(seconds) / len(seconds) for name, seconds in found.items()}

    def lacks(self, wanted: Wanted, task: Task, outcomes: Mapping[str, Outcome], retry: bool) -> bool:
        """Whether an image still has to be made; a failure is tried again only if ``retry``."""
        found = outcomes.get(task.key)
        if found is None or (found.error and retry):
            return True
        return not found.error and not self.made.file(wanted.generator, found.file).is_file()


def repeated_bytes(plan: Planned, chosen: Sequence[tuple[Wanted, Task]]) -> list[str]:
    """A note for each generator that makes the same image for different seeds."""
    outcomes = plan.made.outcomes()
    found: dict[str, dict[str, set[tuple[str, int]]]] = {}
    for wanted, task in chosen:
        outcome = outcomes.get(task.key)
        if outcome and outcome.sha256 and not outcome.error:
            of_bytes = found.setdefault(wanted.generator, {}).setdefault(outcome.sha256, set())
            of_bytes.add((task.key, task.seed))
    notes: list[str] = []
    for name, by_bytes in found.items():
        again = sum(len(keys) - 1 for keys in by_bytes.values())
        if again:
            said = f"{some(again, 'images')} with the bytes of another one, although the seed or the prompt differs"
            notes.append(f"{name}: {said}; `meta.same_bytes_as` names it")
    return notes
