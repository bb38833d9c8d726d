"""Makes ./backbone: a small untrained encoder with a tokenizer, in the format of transformers.

    python make_backbone.py

It stands for a model of your own. All that xstilts asks of the folder is what `save_pretrained` writes:
config.json, model.safetensors and tokenizer.json.
"""

import csv
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

HERE = Path(__file__).parent
SPECIAL = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}


def words() -> Tokenizer:
    """Every word of the translations is one token."""
    tokenizer = Tokenizer(models.WordLevel(unk_token=SPECIAL["unk"]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    with (HERE / "translations.csv").open(encoding="utf-8", newline="") as file:
        texts = [text for row in csv.DictReader(file) for text in row.values()]
    tokenizer.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=list(SPECIAL.values())))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer


def main(folder: Path = HERE / "backbone") -> None:
    """Write tokenizer and encoder into the folder."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words(),
        model_input_names=["input_ids", "attention_mask"],
        **{f"{kind}_token": token for kind, token in SPECIAL.items()},
    )
    torch.manual_seed(1)
    encoder = XLMRobertaModel(
        XLMRobertaConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=256,
            max_position_embeddings=66,
        ),
        add_pooling_layer=False,
    )
    tokenizer.save_pretrained(folder)
    encoder.save_pretrained(folder)


if __name__ == "__main__":
    main()
