"""A sequence-to-sequence model of transformers that translates texts: how it is loaded, asked and identified.

Nothing is drawn: beam search, in batches that depend on the texts alone.
"""

import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM, AutoTokenizer

from xstilts.compute.pretrained import reason, refused
from xstilts.errors import BackboneError
from xstilts.study.backbone import SHAPE, WEIGHTS
from xstilts.study.models import download

WANTED = (WEIGHTS, "*.json", "*.model", "*.spm", "*.txt")
CONVERT = "Convert it: AutoModelForSeq2SeqLM.from_pretrained(FOLDER).save_pretrained(FOLDER)."


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for: a model (a folder, or a Hub name with its revision) and how it is used.

    `examples` is how many rows, drawn so that fewer are among more, or None for all; `batch` counts texts
    that are translated together; `longest` is the tokens of a text and of its translation at the most.
    """

    model: str
    revision: str | None = None
    examples: int | None = None
    batch: int = 32
    beams: int = 4
    longest: int = 256
    source_code: str | None = None


class Translator:
    """A model with its tokenizer, and the codes by which that one calls the two languages."""

    def __init__(self, wish: Wish) -> None:
        """Raises BackboneError if there is no such model, or none that is safe to load and translates."""
        self.wish = wish
        self.folder = _folder(wish)
        folder, where = self.folder, str(self.folder)
        if not (folder / SHAPE).is_file():
            raise BackboneError(where, f"holds no {SHAPE}.", "Name a folder made by `save_pretrained`.")
        if not any(folder.glob(WEIGHTS)):
            pickled = sorted(folder.glob("*.bin"))
            what = (
                f"holds {pickled[0].name}, a pickle, which can run code."
                if pickled
                else f"holds no {WEIGHTS}."
            )
            raise BackboneError(where, what, CONVERT)
        digest = hashlib.sha256()
        for path in sorted({path for pattern in WANTED for path in folder.glob(pattern) if path.is_file()}):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        self.checksum = "sha256:" + digest.hexdigest()
        self.tokenizer, self.model = _load(self.folder)
        self.model.to(torch.device("cuda" if torch.cuda.is_available() else "cpu")).eval()

    def codes(self, source: str, language: str, target_code: str | None) -> tuple[str | None, str | None]:
        """The tokenizer's codes: those given, else those that are the same as ours; None where it has none.

        Raises BackboneError for a code that the tokenizer does not know, or one that must be given.
        """
        if hasattr(self.tokenizer, "src_lang"):
            return (
                self._known(self.wish.source_code or source, "--source-code"),
                self._known(target_code or language, "--target-code"),
            )
        where = str(self.folder)
        if self.wish.source_code is not None:
            what = "has a tokenizer without codes for the source language."
            raise BackboneError(where, what, "Leave --source-code out.")
        known, word = self.tokenizer, target_code
        unknown = word is not None and known.convert_tokens_to_ids(word) in (None, known.unk_token_id)
        if word is not None and (unknown or word not in known.tokenize(word)):
            what = f"has a tokenizer without the word '{target_code}'."
            raise BackboneError(where, what, "Leave --target-code out, or name a word of its vocabulary.")
        return None, target_code

    def _known(self, code: str, option: str) -> str:
        if self._id(code) is None:
            what = f"has a tokenizer that does not know the language code '{code}'."
            now = f"Name its own code with {option}, such as deu_Latn for NLLB or de_DE for mBART."
            raise BackboneError(str(self.folder), what, now)
        return code

    def _id(self, code: str) -> int | None:
        """The token that stands for a language: M2M100 writes `__de__`, others the code itself."""
        tokenizer = self.tokenizer
        own = getattr(tokenizer, "lang_token_to_id", ())
        known = {*tokenizer.get_added_vocab(), *tokenizer.all_special_tokens, *own}
        for token in (f"__{code}__", code):
            if token in known:
                return int(tokenizer.convert_tokens_to_ids(token))
        return None

    @torch.inference_mode()
    def __call__(
        self, texts: Iterable[str], source_code: str | None, target_code: str | None
    ) -> tuple[dict[str, str], Counter[str]]:
        """The translation of each text; and how many texts were cut, and translations as long as can be.

        Texts of like length are translated together.
        """
        tokenizer, first = self.tokenizer, {}
        if source_code is not None and target_code is not None:
            tokenizer.src_lang = source_code
            first = {"forced_bos_token_id": self._id(target_code)}
        # M2M100's tokenizer does not count its languages among the special tokens.
        markers = {*first.values(), *getattr(tokenizer, "lang_token_to_id", {}).values()}
        prefix = f"{target_code} " if target_code is not None and source_code is None else ""
        unique = list(dict.fromkeys(texts))
        counted = (
            [len(ids) for ids in tokenizer([prefix + text for text in unique])["input_ids"]] if unique else []
        )
        order = sorted(range(len(unique)), key=lambda row: (counted[row], unique[row]))
        longest = min(self.wish.longest, getattr(self.model.config, "max_position_embeddings", None) or 10**6)
        found, cut = dict[str, str](), Counter(texts=sum(length > longest for length in counted))
        for start in range(0, len(order), self.wish.batch):
            batch = [unique[row] for row in order[start : start + self.wish.batch]]
            inputs = tokenizer(
                [prefix + text for text in batch],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=longest,
            ).to(self.model.device)
            inputs.pop("token_type_ids", None)
            output = self.model.generate(
                **inputs,
                **first,
                do_sample=False,
                num_beams=self.wish.beams,
                num_return_sequences=1,
                max_new_tokens=longest,
            )
            last = output[:, longest:]  # the first token is no part of the translation
            cut["translations"] += int((last != tokenizer.pad_token_id).any(dim=1).sum())
            said = [[token for token in row if token not in markers] for row in output.tolist()]
            found.update(zip(batch, tokenizer.batch_decode(said, skip_special_tokens=True), strict=True))
        return found, cut


def _folder(wish: Wish) -> Path:
    """The model's folder; that of a Hub model is fetched unless the cache has it."""
    if wish.revision is not None:
        return download(wish.model, wish.revision, WANTED)
    folder = Path(wish.model).expanduser()
    if not folder.is_dir():
        now = "Name a folder made by `save_pretrained`, or a Hub model with its --revision (a commit)."
        raise BackboneError(wish.model, "no such folder.", now)
    return folder.resolve()


def _load(folder: Path) -> tuple[Any, Any]:
    """Tokenizer and model, from safetensors alone and without code of their own."""
    where, again = str(folder), "Name a folder made by `save_pretrained`, or fetch it again."
    with refused(where, "cannot be loaded", again), warnings.catch_warnings():
        # Marian's would use it for a function that encoding does not call.
        warnings.filterwarnings("ignore", "Recommended: pip install sacremoses")
        try:
            settings = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            if not settings.is_encoder_decoder:
                what = f"is a {settings.model_type} model, which translates nothing: it has no decoder."
                raise BackboneError(where, what, "Name a translation model, such as Marian, M2M100 or NLLB.")
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model, report = AutoModelForSeq2SeqLM.from_pretrained(
                folder,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except ImportError as error:
            now = "Install it: pip install 'xstilts[translate]'."
            raise BackboneError(where, f"needs a package ({reason(error)}).", now) from error
    if report["missing_keys"]:
        what = f"lacks weights: {', '.join(sorted(report['missing_keys'])[:3])}."
        raise BackboneError(where, what, "Fetch it again.")
    return tokenizer, model
