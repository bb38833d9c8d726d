"""Tasks that a study declares, in `[tasks.NAME]`: their tables, and the task that each stands for.

Paths start from the folder of the study. What is wrong with a table says `check_declared`.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from xstilts import metrics
from xstilts.data.tabular import OF_FAMILY, Tabular, format_of, written
from xstilts.data.task import Files, Hub, Task, Wording
from xstilts.study.specification import Specification

Family = Literal["classification", "choice", "tagging", "span", "retrieval", "masked"]
Format = Literal["csv", "tsv", "jsonl", "parquet", "conll", "conllu", "squad"]

LABELLED = ("classification", "tagging")


class HubTable(Specification):
    """`[tasks.NAME.hub]`: a data set of the Hub at a commit; `config` may hold {lang}."""

    dataset: str = ""
    revision: str = ""
    config: str = ""


class SplitsTable(Specification):
    """`[tasks.NAME.splits]`: a path for each; of the Hub also the name of a split."""

    train: str = ""
    dev: str = ""
    test: str = ""

    @property
    def stated(self) -> dict[str, str]:
        """Those that there are."""
        return self.model_dump(exclude_defaults=True)


class ColumnsTable(Specification):
    """`[tasks.NAME.columns]`: by role the name of a column; in CoNLL files its number, -1 being the last."""

    text: str | None = None
    text2: str | None = None
    label: str | None = None
    tokens: str | int | None = None
    tags: str | int | None = None
    context: str | None = None
    question: str | None = None
    answers: str | None = None
    start: str | None = None
    options: str | tuple[str, ...] | None = None
    id: str | None = None
    language: str | None = None

    @property
    def stated(self) -> dict[str, str | int | tuple[str, ...]]:
        """Those that there are, by role."""
        return self.model_dump(exclude_defaults=True)


class PromptTable(Specification):
    """`[tasks.NAME.prompts.LANGUAGE]`: how a language model is asked (`xstilts.data.task.Wording`)."""

    template: str = ""
    answers: tuple[str, ...] | dict[str, str] = ()
    phrases: dict[str, str] = Field(default_factory=dict)

    @field_validator("template")
    @classmethod
    def _check_braces(cls, template: str) -> str:
        try:
            Wording(template).texts  # noqa: B018
        except ValueError as error:
            raise ValueError(f"has a brace that names no text: {error}. Double it to mean itself.") from error
        return template

    def wording(self, labels: Iterable[str]) -> Wording:
        """The prompt, with the answers in the order of the labels."""
        named = self.answers
        answers = tuple(named.get(label, "") for label in labels) if isinstance(named, dict) else named
        return Wording(self.template, answers, tuple(self.phrases.items()))


class TaskTable(Specification):
    """`[tasks.NAME]`: a task without code. Labels and languages may say what the files write for each."""

    family: Family | None = None
    languages: tuple[str, ...] | dict[str, str] = ()
    source_language: str = "en"
    labels: tuple[str, ...] | dict[str, str | int | bool] = ()
    metric: str = ""
    trained_by: str | None = None
    format: Format | None = None
    hub: HubTable | None = None
    splits: SplitsTable = Field(default_factory=SplitsTable)
    columns: ColumnsTable = Field(default_factory=ColumnsTable)
    prompts: dict[str, PromptTable] = Field(default_factory=dict)
    description: str = ""
    citation: str = ""
    licence: str = ""
    url: str = ""

    @property
    def codes(self) -> dict[str, str]:
        """By language what stands for it in paths and columns."""
        if isinstance(self.languages, dict):
            return dict(self.languages)
        return {code: code for code in self.languages}

    @property
    def names(self) -> dict[str, str]:
        """By what the files write the name of the label."""
        if isinstance(self.labels, dict):
            return {written(value): name for name, value in self.labels.items()}
        return {name: name for name in self.labels}

    @property
    def label_set(self) -> tuple[str, ...]:
        """The labels of the task; those of a choice are only what files write."""
        return tuple(self.names.values()) if self.family in LABELLED else ()

    @property
    def paths(self) -> dict[str, str]:
        """The path of each split; on the Hub in the repository."""
        return {split: self._path(path) for split, path in self.splits.stated.items()}

    def _path(self, stated: str) -> str:
        if self.hub is None:
            return stated
        if re.fullmatch(r"\w+", stated):  # the layout in which the Hub keeps Parquet
            return f"{self.hub.config or 'data'}/{stated}-*.parquet"
        return stated.replace("{config}", self.hub.config)

    def form(self, split: str) -> str:
        """The format of a split: as stated, or by the ending of its path; "" if neither tells."""
        return self.format or format_of(self.paths[split])

    @property
    def by_column(self) -> bool:
        """Whether a column tells the language of a row."""
        return self.columns.language is not None

    def languages_of(self, split: str) -> tuple[str, ...]:
        """The languages in which a split has rows: all, or only one if neither path nor column tells more."""
        every = tuple(self.codes)
        if self.by_column or "{lang}" in self.paths[split] or len(every) == 1:
            return every
        return tuple(code for code in every if code == self.source_language)

    @property
    def scored_by(self) -> str:
        """The metric: as stated, or that of the family."""
        known = metrics.FITTING[self.family] if self.family else ()
        return self.metric or next(iter(known), "")


def task(name: str, table: TaskTable, study: Path) -> Task:
    """The task that a table of this study file stands for.

    TaskError if it has no family, or prompts that do not fit it.
    """
    return _task(name, table.model_dump_json(), study)


@lru_cache(maxsize=256)
def _task(name: str, content: str, study: Path) -> Task:
    table = TaskTable.model_validate_json(content)
    family, paths = str(table.family or ""), table.paths
    stated = {} if table.format in OF_FAMILY else table.columns.stated
    reader = Tabular(
        family=family,
        paths=paths,
        columns=stated,
        labels=table.names,
        codes=table.codes,
        form=table.format or "",
        unanswerable=table.scored_by.startswith("squad2"),
        on_hub=table.hub is not None,
    )
    rows_in = {split: table.languages_of(split) for split in paths}
    hub: Hub | None = None
    files: Files | None = None
    if table.hub is not None:
        named = table.hub.model_dump(exclude={"config"})
        hub = Hub(**named, files=paths, codes=table.codes, read_files=reader.read)
    else:
        patterns = {split: (path,) for split, path in paths.items()}
        files = Files(patterns=patterns, read=reader.read, codes=table.codes)
    return Task(
        files=files,
        hub=hub,
        family=family,
        languages=tuple(table.codes),
        metric=table.scored_by,
        labels=table.label_set,
        prompts={language: prompt.wording(table.label_set) for language, prompt in table.prompts.items()},
        description=table.description or f"declared in {study.name}",
        citation=table.citation or "no citation stated in the study",
        licence=table.licence or "not stated in the study",
        url=table.url,
        source_language=table.source_language,
        trained_by="" if family == "retrieval" else table.trained_by,
        evaluation_split="test" if "test" in paths or "dev" not in paths else "dev",
        name=name,
        path=study,
        definition=reader.identity,
        elsewhere=reader.elsewhere if "language" in stated else None,
        rows_in={split: codes for split, codes in rows_in.items() if codes != tuple(table.codes)},
        reads=", ".join(f"{role} from {_shown(column)}" for role, column in table.columns.stated.items()),
    )


def _shown(column: object) -> str:
    return " and ".join(map(repr, column)) if isinstance(column, tuple) else repr(column)
