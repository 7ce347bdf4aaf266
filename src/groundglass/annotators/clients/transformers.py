"""Asks a multimodal model in a folder, with transformers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundglass.annotators.clients.protocol import Position, Reply, Request
from groundglass.errors import RecipeError
from groundglass.libraries import Image
from groundglass.models.devices import find_devices
from groundglass.models.pretrained import load_pretrained
from groundglass.models.scorer import Place

TOP = 20
"""The number of alternatives to each token in a reply."""
POSITIONS = 8


class LocalModel:
    """The model of a folder as `save_pretrained` writes it: config, safetensors, processor, chat template.

    It runs on a GPU if torch finds one, one image at a time, in the dtype of the weights. Code in the folder is never
    run. Raises RecipeError if something is missing, damaged or does not fit.
    """

    concurrent = False
    notes = ()

    def __init__(self, folder: Path) -> None:
        self.device = find_devices("auto")[0]
        self.processor = _processor(folder)
        self.model = load_pretrained("AutoModelForImageTextToText", folder, Place(self.device), dtype="auto")

    def ask(self, request: Request) -> Reply:
        """The most probable answer."""
        import torch

        prepared = self.processor.apply_chat_template(
            _turns(request), add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        inputs: Mapping[str, Any] = prepared.to(self.device, dtype=self.model.dtype)
        asked = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            made = self.model.generate(
                **inputs,
                max_new_tokens=request.most_tokens,
                # The most probable answer, so that the same image always gets the same one.
                do_sample=False,
                return_dict_in_generate=True,
                output_logits=request.probabilities,
            )
        answer = made.sequences[0, asked:]
        text = self.processor.decode(answer, skip_special_tokens=True)
        logits = (made.logits or ()) if request.probabilities else ()
        positions = tuple(self._position(one[0]) for one in logits[:POSITIONS])
        return Reply(text, asked, int(answer.shape[0]), positions)

    def _position(self, logits: Any) -> Position:
        """The most probable tokens of a place."""
        best = logits.float().log_softmax(-1).topk(min(TOP, logits.shape[-1]))
        tokens = [self.processor.decode([token]) for token in best.indices.tolist()]
        position: dict[str, float] = {}
        for token, value in zip(tokens, best.values.tolist(), strict=True):
            # Two tokens can have the same text: the more probable one comes first and counts.
            position.setdefault(token, value)
        return position


def _processor(folder: Path) -> Any:
    """The processor that turns images and words into the model's numbers. Some need torchvision and say so."""
    from transformers import AutoProcessor

    anyone: Any = AutoProcessor
    try:
        return anyone.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # a damaged file can make the library raise anything
        said = " ".join(str(error).split())[:200]
        raise RecipeError(
            f"the processor in {folder} cannot be loaded: {said}",
            "the folder must hold all that the processor's save_pretrained writes",
        ) from error


def _turns(request: Request) -> list[dict[str, Any]]:
    """The conversation. Instructions come before the question, because not every chat template has a system turn."""
    image = Image.open(io.BytesIO(request.image)).convert("RGB")
    text = f"{request.instructions}\n\n{request.question}"
    turns = [_turn("user", {"type": "image", "image": image}, {"type": "text", "text": text})]
    if request.faulty:
        answer, fault = request.faulty
        turns.append(_turn("assistant", {"type": "text", "text": answer}))
        turns.append(_turn("user", {"type": "text", "text": fault}))
    return turns


def _turn(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}
