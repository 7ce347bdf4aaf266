"""Settings that a server refuses: each is replaced or left out once, for the whole run, whatever the server's words.

A refusal that names a setting is believed. One that names none is tried out, as long as the server has accepted no
question of this name with the setting: one setting after the other is given up until the question is accepted; then the
last one was the cause, and the others are taken up again. A refused request costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock

from groundglass.annotators.clients.protocol import Request, without_secrets
from groundglass.annotators.clients.refusals import Failure, is_the_pictures_own

MOST_SEARCHES = 3
"""Questions for which all settings are tried out in vain, after which none is tried out any more."""


@dataclass(frozen=True)
class Setting:
    """A part of a request that some servers refuse.

    names   what a refusal calls it (a regular expression)
    forms   what stands for it, one after the other, each with the words by which a refusal leads to it ("" any);
            the first form is the one that is tried first, and the last one is that it is left out
    loyal   it decides what an answer means: once it was accepted, a refusal is a mood of the server's, and the question
            is put again as it was
    """

    name: str
    names: str
    forms: tuple[tuple[str, str], ...]
    loyal: bool = False

    def next(self, form: int, words: str) -> int:
        """The form after a refusal."""
        after = range(form + 1, len(self.forms))
        return next(one for one in after if re.search(self.forms[one][1], words, re.IGNORECASE))


Forms = Mapping[str, int]
"""Setting → the place of its form in `Setting.forms`."""


@dataclass
class Concessions:
    """What a server was found to refuse. Safe for threads."""

    settings: Sequence[Setting]
    notes: dict[str, str] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)
    _tried: list[tuple[str, int]] = field(default_factory=list)
    _accepted: set[tuple[str, str, int]] = field(default_factory=set)
    _searches: int = 0
    _lock: Lock = field(default_factory=Lock)

    def forms(self, used: Sequence[str]) -> Forms:
        """The form of each of these settings, as a request is to be sent now."""
        with self._lock:
            return self._forms(used)

    def accepted(self, request: Request, sent: Forms) -> None:
        """A request in these forms was answered."""
        with self._lock:
            self._accepted |= {(request.name, name, form) for name, form in sent.items()}
            if self._tried and sent == self._forms(list(sent)):
                name, form = self._tried[-1]
                self._tried.clear()
                self._keep(name, form, "without saying why")

    def refused(self, request: Request, sent: Forms, failure: Failure, searching: bool) -> bool:
        """A request in these forms was refused; whether it is to be sent again, in another form or for another try.

        Only where ``searching`` may a setting be looked for that the refusal does not name.
        """
        with self._lock:
            named = [one for one in self.settings if one.name in sent and _is_named(one, failure.words)]
            if self._give_up(request, sent, named, failure):
                return True
            return searching and is_the_pictures_own(failure.words) and self._search(request, sent)

    def _give_up(self, request: Request, sent: Forms, named: Sequence[Setting], failure: Failure) -> bool:
        """Go on to the next form of the settings that a refusal names."""
        again = False
        for one in named:
            settled = one.loyal and (request.name, one.name, sent[one.name]) in self._accepted
            if settled or self._form(one.name) != sent[one.name]:  # of the latter another thread took care
                again = True
            elif sent[one.name] < len(one.forms) - 1:
                self._keep(one.name, one.next(sent[one.name], failure.words), failure.message)
                again = True
        return again

    def _search(self, request: Request, sent: Forms) -> bool:
        """Give up one more setting on trial; False once all were given up in vain."""
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
    """A key as it is written in a request; several words are words."""
    return form if " " in form else f"`{form}`"


def _is_named(setting: Setting, words: str) -> bool:
    return re.search(setting.names, words, re.IGNORECASE) is not None
