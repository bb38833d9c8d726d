"""Making a backbone: a tokenizer trained on the text of tasks, an encoder with random weights, eyes."""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, PreTrainedModel, PreTrainedTokenizerFast

from xstilts.compute import checkpoint, vision
from xstilts.compute.context import Context
from xstilts.compute.data import generator
from xstilts.compute.model import Model, sizes
from xstilts.compute.objective import SENTINEL
from xstilts.compute.pretrained import refused
from xstilts.data.examples import Answer, Bitext
from xstilts.errors import BackboneError, did_you_mean
from xstilts.study import backbone as study

SPECIAL = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
"""Special tokens in the order of XLM-R's vocabulary: <s> 0, <pad> 1, </s> 2, <unk> 3."""


def create(backbone: study.Backbone, context: Context) -> dict[str, Any]:
    """Write the backbone's folder, as `save_pretrained` would; gives what belongs in the record."""
    if backbone.weights == "pretrained":
        model = checkpoint.load(context.pretrained(backbone))
    elif backbone.architecture is None:
        model = checkpoint.drawn(context.pretrained(backbone), backbone.seed)
    else:
        assert backbone.tokenizer is not None
        tokenizer = train_tokenizer(backbone.tokenizer, context)
        model = Model(_encoder(backbone, tokenizer), tokenizer)
    if (eyes := backbone.vision) is not None:
        if model.kind != "encoder":
            what = f"its text model is no encoder ({model.encoder.config.model_type})."
            now = "Leave `vision` out, or take an encoder."
            raise BackboneError(f"backbone '{backbone.name}'", what, now)
        folder, random = context.eyes(eyes), backbone.weights == "random"
        model.eyes = vision.create(model.encoder, eyes, folder, backbone.seed, random=random)
    checkpoint.save(model, context.folder / "checkpoint", {})
    return sizes(model) | {"vocabulary": len(model.tokenizer)}


def train_tokenizer(specification: study.Tokenizer, context: Context) -> PreTrainedTokenizerFast:
    """A tokenizer over words marked with a leading "▁", after Unicode NFKC, in the layout of XLM-R's.

    The same text gives the same BPE tokenizer. A Unigram one may differ in the order of pieces of equal
    weight, and in which of them are kept: the trainer goes through a hash table of words.
    """
    tokenizer = Tokenizer(
        models.BPE(unk_token=SPECIAL["unk"]) if specification.algorithm == "bpe" else models.Unigram()
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation()]
    )
    tokenizer.decoder = decoders.Metaspace()
    trainer: Any = trainers.BpeTrainer if specification.algorithm == "bpe" else trainers.UnigramTrainer
    sentinels = [SENTINEL.format(number) for number in range(specification.sentinels)]
    names = {} if specification.algorithm == "bpe" else {"unk_token": SPECIAL["unk"]}
    learner = trainer(
        vocab_size=specification.vocabulary,
        special_tokens=[*SPECIAL.values(), *sentinels],
        show_progress=False,
        **names,
    )
    tokenizer.train_from_iterator(_texts(specification, context), learner)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")],
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        **{f"{kind}_token": token for kind, token in SPECIAL.items()},
        additional_special_tokens=sentinels,
        cls_token=SPECIAL["bos"],
        sep_token=SPECIAL["eos"],
        model_input_names=["input_ids", "attention_mask"],
    )


def _encoder(backbone: study.Backbone, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """A model of the architecture's own defaults, the study's shape and the tokenizer's numbers."""
    ids = {
        f"{kind}_token_id": tokenizer.convert_tokens_to_ids(SPECIAL[kind]) for kind in ("bos", "pad", "eos")
    }
    architecture, where = str(backbone.architecture), f"backbone '{backbone.name}'"
    with refused(where, "transformers does not accept its shape", "Correct `architecture` or `shape`."):
        default = AutoConfig.for_model(architecture)
        settings = AutoConfig.for_model(architecture, vocab_size=len(tokenizer), **ids, **backbone.shape)
        unknown = [key for key in backbone.shape if not hasattr(default, key)]  # kept, and never read
        if not unknown:
            return checkpoint.create_encoder(settings, backbone.seed)
    what = f"{architecture} has no setting '{unknown[0]}'."
    raise BackboneError(f"shape of {where}", what, did_you_mean(unknown[0], vars(default)))


def _texts(specification: study.Tokenizer, context: Context) -> Iterator[str]:
    for use in specification.uses:
        for language in use.languages:
            rows = context.examples(use, language)
            if specification.examples is not None and specification.examples < len(rows):
                drawn = generator("tokenizer", use.task, language).permutation(len(rows))
                rows = [rows[position] for position in sorted(drawn[: specification.examples])]
            for row in rows:
                yield from _strings(row)


def _strings(row: Any) -> Iterator[str]:
    """All texts of an example, labels and ids left out."""
    if isinstance(row, Bitext):
        yield from (*row.source, *row.target)
        return
    for field in fields(row):
        value = getattr(row, field.name)
        if field.name in ("label", "id", "tags", "start"):
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            for part in value:
                if isinstance(part, str):
                    yield part
                elif isinstance(part, Answer):
                    yield part.text
