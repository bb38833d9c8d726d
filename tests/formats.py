"""Small models in the formats of real releases: shrunk configurations, random weights, saved to disk.

`make(name, folder)` writes what the release of that name has: config.json, weights in the class that it is
saved as, tokenizer, and for models that see images how these are prepared. Sizes aside, a folder differs from
a release in nothing that a program could rely on.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import format_shapes as shapes
import format_tokenizers as tokenizers


@dataclass(frozen=True)
class Format:
    """How a release is made.

    `single` and `pair` are what its tokenizer puts around one and two texts (A, B); `settings` gives the
    configuration for a tokenizer; `spare` is by how many rows the embeddings exceed the tokenizer.
    """

    name: str
    model_type: str
    kind: str
    saved_as: str
    tokenizer: Callable[[], PreTrainedTokenizerBase]
    settings: Callable[[PreTrainedTokenizerBase, int], Any]
    single: str
    pair: str
    ids: Mapping[str, int] = field(default_factory=dict)
    pad: str | None = "<pad>"
    side: str = "right"
    spare: int = 0
    images: Callable[[], Any] | None = None
    untied: bool = False


_ROBERTA_IDS = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
_GEMMA_IDS = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4}
_GEMMA_FACTS: dict[str, Any] = {
    "single": "<bos> A",
    "pair": "<bos> A <bos> B",
    "ids": _GEMMA_IDS,
    "side": "left",
}
_BERT_PAIR = {"single": "[CLS] A [SEP]", "pair": "[CLS] A [SEP] B [SEP]", "pad": "[PAD]"}
_T5_PAIR = {"single": "A </s>", "pair": "A </s> B </s>", "untied": True}
_QWEN_FACTS = {"single": "A", "pair": "A B", "pad": "<|endoftext|>", "spare": 9}
_SEEN_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>")
_QWEN_SEERS = (
    ("qwen2-vl", "qwen2_vl", "Qwen2VLForConditionalGeneration", transformers.Qwen2VLConfig),
    ("qwen2.5-vl", "qwen2_5_vl", "Qwen2_5_VLForConditionalGeneration", transformers.Qwen2_5_VLConfig),
    ("qwen3-vl", "qwen3_vl", "Qwen3VLForConditionalGeneration", transformers.Qwen3VLConfig),
)

_ENCODERS = (
    Format(
        "xlm-r",
        "xlm-roberta",
        "encoder",
        "XLMRobertaForMaskedLM",
        tokenizers.xlm_roberta,
        shapes.xlm_roberta,
        "<s> A </s>",
        "<s> A </s> </s> B </s>",
        _ROBERTA_IDS,
    ),
    Format(
        "mbert",
        "bert",
        "encoder",
        "BertForMaskedLM",
        tokenizers.mbert,
        shapes.mbert,
        **_BERT_PAIR,
        ids={"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103},
    ),
    Format(
        "mdeberta-v3",
        "deberta-v2",
        "encoder",
        "DebertaV2ForMaskedLM",
        tokenizers.mdeberta,
        shapes.mdeberta,
        **_BERT_PAIR,
        ids={"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3},
        spare=5,
    ),
    Format(
        "modernbert",
        "modernbert",
        "encoder",
        "ModernBertForMaskedLM",
        tokenizers.modernbert,
        shapes.modernbert,
        "<bos> A <eos>",
        "<bos> A <eos> B <eos>",
        _GEMMA_IDS,
    ),
    Format(
        "eurobert",
        "eurobert",
        "encoder",
        "EuroBertForMaskedLM",
        tokenizers.eurobert,
        shapes.eurobert,
        "<|begin_of_text|> A <|end_of_text|>",
        "<|begin_of_text|> A <|end_of_text|> B <|end_of_text|>",
        pad="<|end_of_text|>",
    ),
)

_ENCODER_DECODERS = (
    Format(
        "mt5",
        "mt5",
        "encoder-decoder",
        "MT5ForConditionalGeneration",
        tokenizers.mt5,
        shapes.mt5,
        **_T5_PAIR,
        ids={"<pad>": 0, "</s>": 1, "<unk>": 2},
        spare=12,
    ),
    Format(
        "umt5",
        "umt5",
        "encoder-decoder",
        "UMT5ForConditionalGeneration",
        tokenizers.umt5,
        shapes.umt5,
        **_T5_PAIR,
        ids={"<pad>": 0, "</s>": 1, "<s>": 2, "<unk>": 3},
        spare=12,
    ),
    Format(
        "mbart",
        "mbart",
        "encoder-decoder",
        "MBartForConditionalGeneration",
        tokenizers.mbart,
        shapes.mbart,
        "A </s> en_XX",
        "A B </s> en_XX",
        _ROBERTA_IDS,
    ),
    Format(
        "t5gemma",
        "t5gemma",
        "encoder-decoder",
        "T5GemmaForConditionalGeneration",
        tokenizers.gemma,
        shapes.t5gemma,
        **_GEMMA_FACTS,
    ),
)

_DECODERS = (
    Format(
        "bloom",
        "bloom",
        "decoder",
        "BloomForCausalLM",
        tokenizers.bloom,
        shapes.bloom,
        "A",
        "A B",
        {"<unk>": 0, "<s>": 1, "</s>": 2, "<pad>": 3},
        side="left",
        spare=8,
    ),
    Format(
        "xglm",
        "xglm",
        "decoder",
        "XGLMForCausalLM",
        tokenizers.xglm,
        shapes.xglm,
        "</s> A",
        "</s> A </s> </s> B",
        _ROBERTA_IDS,
    ),
    Format(
        "llama",
        "llama",
        "decoder",
        "LlamaForCausalLM",
        tokenizers.llama,
        shapes.llama,
        "<|begin_of_text|> A",
        "<|begin_of_text|> A <|begin_of_text|> B",
        pad=None,
    ),
    Format(
        "qwen2",
        "qwen2",
        "decoder",
        "Qwen2ForCausalLM",
        tokenizers.qwen,
        partial(shapes.qwen, transformers.Qwen2Config),
        **_QWEN_FACTS,
    ),
    Format(
        "qwen3",
        "qwen3",
        "decoder",
        "Qwen3ForCausalLM",
        tokenizers.qwen,
        partial(shapes.qwen, transformers.Qwen3Config),
        **_QWEN_FACTS,
    ),
    Format(
        "gemma",
        "gemma",
        "decoder",
        "GemmaForCausalLM",
        tokenizers.gemma,
        partial(shapes.gemma, transformers.GemmaConfig),
        **_GEMMA_FACTS,
    ),
    Format(
        "gemma2",
        "gemma2",
        "decoder",
        "Gemma2ForCausalLM",
        tokenizers.gemma,
        partial(shapes.gemma, transformers.Gemma2Config),
        **_GEMMA_FACTS,
    ),
    Format(
        "gemma3",
        "gemma3_text",
        "decoder",
        "Gemma3ForCausalLM",
        tokenizers.gemma,
        partial(shapes.gemma, transformers.Gemma3TextConfig),
        **_GEMMA_FACTS,
    ),
)

_SEERS = (
    Format(
        "siglip2",
        "siglip",
        "dual",
        "SiglipModel",
        tokenizers.siglip2,
        shapes.siglip,
        "A <eos>",
        "A <eos> B <eos>",
        _GEMMA_IDS,
        images=shapes.siglip_images,
    ),
    Format(
        "siglip2-naflex",
        "siglip2",
        "dual",
        "Siglip2Model",
        partial(tokenizers.siglip2, transformers.Siglip2Tokenizer),
        shapes.siglip2,
        "A <eos>",
        "A <eos> B <eos>",
        _GEMMA_IDS,
        images=shapes.siglip2_images,
    ),
    Format(
        "paligemma",
        "paligemma",
        "vision-language",
        "PaliGemmaForConditionalGeneration",
        partial(tokenizers.gemma, "<image>", "<loc0000>", "<loc0001>", "<seg000>"),
        shapes.paligemma,
        **_GEMMA_FACTS,
        images=partial(shapes.siglip_images, image_seq_length=(shapes.IMAGE // shapes.PATCH) ** 2),
    ),
    *(
        Format(
            name,
            model_type,
            "vision-language",
            saved_as,
            partial(tokenizers.qwen, *_SEEN_TOKENS, side="left"),
            partial(shapes.qwen_vl, settings),
            **_QWEN_FACTS,
            side="left",
            images=shapes.qwen_images,
        )
        for name, model_type, saved_as, settings in _QWEN_SEERS
    ),
)

FORMATS: Mapping[str, Format] = {
    made.name: made for made in (*_ENCODERS, *_ENCODER_DECODERS, *_DECODERS, *_SEERS)
}
NAMES = tuple(FORMATS)
TEXT_NAMES = tuple(name for name, made in FORMATS.items() if made.images is None)
"""Those that read text alone."""


def make(name: str, folder: Path) -> Path:
    """Write the model of that name into the folder; always the same bytes."""
    made = FORMATS[name]
    tokenizer = made.tokenizer()
    model = _drawn(made, made.settings(tokenizer, len(tokenizer) + made.spare))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if made.images is not None:
        made.images().save_pretrained(folder)
    if made.untied:  # transformers writes that it ties them; the releases say what is so
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"tie_word_embeddings": False}, indent=2))
    return folder


def _drawn(made: Format, settings: Any) -> PreTrainedModel:
    """The model with weights as its own class draws them, spread: what is 0 or 1 at first is not later on."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model: PreTrainedModel = getattr(transformers, made.saved_as)(settings)
        if made.untied:
            model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
            model.all_tied_weights_keys.pop("lm_head.weight")
        with torch.no_grad():
            for weights in model.parameters():
                weights.add_(torch.randn_like(weights), alpha=0.1)
    return model
