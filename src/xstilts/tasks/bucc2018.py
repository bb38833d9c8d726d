"""BUCC 2018: find the translation pairs hidden among the sentences of two monolingual corpora.

All sentences of both sides are mined, as in XTREME: for each language the pair with English, margin scores
over four nearest neighbours, and a threshold that is chosen on the development pairs alone. The dev files are
the shared task's sample data, the test files its training data. Where a folder has dev files only, threshold
and F1 both come from dev, which makes the F1 a little too high; the scores name the split.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Bitext
from xstilts.data.task import Files, Task
from xstilts.errors import DataError


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Bitext]:
    other, english, gold = paths
    source, target = dict(readers.keyed_lines(other)), dict(readers.keyed_lines(english))
    source_rows, target_rows = ({key: row for row, key in enumerate(side)} for side in (source, target))
    pairs = dict[tuple[int, int], None]()
    for number, (one, two) in readers.columns(gold, (f"id in {language}", "id in en")):
        for key, rows, path in ((one, source_rows, other), (two, target_rows, english)):
            if key not in rows:
                raise DataError(f"{gold}:{number}", f"there is no sentence '{key}' in {path}.")
        pairs[source_rows[one], target_rows[two]] = None
    yield Bitext(
        source=tuple(source.values()),
        target=tuple(target.values()),
        gold=tuple(pairs),
        source_ids=tuple(source),
        target_ids=tuple(target),
    )


_SPLITS = ("dev", "test")
TASK = Task(
    family="retrieval",
    languages=("de", "fr", "ru", "zh"),
    metric="mining_f1",
    trained_by="",
    files=Files(
        patterns={split: (f"target/bucc2018/{{lang}}-en.{split}.{{lang}}",) for split in _SPLITS},
        paired={split: (f"target/bucc2018/{{lang}}-en.{split}.en",) for split in _SPLITS},
        gold={split: (f"target/bucc2018/{{lang}}-en.{split}.gold",) for split in _SPLITS},
        read=_read,
    ),
    no_hub="the Hub's copy holds the gold pairs only, without the sentences among which they are to be "
    "found, and scores on it would be far too high",
    evaluation_fallback="dev",
    examples={  # gold pairs: huggingface/datasets 040102f, datasets/xtreme/dataset_infos.json
        "dev": {"de": 1_038, "fr": 929, "ru": 2_374, "zh": 257},
    },
    description="Mining of translation pairs from two corpora, four languages with English",
    citation="Zweigenbaum, Sharoff and Rapp (2018), Overview of the Third BUCC Shared Task: Spotting "
    "Parallel Sentences in Comparable Corpora. BUCC",
    licence="research use; Wikipedia and News Commentary text",
    url="https://comparable.limsi.fr/bucc2018/bucc2018-task.html",
)
