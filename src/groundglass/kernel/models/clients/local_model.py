"""Asking a multimodal model whose weights lie in a folder, with transformers."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundglass.kernel.models.clients.client import Position, Reply, Request

TOP = 20
"""Alternatives to each token that are told."""
POSITIONS = 8


class LocalModel:
    """The model of a folder as `save_pretrained` writes it: config, safetensors, processor, chat template.

    It runs on a GPU where torch finds one, one picture at a time. Code that a folder brings along is never run.
    """

    concurrent = False

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        processors: Any = AutoProcessor
        models: Any = AutoModelForImageTextToText
        self.processor = processors.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model = models.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="auto"
        )
        self.model = model.to(self.device).eval()

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
            position.setdefault(token, value)  # two tokens of one text: the more probable one comes first
        return position


def _turns(request: Request) -> list[dict[str, Any]]:
    """The conversation. The instructions stand before the question: not every chat template knows a system's turn."""
    from PIL import Image

    picture = Image.open(io.BytesIO(request.image)).convert("RGB")
    text = f"{request.instructions}\n\n{request.question}"
    turns = [_turn("user", {"type": "image", "image": picture}, {"type": "text", "text": text})]
    if request.faulty:
        answer, fault = request.faulty
        turns.append(_turn("assistant", {"type": "text", "text": answer}))
        turns.append(_turn("user", {"type": "text", "text": fault}))
    return turns


def _turn(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "content": list(content)}
