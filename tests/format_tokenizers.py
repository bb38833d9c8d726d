"""Tokenizers as the releases of multilingual models have them, with a vocabulary of a few hundred pieces.

Vocabularies are counted from the sentences below. Where a release has a Unigram model, its pieces here are
those of a BPE model, scored by rank: the Unigram trainer's result depends on the order of a hash table.
"""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import transformers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import processors as post
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

TEXTS = (
    "The children read a book under the old tree.",
    "Where is the red house? It is behind the school.",
    "She said that the water is cold and the bread is warm.",
    "There are 12 birds on the roof, and 3 of them sing.",
    "Die Kinder lesen ein Buch unter dem alten Baum.",
    "Das Wasser ist kalt, aber das Brot ist warm.",
    "Wo ist das rote Haus? Es steht hinter der Schule.",
    "Les enfants lisent un livre sous le vieil arbre.",
    "L'eau est froide et le pain est chaud.",
    "Los niños leen un libro debajo del árbol viejo.",
    "¿Dónde está la casa roja? Está detrás de la escuela.",
    "Çocuklar yaşlı ağacın altında kitap okuyor.",
    "Watoto wanasoma kitabu chini ya mti mzee.",
    "Trẻ em đọc sách dưới cây già.",
    "Дети читают книгу под старым деревом.",
    "Вода холодная, а хлеб тёплый.",
    "Τα παιδιά διαβάζουν ένα βιβλίο κάτω από το δέντρο.",
    "الأطفال يقرؤون كتابا تحت الشجرة.",
    "الماء بارد والخبز دافئ.",
    "बच्चे पेड़ के नीचे किताब पढ़ते हैं।",
    "पानी ठंडा है और रोटी गरम है।",
    "เด็กอ่านหนังสือใต้ต้นไม้",
    "孩子们在树下看书。",
    "水很冷,面包很热。",
    "子どもは木の下で本を読む。",
    "아이들이 나무 아래에서 책을 읽는다.",
)
"""What the vocabularies know: all characters of these sentences."""

EXTRA = 100
"""How many sentinels for denoising mT5 and umT5 have here (the releases: 100 and 300)."""

LANGUAGES = (
    "ar_AR",
    "cs_CZ",
    "de_DE",
    "en_XX",
    "es_XX",
    "et_EE",
    "fi_FI",
    "fr_XX",
    "gu_IN",
    "hi_IN",
    "it_IT",
    "ja_XX",
    "kk_KZ",
    "ko_KR",
    "lt_LT",
    "lv_LV",
    "my_MM",
    "ne_NP",
    "nl_XX",
    "ro_RO",
    "ru_RU",
    "si_LK",
    "tr_TR",
    "vi_VN",
    "zh_CN",
)
"""The language codes of mBART, in the order of its vocabulary."""

_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+(?!\S)|\s+"
)
_BLOOM_WORDS = r" ?[^(\s|[.,!?…。,、।۔،])]+"
_BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))


@cache
def bpe(split: str, pieces: int) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """A BPE model's pieces, characters (or bytes) first, and its merges; `split` is how words are cut."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = (
        _byte_words(split) if split else pre_tokenizers.Metaspace(prepend_scheme="always")
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet()) if split else []
    trainer = trainers.BpeTrainer(vocab_size=pieces, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return tuple(model["vocab"]), tuple((left, right) for left, right in model["merges"])


def _byte_words(split: str) -> Any:
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def _scored(first: tuple[str, ...], last: tuple[str, ...] = ()) -> list[tuple[str, float]]:
    """The vocabulary of a Unigram model: special tokens, pieces, further tokens."""
    pieces, _ = bpe("", 450)
    scores = [
        (piece, -(4.0 if len(piece) > 1 else 9.0) - rank / 100) for rank, piece in enumerate(pieces)
    ]  # longer ones are preferred
    return [(token, 0.0) for token in first] + scores + [(token, 0.0) for token in last]


def xlm_roberta() -> PreTrainedTokenizerBase:
    """<s> 0, <pad> 1, </s> 2, <unk> 3, pieces, <mask> last."""
    vocabulary = _scored(("<s>", "<pad>", "</s>", "<unk>"), ("<mask>",))
    mask = AddedToken("<mask>", lstrip=True, special=True)
    return transformers.XLMRobertaTokenizer(vocab=vocabulary, mask_token=mask, model_max_length=512)


def mbert() -> PreTrainedTokenizerBase:
    """[PAD] 0, unused tokens up to 99, [UNK] 100, [CLS], [SEP], [MASK] 103; cased; segments."""
    split = pre_tokenizers.BertPreTokenizer()
    clean = normalizers.BertNormalizer(lowercase=False)
    words = Counter(word for text in TEXTS for word, _ in split.pre_tokenize_str(clean.normalize_str(text)))
    letters = sorted({letter for word in words for letter in word})
    common = sorted(word for word, number in words.items() if number > 1 and len(word) > 1)
    tokens = [
        "[PAD]",
        *(f"[unused{number}]" for number in range(1, 100)),
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
    ]
    tokens += [*letters, *(f"##{letter}" for letter in letters), *common]
    return transformers.BertTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        do_lower_case=False,
        model_max_length=512,
    )


def mdeberta() -> PreTrainedTokenizerBase:
    """[PAD] 0, [CLS] 1, [SEP] 2, [UNK] 3, pieces, [MASK] last; segments."""
    vocabulary = _scored(("[PAD]", "[CLS]", "[SEP]", "[UNK]"), ("[MASK]",))
    return transformers.DebertaV2Tokenizer(vocab=vocabulary, unk_id=3, do_lower_case=False)


def mt5() -> PreTrainedTokenizerBase:
    """<pad> 0, </s> 1, <unk> 2, pieces; the sentinels are pieces as well, "▁<extra_id_0>" the last."""
    sentinels = tuple(f"▁<extra_id_{number}>" for number in reversed(range(EXTRA)))
    return transformers.T5Tokenizer(vocab=_scored(("<pad>", "</s>", "<unk>"), sentinels), extra_ids=0)


def umt5() -> PreTrainedTokenizerBase:
    """<pad> 0, </s> 1, <s> 2, <unk> 3, pieces; sentinels are added tokens, "<extra_id_0>" the last."""
    tokenizer = Tokenizer(models.Unigram(_scored(("<pad>", "</s>", "<s>", "<unk>")), unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    sentinels = [f"<extra_id_{number}>" for number in reversed(range(EXTRA))]
    names = {"eos": "</s>", "unk": "<unk>", "pad": "<pad>"}
    return _fast(tokenizer, "$A </s>", "$A </s> $B </s>", names, sentinels)


def mbart() -> PreTrainedTokenizerBase:
    """<s> 0, <pad> 1, </s> 2, <unk> 3, pieces, language codes, <mask>; </s> en_XX after a text."""
    vocabulary = _scored(("<s>", "<pad>", "</s>", "<unk>"), (*LANGUAGES, "<mask>"))
    return transformers.MBartTokenizer(vocab=vocabulary, src_lang="en_XX")


def xglm() -> PreTrainedTokenizerBase:
    """<s> 0, <pad> 1, </s> 2, <unk> 3, pieces, seven made-up words; a text begins with </s>."""
    vocabulary = _scored(("<s>", "<pad>", "</s>", "<unk>"))
    return transformers.XGLMTokenizer(vocab=vocabulary)


def bloom() -> PreTrainedTokenizerBase:
    """Bytes; <unk> 0, <s> 1, </s> 2, <pad> 3; nothing is put around a text; padded on the left."""
    pieces, merges = bpe(_BLOOM_WORDS, 360)
    special = ("<unk>", "<s>", "</s>", "<pad>")
    tokenizer = Tokenizer(models.BPE(_numbered(*special, *pieces), list(merges)))
    tokenizer.pre_tokenizer = _byte_words(_BLOOM_WORDS)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = post.ByteLevel(trim_offsets=False)
    names = {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"}
    return _fast(tokenizer, "", "", names, side="left")


def llama() -> PreTrainedTokenizerBase:
    """Bytes (Llama 3); <|begin_of_text|> before a text; neither a padding nor an unknown token."""
    tokenizer = _llama_bytes()
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>"])
    begin = "<|begin_of_text|>"
    names = {"bos": begin, "eos": "<|end_of_text|>"}
    return _fast(tokenizer, f"{begin} $A", f"{begin} $A {begin}:1 $B:1", names)


def eurobert() -> PreTrainedTokenizerBase:
    """Llama 3's bytes; <|begin_of_text|> and <|end_of_text|> around a text, the latter is padding too."""
    tokenizer = _llama_bytes()
    begin, end, mask = "<|begin_of_text|>", "<|end_of_text|>", "<|mask|>"
    tokenizer.add_special_tokens([begin, end, mask])
    names = {"bos": begin, "eos": end, "pad": end, "mask": mask}
    return _fast(tokenizer, f"{begin} $A {end}", f"{begin} $A {end} $B:1 {end}:1", names)


def qwen(*more: str, side: str = "right") -> PreTrainedTokenizerBase:
    """Bytes; <|endoftext|> is padding and end, nothing is put around a text; `more` are added tokens."""
    pieces, merges = bpe(_WORDS, 360)
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *more)
    tokenizer = transformers.Qwen2Tokenizer(
        vocab=_numbered(*pieces), merges=list(merges), unk_token=None, padding_side=side
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    return tokenizer


def gemma(*more: str) -> PreTrainedTokenizerBase:
    """<pad> 0, <eos> 1, <bos> 2, <unk> 3, <mask> 4, bytes, pieces; <bos> before a text; pads on the left."""
    return transformers.GemmaTokenizer(
        **_gemma_pieces(), add_bos_token=True, additional_special_tokens=list(more)
    )


def siglip2(kind: Any = transformers.GemmaTokenizer) -> PreTrainedTokenizerBase:
    """Gemma's pieces, <eos> after a text; no attention mask: padded to 64 tokens, all of them seen."""
    return kind(
        **_gemma_pieces(),
        add_bos_token=False,
        add_eos_token=True,
        padding_side="right",
        model_max_length=64,
        model_input_names=["input_ids"],
    )


def modernbert() -> PreTrainedTokenizerBase:
    """mmBERT: Gemma's pieces; <bos> and <eos> around a text serve for [CLS] and [SEP] as well."""
    parts = _gemma_pieces()
    tokenizer = Tokenizer(models.BPE(parts["vocab"], parts["merges"], unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    names = {"bos": "<bos>", "eos": "<eos>", "unk": "<unk>", "pad": "<pad>"}
    names |= {"cls": "<bos>", "sep": "<eos>", "mask": "<mask>"}
    return _fast(tokenizer, "<bos> $A <eos>", "<bos> $A <eos> $B:1 <eos>:1", names)


def _llama_bytes() -> Tokenizer:
    pieces, merges = bpe(_WORDS, 360)
    tokenizer = Tokenizer(models.BPE(_numbered(*pieces), list(merges), ignore_merges=True))
    tokenizer.pre_tokenizer = _byte_words(_WORDS)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _gemma_pieces() -> dict[str, Any]:
    pieces, merges = bpe("", 400)
    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>")
    return {"vocab": _numbered(*special, *_BYTES, *pieces), "merges": list(merges)}


def _numbered(*tokens: str) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def _fast(
    tokenizer: Tokenizer,
    single: str,
    pair: str,
    names: Mapping[str, str],
    more: list[str] | None = None,
    side: str = "right",
) -> PreTrainedTokenizerBase:
    """A tokenizer of no class of its own, as such releases have; what stands around a text as a template."""
    tokenizer.add_special_tokens([*dict.fromkeys(names.values()), *(more or [])])
    if single:
        around = {part.split(":")[0] for part in pair.split() if not part.startswith("$")}
        numbers = [(token, tokenizer.token_to_id(token)) for token in sorted(around)]
        tokenizer.post_processor = post.TemplateProcessing(single=single, pair=pair, special_tokens=numbers)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{kind}_token": token for kind, token in names.items()},
        additional_special_tokens=more or [],
        model_input_names=["input_ids", "attention_mask"],
        padding_side=side,
    )
