"""The proof: does training on what a recipe selects, or on one folder instead of another, give better results?"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from groundglass.audits.replay_run import replay
from groundglass.engines.interrupts import terminated_as_interrupted
from groundglass.engines.process import cpu_seconds_of_all
from groundglass.engines.progress import Progress
from groundglass.errors import RecipeError, cannot_write
from groundglass.files.folder_lock import only_one
from groundglass.notices import notice
from groundglass.plans.run_folder import RunFolder, find_run, load_record
from groundglass.plans.state import State
from groundglass.proofs.folder_arms import folder_trial
from groundglass.proofs.prove import Proof
from groundglass.proofs.result_folder import COMMAND, PROOF, keep_proof
from groundglass.recipes.errors import Mark
from groundglass.recipes.load import LoadedRecipe, load_recipe, load_text
from groundglass.recipes.model import Recipe, Step
from groundglass.recipes.prove_model import ProveStep
from groundglass.recipes.shipped import recipe_path
from groundglass.recipes.to_yaml import recipe_text
from groundglass.recipes.yaml_nodes import Node
from groundglass.runs.audit_run import finished_run
from groundglass.runs.make_plan import make_plan
from groundglass.runs.run import RunOptions, Talk, run_plan
from groundglass.sources.folder import Folder, existing_folder, list_folders
from groundglass.steps.prove.recipe_arms import BY_COLUMN, WORDS
from groundglass.steps.prove.run import prove_recipe, prove_trial
from groundglass.tables.parquet import compute
from groundglass.text.format import some
from groundglass.text.suggest import did_you_mean


@dataclass(frozen=True)
class ProveOptions:
    """How to prove.

    body     what a `prove` step says: preset, arms, images to score on
    seed     of every random choice; None takes the recipe's
    workers  processes; 0 for one a core
    """

    body: ProveStep
    seed: int | None = None
    workers: int = 0


@dataclass(frozen=True)
class Proved:
    """A proof and the run's folder that holds it."""

    proof: Proof
    folder: RunFolder


def prove_selection(
    word: str, runs: Path, options: ProveOptions, progress: Callable[[str], Progress]
) -> Proved:
    """Prove what ``word`` names: a run (its folder, or a recipe's name for its last run), or else a recipe's file.

    A recipe that has no finished run is run first. Raises all that a run raises, and RecipeError where the run is not
    finished, has no gate, or too few images.
    """
    begun = cpu_seconds_of_all()
    _check_arms(options.body.arms)
    folder = _run_of(word, runs, options, progress)
    recipe = load_recipe(folder.path / "recipe.yaml")
    if not any(step.kind == "select" for step in recipe.recipe.steps):
        raise RecipeError(
            f"{recipe.recipe.name} has no select step, so it has no selection to prove",
            "add one, or compare folders: --folder clean=DIR --folder filtered=DIR",
        )
    plan = make_plan(_with_proof(recipe, options.body))
    planned = plan.steps[-1]
    before = replace(plan, steps=plan.steps[:-1])
    state = _again(replay(before, folder).state, options, progress)
    with _alone(folder) as place:
        proof = prove_recipe(state, planned, state.run.plan.steps, options.body, place, options.seed)
        return _kept(folder, proof, begun)


def _check_arms(words: Sequence[str]) -> None:
    """Raises RecipeError for a word that names no arm; columns are checked with the recipe."""
    for word in words:
        kind, _, column = word.partition(":")
        if word not in WORDS and (kind not in BY_COLUMN or not column):
            near = did_you_mean(word, WORDS)
            valid = (*WORDS, *(f"{name}:COLUMN" for name in BY_COLUMN))
            raise RecipeError(f"there is no arm '{word}'.{near}", f"--arms: {', '.join(valid)}")


def _run_of(word: str, runs: Path, options: ProveOptions, progress: Callable[[str], Progress]) -> RunFolder:
    """The finished run that is meant; a recipe without one is run now."""
    if not word.endswith((".yaml", ".yml")):
        return find_run(word, runs)
    plan = make_plan(load_recipe(recipe_path(word)))
    done = finished_run(plan, runs)
    if done is None:
        return run_plan(plan, RunOptions(runs, options.workers), Talk(progress))[0]
    notice(
        f"this is about the finished run {done.path}; if its images have changed, run the recipe again first"
    )
    return done


def _with_proof(loaded: LoadedRecipe, body: ProveStep) -> LoadedRecipe:
    """The recipe as far as its images are still chosen and cut, with a prove step at its end.

    Errors in the arms point into the argument `--arms`: the user wrote no such step.
    """
    written = loaded.root.value["steps"]
    chosen = [
        (step, node)
        for step, node in zip(loaded.recipe.steps, written.value, strict=True)
        if step.kind not in ("release", "audit", "prove", "split", "benchmark")
    ]
    names = {step.name for step, _ in chosen}
    name = next(name for name in ("prove", "proof-command", "proof-of-command") if name not in names)
    steps = (*(step for step, _ in chosen), Step(name=name, kind="prove", body=body))
    recipe = loaded.recipe.model_copy(update={"steps": steps})
    nodes = replace(written, value=[*(node for _, node in chosen), _typed(name, body.arms)])
    root = loaded.root.with_entry("steps", loaded.root.keys["steps"], nodes)
    return replace(loaded, recipe=recipe, text=recipe_text(recipe), root=root)


def _typed(name: str, arms: Sequence[str]) -> Node:
    """A prove step with the arms at their places in the argument."""
    typed = ",".join(arms)
    whole = Mark("--arms", 0, 1, typed, max(1, len(typed)))
    words: list[Node] = []
    start = 1
    for word in arms:
        words.append(Node(word, replace(whole, column=start, length=len(word))))
        start += len(word) + 1
    body = Node({"arms": Node(words, whole)}, whole, {"arms": whole})
    return Node({"prove": body, "name": Node(name, whole)}, whole, {"prove": whole, "name": whole})


def prove_folders(
    folders: Mapping[str, str], runs: Path, options: ProveOptions, progress: Callable[[str], Progress]
) -> Proved:
    """Compare training on folders; the first one is the reference.

    The folders are listed and read as the sources of a recipe of its own, ``runs/prove-<hash>/``; the hash depends on
    their files, so that a changed folder is read again. Raises RecipeError where there are fewer than two, or one is
    not there.
    """
    begun = cpu_seconds_of_all()
    if len(folders) < 2:
        raise RecipeError("a proof compares two folders or more", "--folder clean=DIR --folder filtered=DIR")
    # Looked for here: an error of the recipe that is made below would name lines that the user never wrote.
    known = "\n".join(f"{name}={_content(folder)}" for name, folder in folders.items())
    steps = tuple(
        Step(name=name, kind="source", body=Folder(folder=(folder,))) for name, folder in folders.items()
    )
    recipe = Recipe(name=f"prove-{hashlib.sha256(known.encode()).hexdigest()[:8]}", steps=steps)
    plan = make_plan(load_text(recipe_text(recipe), "--folder"))
    folder = finished_run(plan, runs)
    if folder is None:
        folder, _ = run_plan(plan, RunOptions(runs, options.workers, max_failed=1.0), Talk(progress))
    state = _again(replay(plan, folder).state, options, progress)
    rows = {name: state.rows.filter(compute.equal(state.rows["source"], name)) for name in folders}
    with _alone(folder) as place:
        trial = folder_trial(state, rows, options.body.images, bool(options.body.score_on))
        proof = prove_trial(state, trial, options.body, place, options.seed)
        notes = (*proof.notes, *_empty(folder), *(_unusable(state, name) for name in folders))
        return _kept(folder, replace(proof, folders=True, notes=tuple(filter(None, notes))), begun)


def _content(folder: str) -> str:
    """A folder with the names, sizes and times of its images, as a text."""
    place = existing_folder(folder).resolve()
    files = list_folders([str(place)]).select(["uri", "bytes", "mtime_ns"]).to_pylist()
    return "\n".join([str(place), *(f"{file['uri']} {file['bytes']} {file['mtime_ns']}" for file in files)])


def _empty(folder: RunFolder) -> list[str]:
    """Notes on the sources without any image: what is in them instead."""
    sources = (step for step in load_record(folder).steps if step.kind == "source" and not step.into)
    return [f"{step.step}: {note}" for step in sources for note in step.notes]


def _unusable(state: State, source: str) -> str:
    """A note on the files of a source that were refused when it was read; "" if there are none."""
    assert state.images is not None
    errors = state.images.filter(compute.equal(state.images["source"], source))["error"].drop_null()
    reasons = Counter(error.partition(":")[0] for error in errors.to_pylist())
    said = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    return f"{some(len(errors), 'files')} of {source} cannot be used: {said}" if said else ""


def _again(state: State, options: ProveOptions, progress: Callable[[str], Progress]) -> State:
    """A replayed run's state with the engine and the progress of this command."""
    settings = replace(state.run.settings, workers=options.workers)
    return replace(state, run=replace(state.run, settings=settings, progress=progress))


@contextmanager
def _alone(folder: RunFolder) -> Generator[Path]:
    """The folder of this command's proof, locked: the first of two proofs to end would remove the other's pixels."""
    place = _place(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(place, error) from error
    with only_one(place, f"the proof of {folder.name}"), terminated_as_interrupted():
        yield place


def _place(folder: RunFolder) -> Path:
    return folder.path / PROOF / COMMAND


def _kept(folder: RunFolder, proof: Proof, begun: float) -> Proved:
    proof = replace(proof, cpu_seconds=round(cpu_seconds_of_all() - begun, 1))
    keep_proof(_place(folder), proof)
    folder.log("prove", preset=proof.preset, arms=len(proof.arms), cpu_seconds=proof.cpu_seconds)
    return Proved(proof, folder)
