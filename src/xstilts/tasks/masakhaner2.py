"""MasakhaNER 2.0: names in news of African languages, tagged by their speakers.

It has no English rows: PAN-X trains it. PAN-X knows no dates, so the tags B-DATE and I-DATE become O: a
model is not asked for what it could not learn. Of its twenty languages those stand here that
`xstilts languages` knows.
"""

from collections.abc import Iterator
from pathlib import Path

from xstilts.data import readers
from xstilts.data.examples import Tagged
from xstilts.data.task import Files, Task
from xstilts.errors import DataError
from xstilts.tasks.panx import LABELS

_DATES = ("B-DATE", "I-DATE")
_CODES = {"ha": "hau", "sw": "swa", "wo": "wol", "yo": "yor"}


def _read(paths: tuple[Path, ...], language: str) -> Iterator[Tagged]:
    """Sentences of a file with `token tag` on each line, one space between, and a blank line after each."""
    (path,) = paths
    for block in readers.blocks(path):
        rows = []
        for number, line in block:
            token, _, tag = line.rpartition(" ")
            if not token.strip():
                what = "is not a token and a tag with a space between."
                raise DataError(f"{path}:{number}", what, "Mend or remove the line.")
            found = readers.label(path, number, tag, (*LABELS, *_DATES))
            rows.append((token, "O" if found in _DATES else found))
        yield Tagged(tuple(token for token, _ in rows), tuple(tag for _, tag in rows))


TASK = Task(
    family="tagging",
    languages=tuple(_CODES),
    labels=LABELS,
    metric="span_f1",
    trained_by="panx",
    files=Files(patterns={"test": ("target/masakhaner2/{lang}/test.txt",)}, codes=_CODES, read=_read),
    examples={"test": {"ha": 1_633, "sw": 1_883, "yo": 1_964}},  # sentences of the release's files
    no_hub="the Hub has a loading script, which is never run",
    description="Named entities in African news, without dates: persons, organisations, places",
    citation="Adelani et al. (2022), MasakhaNER 2.0: Africa-centric Transfer Learning for Named Entity "
    "Recognition. EMNLP",
    licence="CC BY-NC 4.0",
    url="https://github.com/masakhane-io/masakhane-ner/tree/main/MasakhaNER2.0",
)
