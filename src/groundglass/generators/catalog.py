"""All kinds of generators that a recipe may name: each is checked in the plan, and makes the images of a source."""

from __future__ import annotations

from collections.abc import Mapping

from groundglass.generators import pipelines, servers
from groundglass.generators.kind import GeneratorKind

KINDS: Mapping[str, GeneratorKind] = {
    kind.service: kind for kind in (pipelines.KIND, servers.OPENAI, servers.GOOGLE)
}
"""The key of a recipe's generator → its kind."""
