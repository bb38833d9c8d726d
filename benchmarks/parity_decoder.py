"""Whether a pretrained decoder says in xstilts what it says in transformers: likelihoods and what it writes.

    python benchmarks/parity_decoder.py FOLDER --data DIR [--rows 20]

Asked without training, in the prompts of the text readout. xstilts computes in batches, transformers one row
after the other: log-likelihoods of every label of XNLI are summed from `logits`, answers to questions of
XQuAD are those of `generate`, greedily. Prints how far apart they are.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from xstilts.compute import checkpoint, predict
from xstilts.compute.rows import MASKED_HEAD, Prepared, prepare
from xstilts.data.loader import load
from xstilts.families.items import Layout
from xstilts.families.span import MAX_ANSWER
from xstilts.tasks import find

LANGUAGES = ("en", "ar", "de")


@torch.inference_mode()
def main() -> None:
    """Ask both and compare."""
    parser = argparse.ArgumentParser(description="Parity of a decoder with transformers")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20, help="of each language")
    options = parser.parse_args()
    model = checkpoint.load(options.folder)
    own: Any = AutoModelForCausalLM.from_pretrained(options.folder)
    own.eval()
    for name, compare in (("xnli", likelihoods), ("xquad", written)):
        task = find(name)
        layout = model.layout(Layout(labels=task.labels, max_length=192, stride=32), "text")
        for language in LANGUAGES:
            rows = load(task, "test", language, options.data)[: options.rows]
            prepared = prepare(rows, task.family, model.tokenizer, layout)
            found = predict.answers(model, MASKED_HEAD, prepared, "fp32")
            print(f"{name} {language}, {len(rows)} rows: {compare(model, own, prepared, found)}", flush=True)


def likelihoods(model: Any, own: Any, prepared: Prepared, found: Sequence[Any]) -> str:
    """The largest difference of a label's log-likelihood, and how many rows get the same label of both."""
    furthest, theirs = 0.0, []
    for item, values in zip(prepared.items, found, strict=True):
        gold, wanted = iter(item.gold), []
        for ids, prompt, reads in zip(item.sequences, item.second, item.reads, strict=True):
            answer = [next(gold) for _ in reads]
            logs = own(torch.tensor([ids])).logits[0, prompt - 1 :].log_softmax(dim=1)
            wanted += logs[range(len(answer)), answer].tolist()
        furthest = max(furthest, float(np.abs(np.asarray(values) - wanted).max()))
        theirs.append(np.asarray(wanted, np.float32))
    ours = predict.decode(prepared, found)
    same = sum(a == b for a, b in zip(ours, predict.decode(prepared, theirs), strict=True))
    apart = f"log-likelihoods of tokens differ by {furthest:.1e} at most"
    return f"{apart}; {same} of {len(ours)} labels are equal"


def written(model: Any, own: Any, prepared: Prepared, found: Sequence[Any]) -> str:
    """How many of the texts are the same."""
    end = model.tokenizer.eos_token_id
    settings = {"max_new_tokens": MAX_ANSWER, "eos_token_id": end, "pad_token_id": model.pad}
    own.generation_config = GenerationConfig(do_sample=False, **settings)  # type: ignore[no-untyped-call]
    same = 0
    for item, (text, _) in zip(prepared.items, found, strict=True):
        ids = torch.tensor([item.sequences[0]])
        made = own.generate(ids, attention_mask=torch.ones_like(ids))[0, ids.shape[1] :].tolist()
        made = made[: made.index(end)] if end in made else made
        same += text == model.tokenizer.decode(made, skip_special_tokens=True).strip()
    return f"{same} of {len(found)} texts are equal"


if __name__ == "__main__":
    main()
