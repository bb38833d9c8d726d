"""What throughput.py and on_gpu.py compare: each trains one model on the same pairs and says what it took.

All start from the same weights and tokenizer, see the same examples in batches of the same size, and use
AdamW with the same learning rate, linear decay, clipping at 1 and no weight decay (the Trainer's defaults).
"""

import json
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import sentence_pairs


@dataclass(frozen=True)
class Job:
    """What is trained: the folder with pairs, task file and backbone, and the recipe."""

    folder: Path
    examples: int
    epochs: int
    batch_size: int
    learning_rate: float
    max_length: int
    precision: str
    threads: int
    seed: int

    @property
    def updates(self) -> int:
        """Updates of the whole training."""
        return self.epochs * math.ceil(self.examples / self.batch_size)


@dataclass(frozen=True)
class Figures:
    """What it took. `seconds` is the loop alone; `seconds_in_all` has tokenizing, loading and saving too.

    `padding` is a share of all tokens that went through the encoder, `memory` the peak in bytes, `loss` the
    mean of the last tenth of the updates, and `pace` the updates per second once a third of them is done.
    """

    seconds: float
    seconds_in_all: float
    padding: float
    memory: int
    loss: float
    pace: float
    execution: str = ""


def example_script(job: Job) -> Figures:
    """The Trainer's defaults (fp32) and the padding of run_xnli.py and run_glue.py: all to `max_length`."""
    return _trainer(job, padding="max_length", options={})


def best_trainer(job: Job) -> Figures:
    """The Trainer at its best: the faster precision, batches grouped by length, padded to their longest."""
    return _trainer(job, padding=False, options=best_options(job))


def compiled_trainer(job: Job) -> Figures:
    """The same with torch.compile; without a GPU only traced by it, for C++ takes minutes to compile."""
    backend = "inductor" if torch.cuda.is_available() else "eager"
    compiled = {"torch_compile": True, "torch_compile_backend": backend}
    return _trainer(job, padding=False, options=best_options(job) | compiled)


def best_options(job: Job) -> dict[str, Any]:
    """What the Trainer at its best is told besides."""
    return {
        "bf16": job.precision == "bf16",
        "train_sampling_strategy": "group_by_length",
        "optim": "adamw_torch_fused",
    }


class _Pace:
    """When how many updates were done, as the device had told by then."""

    def __init__(self) -> None:
        self.points: list[tuple[int, float]] = []

    def add(self, update: int) -> None:
        self.points.append((update, time.monotonic()))

    def value(self, updates: int) -> float:
        """Updates per second once a third of all is done; 0 where fewer than two points are later."""
        late = [point for point in self.points if point[0] >= updates / 3]
        (first, began), (last, ended) = (late[0], late[-1]) if late else ((0, 0.0), (0, 0.0))
        return (last - first) / (ended - began) if last > first else 0.0


def _trainer(job: Job, padding: Any, options: dict[str, Any]) -> Figures:
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        PrinterCallback,
        Trainer,
        TrainerCallback,
        default_data_collator,
        set_seed,
    )
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    began = time.monotonic()
    set_seed(job.seed)
    tokenizer = AutoTokenizer.from_pretrained(job.folder / "backbone")
    model = AutoModelForSequenceClassification.from_pretrained(job.folder / "backbone", num_labels=3)
    pairs = list(sentence_pairs.read((job.folder / sentence_pairs.FILE,), "en"))
    texts = [pair.text for pair in pairs], [pair.text2 for pair in pairs]
    encoded = tokenizer(*texts, padding=padding, max_length=job.max_length, truncation=True)
    rows = [
        {name: values[row] for name, values in encoded.items()}
        | {"label": sentence_pairs.LABELS.index(pair.label)}
        for row, pair in enumerate(pairs)
    ]
    dynamic = DataCollatorWithPadding(tokenizer)
    seen: list[tuple[int, int]] = []

    def collate(items: list[Any]) -> Any:
        batch = default_data_collator(items) if padding else dynamic(items)
        seen.append((int(batch["attention_mask"].sum()), batch["attention_mask"].numel()))
        return batch

    arguments = training_arguments(job, options)
    trainer: Any = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collate)
    pace = _Pace()

    class Told(TrainerCallback):
        """Losses are told after the device has told them."""

        def on_log(self, args: Any, state: Any, control: Any, **options: Any) -> None:
            pace.add(state.global_step)

    trainer.add_callback(Told())
    trainer.remove_callback(PrinterCallback)
    seconds = trainer.train().metrics["train_runtime"]
    trainer.save_model(str(job.folder / "trainer"))
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    real, padded = (sum(column) for column in zip(*seen, strict=True))
    return Figures(
        seconds=seconds,
        seconds_in_all=time.monotonic() - began,
        padding=1 - real / padded,
        memory=_peak_memory(),
        loss=float(losses[-1]),
        pace=pace.value(job.updates),
    )


def training_arguments(job: Job, options: dict[str, Any]) -> Any:
    """The Trainer's arguments. Without a GPU it has to be told so, or it refuses bf16."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=str(job.folder / "trainer"),
        num_train_epochs=job.epochs,
        per_device_train_batch_size=job.batch_size,
        learning_rate=job.learning_rate,
        seed=job.seed,
        logging_steps=max(1, job.updates // 10),
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        **options,
    )


def xstilts(job: Job) -> Figures:
    """The phase of a study that trains on the pairs, as a worker computes it."""
    from xstilts.compute import train, work
    from xstilts.store import Store

    step, places = phase(job)
    pace = _Pace()
    with tempfile.TemporaryDirectory(dir=job.folder) as name, mock.patch.object(train, "REPORT_SECONDS", 0.0):
        store = Store(Path(name))
        store.prepare()
        began = time.monotonic()
        work.compute(step, store, places, lambda event: pace.add(event.get("update", 0)))
        seconds_in_all = time.monotonic() - began
        record, folder = store.record(step.fingerprint), store.folder(step.fingerprint)
        assert record is not None and folder is not None
        curve = [json.loads(line) for line in (folder / "curve.jsonl").read_text().splitlines()]
    last = [point["loss"] for point in curve if point["update"] > 0.9 * record["updates"]]
    return Figures(
        seconds=record["train_seconds"],
        seconds_in_all=seconds_in_all,
        padding=record["padding"],
        memory=_peak_memory(),
        loss=sum(last) / len(last),
        pace=pace.value(job.updates),
        execution=record["execution"],
    )


def dense(job: Job) -> Figures:
    """The same with the whole embedding table trained."""
    from xstilts.compute import embedding_rows

    with mock.patch.object(embedding_rows, "WORTH", 0.0):
        return xstilts(job)


def phase(job: Job) -> tuple[Any, Any]:
    """The step that trains on the pairs, and where its task and its backbone lie."""
    from xstilts import tasks as registry
    from xstilts.data import loader
    from xstilts.study.backbone import Backbone, checksum
    from xstilts.study.phase import Phase
    from xstilts.study.recipe import Recipe
    from xstilts.study.step import Places, Step
    from xstilts.study.use import Use

    path = job.folder / "sentence_pairs.py"
    found = registry.find(str(path))
    identity = checksum(job.folder / "backbone")
    use = Use(
        task=found.name,
        task_version=found.version,
        family=found.family,
        family_version=1,
        label_set=found.labels,
        split="train",
        languages=("en",),
        data=(loader.identity(found, "train", "en"),),
    )
    recipe = Recipe(
        learning_rate=job.learning_rate,
        epochs=job.epochs,
        batch_size=job.batch_size,
        max_length=job.max_length,
        stride=0,
        warmup=0.0,
        weight_decay=0.0,
        precision="bf16" if job.precision == "bf16" else "fp32",
        threads=job.threads,
    )
    step = Step(Phase(parent=Backbone(checksum=identity), uses=(use,), recipe=recipe, seed=job.seed))
    return step, Places(tasks={found.name: path}, backbones={identity: job.folder / "backbone"})


def tokenizer(texts: list[str], vocabulary: int) -> Any:
    """A tokenizer like XLM-R's, learned from the texts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    learned = Tokenizer(models.Unigram())
    learned.pre_tokenizer = pre_tokenizers.Metaspace()
    special = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
    trainer: Any = trainers.UnigramTrainer
    learned.train_from_iterator(
        texts,
        trainer(
            vocab_size=vocabulary,
            special_tokens=list(special.values()),
            unk_token=special["unk"],
            show_progress=False,
        ),
    )
    learned.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=learned,
        model_input_names=["input_ids", "attention_mask"],
        **{f"{kind}_token": token for kind, token in special.items()},
    )


def _peak_memory() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


CONTENDERS: dict[str, Callable[[Job], Figures]] = {
    "example script": example_script,
    "best Trainer": best_trainer,
    "xstilts": xstilts,
    "compiled Trainer": compiled_trainer,
    "xstilts, all rows": dense,
}


def main() -> None:
    """One contender, in a process of its own: its name and the job as arguments, the figures as JSON."""
    name, text = sys.argv[1:]
    values = json.loads(text)
    job = Job(**values | {"folder": Path(values["folder"])})
    torch.set_num_threads(job.threads)
    print(json.dumps(asdict(CONTENDERS[name](job))))


if __name__ == "__main__":
    main()
