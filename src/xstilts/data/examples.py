"""What a row of data is, for each family of task. Frozen values; no model, no tokenizer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pair:
    """One text or a pair, and a label by name (`classification`)."""

    text: str
    text2: str | None
    label: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A context, its possible continuations, and the index of the right one (`choice`)."""

    context: str
    options: tuple[str, ...]
    label: int
    id: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Words with one tag each (`tagging`)."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context: its text and the character at which it starts."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a context and its gold answers; none at all if it cannot be answered (`span`)."""

    context: str
    question: str
    answers: tuple[Answer, ...]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Bitext:
    """Sentences of a language, sentences of the source language, and which translate which (`retrieval`).

    `gold` holds pairs (row in `source`, row in `target`); `target` is in the task's source language. The ids
    are those of the release, if its sentences have some.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    gold: tuple[tuple[int, int], ...]
    source_ids: tuple[str, ...] = ()
    target_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text, or a text and its translation, for masked language modelling (`masked`).

    With `text2` this is translation language modelling (Conneau and Lample 2019, section 3.3).
    """

    text: str
    text2: str | None = None


@dataclass(frozen=True, slots=True)
class Caption(Text):
    """A text with the images that it is about, by name: they are seen while its tokens are masked."""

    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """One or more images by name, a text about them, and a label by name (`visual`).

    `caption` says in words what the images show, where the release does: a control reads it in their place.
    A label that is none of the task's (`visual.OPEN`) is never trained on, and no prediction equals it.
    """

    images: tuple[str, ...]
    text: str
    label: str
    caption: str = ""
    id: str = ""


Example = Pair | Choice | Tagged | Question | Bitext | Text | Seen


def subject(example: object) -> object:
    """What several rows may be about, so that they are no independent witnesses; None if that is not known.

    The context of a question, the premise of a pair, the images of a statement.
    """
    match example:
        case Question() | Choice():
            return example.context or None
        case Pair(text2=str()):
            return example.text
        case Seen():
            return example.images or None
        case _:
            return None
