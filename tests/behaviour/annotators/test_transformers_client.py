"""A multimodal model from a folder: a tiny one, taught in the test to tell dark pictures from bright ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from groundglass import testing
from groundglass.annotators.ask_question import Interview
from groundglass.annotators.catalog import QUESTIONS
from groundglass.annotators.clients.protocol import Reply, Request
from groundglass.annotators.clients.resolve import ModelName, check_model, identity, open_client
from groundglass.annotators.question import INSTRUCTIONS, inquire
from groundglass.errors import NoValue, RecipeError

torch = pytest.importorskip("torch", reason="needs the extra 'models'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'models'")

SIDE, PATCH = 16, 8
SPECIAL = ["<pad>", "<s>", "</s>", "<image>", "<unk>"]
WORDS = ["excellent", "good", "fair", "poor", "bad", *(chr(code) for code in range(32, 127))]
TEMPLATE = (
    "{% for turn in messages %}{{ turn['role'] }}:{% for part in turn['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'][-12:] }}{% endif %}{% endfor %} {% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
)
"""Only the ends of texts: the tiny model need not read much."""

DARK = testing.jpeg(testing.flat(64, 48, 10))
BRIGHT = testing.jpeg(testing.flat(64, 48, 245))
STYLE, SCORE = inquire(QUESTIONS["style"]), inquire(QUESTIONS["score"])


def tiny_processor() -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers

    known = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("excellent|good|fair|poor|bad|."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, additional_special_tokens=["<image>"], **names
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    images = CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return transformers.LlavaProcessor(
        image_processor=images,
        tokenizer=fast,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        chat_template=TEMPLATE,
        num_additional_image_tokens=1,
    )


def tiny_model() -> Any:
    torch.manual_seed(0)
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    vision = transformers.CLIPVisionConfig(**small, image_size=SIDE, patch_size=PATCH)
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    text = transformers.LlamaConfig(**small, vocab_size=len(SPECIAL) + len(WORDS), **ends)
    return transformers.LlavaForConditionalGeneration(
        transformers.LlavaConfig(vision_config=vision, text_config=text, image_token_id=3)
    )


def lessons() -> list[tuple[Request, str]]:
    """What is taught: a word for the single question, JSON for the other."""
    single = QUESTIONS["score"].single
    return [
        (Request(INSTRUCTIONS, single, DARK, "score"), "bad"),
        (Request(INSTRUCTIONS, single, BRIGHT, "score"), "good"),
        (Request(INSTRUCTIONS, STYLE.prompt, DARK, "style"), '{"style": "anime"}'),
        (Request(INSTRUCTIONS, STYLE.prompt, BRIGHT, "style"), '{"style": "drawing"}'),
    ]


def teach(model: Any, processor: Any) -> float:
    """Learn the lessons by heart; returns the last loss."""
    from groundglass.annotators.clients.transformers import _turns

    batches: list[dict[str, Any]] = []
    for request, answer in lessons():
        asked = processor.apply_chat_template(
            _turns(request), add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
        )
        told = processor.tokenizer(answer, return_tensors="pt")["input_ids"]
        told = torch.cat([told, torch.tensor([[2]])], dim=1)
        ids = torch.cat([asked["input_ids"], told], dim=1)
        labels = torch.cat([torch.full_like(asked["input_ids"], -100), told], dim=1)
        batches.append({"input_ids": ids, "labels": labels, "pixel_values": asked["pixel_values"]})
    steps = torch.optim.AdamW(model.parameters(), lr=5e-3)
    total = float("inf")
    for _ in range(150):
        losses = [
            model(**batch, attention_mask=torch.ones_like(batch["input_ids"])).loss for batch in batches
        ]
        loss = torch.stack(losses).sum()
        steps.zero_grad()
        loss.backward()
        steps.step()
        total = float(loss.detach())
        if total < 0.05:
            break
    return total


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("tiny-vlm")
    model, processor = tiny_model(), tiny_processor()
    assert teach(model, processor) < 0.5, "the tiny model did not learn its lesson"
    model.save_pretrained(place)
    processor.save_pretrained(place)
    return place


def test_its_answers_follow_from_the_picture(folder: Path):
    client, interview = open_client(ModelName("local", str(folder)), 60.0), Interview()
    assert interview.answer(STYLE, DARK, client.ask) == {"style": "anime"}
    assert interview.answer(STYLE, BRIGHT, client.ask) == {"style": "drawing"}
    dark, bright = (interview.answer(SCORE, picture, client.ask) for picture in (DARK, BRIGHT))
    assert dark["score_from"] == bright["score_from"] == "probabilities"
    assert float(dark["score"] or 0) < 1.5
    assert 3.5 < float(bright["score"] or 0) < 4.5


def test_its_probabilities_are_those_of_the_next_token(folder: Path):
    from groundglass.annotators.clients.transformers import LocalModel, _turns

    client = LocalModel(folder)
    request, _ = lessons()[0]
    single = Request(request.instructions, request.question, DARK, "score", probabilities=True, most_tokens=2)
    first = client.ask(single).positions[0]
    asked = client.processor.apply_chat_template(
        _turns(single), add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    with torch.inference_mode():
        wanted = client.model(**asked.to(client.device)).logits[0, -1].log_softmax(-1)
    bad = client.processor.tokenizer.convert_tokens_to_ids("bad")
    assert first["bad"] == pytest.approx(float(wanted[bad]), abs=1e-4)
    assert list(first.values()) == sorted(first.values(), reverse=True)


def test_nonsense_is_malformed(folder: Path):
    client = open_client(ModelName("local", str(folder)), 60.0)

    def babble(request: Request) -> Reply:
        return client.ask(Request("", "zzz", request.image, "style", most_tokens=5))

    with pytest.raises(NoValue) as caught:
        Interview().answer(STYLE, DARK, babble)
    assert caught.value.reason in ("malformed", "wrong_schema")


def test_a_folder_is_known_by_its_weights(folder: Path, tmp_path: Path):
    import shutil

    model = ModelName("local", str(folder))
    check_model(model)
    before = identity(model)
    copied = Path(shutil.copytree(folder, tmp_path / "elsewhere"))
    assert identity(ModelName("local", str(copied))) == before
    settings = json.loads((copied / "generation_config.json").read_text())
    (copied / "generation_config.json").write_text(json.dumps({**settings, "max_length": 21}))
    assert identity(ModelName("local", str(copied))) != before


@pytest.mark.parametrize(
    ("lost", "says"),
    [("tokenizer.json", "the processor"), ("model.safetensors", "no weights|the network|there are no")],
)
def test_a_folder_that_lacks_a_file_is_refused(folder: Path, tmp_path: Path, lost: str, says: str):
    import shutil

    copied = Path(shutil.copytree(folder, tmp_path / "lacking"))
    (copied / lost).unlink()
    with pytest.raises(RecipeError, match=says):
        open_client(ModelName("local", str(copied)), 60.0)
