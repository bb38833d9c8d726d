"""Two tiny tokenizers trained on the spot, laid out as XLM-R's and as BERT's, over several scripts."""

from collections.abc import Sequence
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

TEXTS = (
    "The old lighthouse keeper walks along the river, and nobody follows him.",
    "Who walks along the river? The keeper of the lighthouse walks there every day.",
    "Der alte Leuchtturmwärter geht am Fluss entlang; niemand folgt ihm über die Brücke.",
    "Старый смотритель маяка идёт вдоль реки, и никто не идёт за ним.",
    "حارس المنارة العجوز يمشي على طول النهر ولا أحد يتبعه",
    "बूढ़ा प्रकाशस्तंभ रक्षक नदी के किनारे चलता है और कोई उसका पीछा नहीं करता",
    "老灯塔看守人沿着河边走，没有人跟着他。河边有一座桥。",
    "คนเฝ้าประภาคารเดินไปตามแม่น้ำและไม่มีใครตามเขาไป",
    "川のそばを歩く灯台守の後を誰もついて行かない。",
)
"""A line of each script that the tests use, some of them without spaces."""


def _trained(names: dict[str, str], single: str, pair: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(unk_token=names["unk_token"]))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    special = list(dict.fromkeys(names.values()))
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, pair=pair, special_tokens=[(token, tokenizer.token_to_id(token)) for token in special]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


@pytest.fixture(scope="session")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Laid out as XLM-R's, saved and loaded again as a backbone's is."""
    names = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    folder = tmp_path_factory.mktemp("roberta")
    trained = _trained(names | {"mask_token": "<mask>"}, "<s> $A </s>", "<s> $A </s> </s> $B </s>")
    trained.save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def bert() -> Any:
    """Laid out as BERT's."""
    names = {"cls_token": "[CLS]", "pad_token": "[PAD]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    return _trained(names | {"mask_token": "[MASK]"}, "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]")


@pytest.fixture(scope="session", params=["roberta", "bert"])
def tokenizer(request: pytest.FixtureRequest) -> Any:
    """Each of the two in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def texts() -> Sequence[str]:
    """The lines that the tokenizers were trained on."""
    return TEXTS
