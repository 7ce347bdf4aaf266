"""The error for a setting of a generator that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence

from groundglass.errors import RecipeError


class SettingFault(RecipeError):
    """A generator cannot be used as the recipe says: ``keys`` lead to the part at fault below its name in the recipe,
    ``word`` is the wrong word, and ``valid`` are the possible words.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        keys: Sequence[str] = (),
        word: str = "",
        valid: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint)
        self.args = (message, hint, keys, word, valid)
        self.keys, self.word, self.valid = tuple(keys), word, tuple(valid)
