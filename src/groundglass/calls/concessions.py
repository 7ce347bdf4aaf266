"""Settings that a server refuses: each is replaced or left out once, for the whole run, whatever the server's wording.

A refusal that names a setting is believed. If it names none, settings that the server has never accepted for this
question are left out one after the other until the question is accepted: then the last one was the cause, and the
others are used again. A refused request costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from groundglass.calls.protocol import Request, without_secrets
from groundglass.calls.refusals import Failure, is_the_images_own

MOST_SEARCHES = 3
"""After this many questions for which leaving out settings did not help, no more settings are tried."""


@dataclass(frozen=True)
class Setting:
    """A part of a request that some servers refuse.

    names   a regular expression for its names in refusals
    forms   its forms in the order in which they are tried, each with the words of a refusal that lead to it ("" for
            any); the last form is that it is left out
    loyal   whether it decides the meaning of an answer: if it was accepted once, a later refusal counts as a passing
            fault of the server, and the question is asked again unchanged
    """

    name: str
    names: str
    forms: tuple[tuple[str, str], ...]
    loyal: bool = False

    def next(self, form: int, words: str) -> int:
        """The next form after a refusal."""
        after = range(form + 1, len(self.forms))
        return next(one for one in after if re.search(self.forms[one][1], words, re.IGNORECASE))


Forms = Mapping[str, int]
"""Setting → index of its form in `Setting.forms`."""


@dataclass
class Concessions:
    """The settings that a server was found to refuse. Safe for threads."""

    settings: Sequence[Setting]
    notes: dict[str, str] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)
    _tried: list[tuple[str, int]] = field(default_factory=list)
    _accepted: set[tuple[str, str, int]] = field(default_factory=set)
    _searches: int = 0
    _lock: Lock = field(default_factory=Lock)

    def forms(self, used: Sequence[str]) -> Forms:
        """The form of each of these settings for the next request."""
        with self._lock:
            return self._forms(used)

    def accepted(self, request: Request, sent: Forms) -> None:
        """Record that a request in these forms was answered."""
        with self._lock:
            self._accepted |= {(request.name, name, form) for name, form in sent.items()}
            # Another thread may have changed the forms meanwhile; then this success proves nothing about the trial.
            if self._tried and sent == self._forms(list(sent)):
                name, form = self._tried[-1]
                self._tried.clear()
                self._keep(name, form, "without saying why")

    def refused(self, request: Request, sent: Forms, failure: Failure, searching: bool) -> bool:
        """Record that a request in these forms was refused; returns whether to send it again, changed or unchanged.

        A setting that the refusal does not name is searched for only if ``searching``.
        """
        with self._lock:
            named = [one for one in self.settings if one.name in sent and _is_named(one, failure.words)]
            if self._give_up(request, sent, named, failure):
                return True
            # A refusal about sizes or models has another cause; any other one may hide a setting.
            return searching and is_the_images_own(failure.words) and self._search(request, sent)

    def _give_up(self, request: Request, sent: Forms, named: Sequence[Setting], failure: Failure) -> bool:
        """Go on to the next form of the settings that a refusal names."""
        again = False
        for one in named:
            settled = one.loyal and (request.name, one.name, sent[one.name]) in self._accepted
            # The second case: another thread has changed the form already.
            if settled or self._form(one.name) != sent[one.name]:
                again = True
            elif sent[one.name] < len(one.forms) - 1:
                self._keep(one.name, one.next(sent[one.name], failure.words), failure.message)
                again = True
        return again

    def _search(self, request: Request, sent: Forms) -> bool:
        """Leave out one more setting as a trial; False if leaving out all of them did not help."""
        if dict(sent) != self._forms(list(sent)):
            return True
        for one in self.settings:
            form = sent.get(one.name)
            if form is None or form == len(one.forms) - 1 or self._searches >= MOST_SEARCHES:
                continue
            if not any((request.name, one.name, known) in self._accepted for known in range(len(one.forms))):
                self._tried.append((one.name, form + 1))
                return True
        self._searches += bool(self._tried)
        self._tried.clear()
        return False

    def _form(self, name: str) -> int:
        tried = [form for one, form in self._tried if one == name]
        return tried[-1] if tried else self._known.get(name, 0)

    def _forms(self, used: Sequence[str]) -> dict[str, int]:
        return {name: self._form(name) for name in used}

    def _keep(self, name: str, form: int, said: str) -> None:
        self._known[name] = form
        (one,) = [one for one in self.settings if one.name == name]
        instead = one.forms[form][0]
        what = f"sent as {_quoted(instead)}" if instead else "left out"
        why = without_secrets(said)[:120]
        self.notes[name] = f"{_quoted(one.forms[0][0])} is {what}: the server refuses it ({why})"


def _quoted(form: str) -> str:
    """A form in a sentence: a request's key in code quotes, a phrase as it is."""
    return form if " " in form else f"`{form}`"


def _is_named(setting: Setting, words: str) -> bool:
    return re.search(setting.names, words, re.IGNORECASE) is not None
