"""What is wrong with the tasks that a study declares. The rows are looked at later, with all others."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from xstilts import metrics
from xstilts import tasks as registry
from xstilts.data import languages
from xstilts.data.tabular import ENDINGS, FIRST_AND_LAST, OF_FAMILY, ROLES, Columns
from xstilts.data.task import NO_COMMIT, find_commit, is_commit
from xstilts.errors import TaskError, did_you_mean
from xstilts.families.text import PROMPTABLE
from xstilts.study.declared import LABELLED, TaskTable, task
from xstilts.study.problems import HUB_MODEL, NAME_RULE, Place, Problem, near, wrong_name
from xstilts.study.study import BENCHMARKS, StudyFile

CODE = re.compile(r"[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*")


def check_declared(study: StudyFile) -> Iterator[Problem]:
    """Names, families, sources, columns, languages, labels and metrics."""
    for name, table in study.tasks.items():
        place: Place = ("tasks", name)
        if wrong := wrong_name(name):
            yield Problem(place, f"cannot be a name: {wrong}.", NAME_RULE)
        elif name in registry.names() or name in BENCHMARKS or name.endswith(".py"):
            yield Problem(place, "has the name of a task of the package.", "Give it another one.")
        if table.family is None:
            known = ", ".join(map(repr, ROLES))
            yield Problem((*place, "family"), "is missing.", f"There are {known}.")
            continue
        yield from _bad_source(table, place)
        yield from _bad_columns(table, table.family, place)
        yield from _bad_languages(table, place)
        yield from _bad_labels(table, table.family, (*place, "labels"))
        yield from _bad_metric(table, table.family, (*place, "metric"))
        yield from _bad_prompts(study, name, table, (*place, "prompts"))


def _bad_source(table: TaskTable, place: Place) -> Iterator[Problem]:
    """Paths below the folder, of known formats; on the Hub a data set at a commit; rows that train."""
    here = (*place, "splits")
    if not table.splits.stated:
        yield Problem(here, "is missing: where are the rows?", 'Write splits = { train = "train.csv" }.')
    elif "train" not in table.splits.stated and table.trained_by is None and table.family != "retrieval":
        now = "Name the task whose rows train it: `trained_by`."
        yield Problem(here, "has no `train`, and nothing else trains the task.", now)
    for split, path in table.paths.items():
        if wrong := _bad_path(path, on_hub=table.hub is not None):
            yield Problem((*here, split), f"'{path}' {wrong}.", "Paths start from the study's folder.")
        elif not table.form(split):
            now = f"Say it with `format`: {', '.join(ENDINGS)}."
            yield Problem((*here, split), f"the ending of '{path}' tells no format.", now)
        elif OF_FAMILY.get(table.form(split), table.family) != table.family:
            now = f"It is for tasks of the family {OF_FAMILY[table.form(split)]}."
            yield Problem((*here, split), f"{table.form(split)} is no format of {table.family}.", now)
        elif table.form(split) == "parquet" and path.endswith(".gz"):
            yield Problem((*here, split), "Parquet is compressed by itself.", "Unpack the file.")
    if table.trained_by == "":
        yield Problem((*place, "trained_by"), "is empty.", "Name a task, or leave it out.")
    if table.hub is None:
        return
    if not HUB_MODEL.fullmatch(table.hub.dataset) or ".." in table.hub.dataset:
        what = f"{table.hub.dataset!r} is no name of the Hub." if table.hub.dataset else "is missing."
        yield Problem((*place, "hub", "dataset"), what, "A data set is OWNER/NAME.")
    elif not is_commit(table.hub.revision):
        what = f"{table.hub.revision!r} {NO_COMMIT}" if table.hub.revision else "is missing."
        now = find_commit("dataset", table.hub.dataset, table.hub.revision or "main")
        yield Problem((*place, "hub", "revision"), what, now)


def _bad_path(path: str, *, on_hub: bool) -> str:
    """Why a path leads nowhere below a folder; "" if it does."""
    parts = PurePosixPath(path).parts
    if path.startswith(("/", "~")) or ".." in parts or "\\" in path or "\0" in path or ":" in path:
        return "is no path below a folder"
    if "*" in path and not on_hub:
        return "holds `*`, and a split is one file"
    if re.search(r"[{}]", path.replace("{lang}", "")):
        return "holds braces that are not {lang}"
    return ""


def _bad_columns(table: TaskTable, family: str, place: Place) -> Iterator[Problem]:
    """Those that the family needs are named, and no others."""
    here, stated = (*place, "columns"), table.columns.stated
    forms = {table.form(split) for split in table.paths} - {""}
    needed, further = ROLES[family]
    if len(forms) > 1 and forms & set(OF_FAMILY):
        what = f"mixes {', '.join(sorted(forms))}, whose columns are not named alike."
        yield Problem((*place, "splits"), what, "Bring all splits into one format.")
        return
    if any(OF_FAMILY.get(form, family) != family for form in forms):
        return
    if forms and forms <= set(OF_FAMILY):
        for role in stated:
            if role not in (("tokens", "tags") if "conll" in forms else ()):
                yield Problem((*here, role), f"is no column of {', '.join(sorted(forms))}.", "Take it out.")
            elif not isinstance(stated[role], int) or stated[role] == 0:
                now = "Columns count from 1; -1 is the last."
                yield Problem((*here, role), f"must be a number, got {stated[role]!r}.", now)
        if "conll" in forms:
            yield from _shared(FIRST_AND_LAST | stated, here)
        return
    allowed = (*needed, *further, "language")
    if lacking := [role for role in needed if role not in stated]:
        columns = ", ".join(f'{role} = "..."' for role in lacking)
        yield Problem(here, f"has no {', '.join(lacking)}.", f"Name the columns of the files: {columns}.")
    for role, column in stated.items():
        if role not in allowed:
            yield Problem((*here, role), f"is no column of {family}.", f"It takes {', '.join(allowed)}.")
        elif not isinstance(column, str | tuple):
            yield Problem((*here, role), f"must be the name of a column, got {column!r}.")
        elif column in ("", ()):
            yield Problem((*here, role), "is empty.", "Name a column.")
    yield from _shared(stated, here)


def _shared(columns: Columns, here: Place) -> Iterator[Problem]:
    """A column that stands for two roles: the model would read its own label."""
    roles: dict[str | int, str] = {}
    for role, column in columns.items():
        for name in column if isinstance(column, tuple) else (column,):
            first = roles.setdefault(name, role)
            twice = isinstance(column, tuple) and column.count(name) > 1
            if (
                "id" not in (first, role)
                and {first, role} != {"answers", "start"}
                and (first != role or twice)
            ):
                what = f"{name!r} is the column of `{first}` already."
                yield Problem((*here, role), what, "Name the column that holds it.")
                break


def _bad_languages(table: TaskTable, place: Place) -> Iterator[Problem]:
    """There are some, each with rows in a split, the source language among those that train."""
    here, codes = (*place, "languages"), table.codes
    if not codes:
        yield Problem(here, "is missing.", 'Name the codes: languages = ["en", "de"].')
        return
    for code in codes:
        if code not in languages.by_code() and (not CODE.fullmatch(code) or languages.near(code)):
            yield Problem(here, f"no language has the code '{code}'.", languages.way_out(code))
    if isinstance(table.languages, tuple) and len(set(table.languages)) < len(table.languages):
        yield Problem(here, "names a language twice.", "Remove one.")
    first = {written: code for code, written in reversed(codes.items())}
    for code, written in codes.items():
        if (other := first[written]) != code:
            what = f"{written!r} stands for '{other}' and for '{code}': both would have the same rows."
            yield Problem(here, what, "Give each language its own.")
        if not written or (not table.by_column and _bad_path(written, on_hub=False)):
            yield Problem(here, f"{written!r} for '{code}' is no part of a path.")
    paths = table.paths
    with_rows = {code for split in paths for code in table.languages_of(split)}
    lacking = [code for code in codes if code not in with_rows]
    if paths and lacking:
        now = "Put {lang} into the path of a split, or name the column that tells it: `language`."
        yield Problem(here, f"no split has rows in {', '.join(lacking)}.", now)
    if "train" in paths and table.source_language not in codes:
        source = table.source_language
        now = "Add it, or say with `source_language` what is trained on."
        yield Problem(here, f"has no '{source}', in which the task is trained.", now)


def _bad_labels(table: TaskTable, family: str, place: Place) -> Iterator[Problem]:
    """At least two different ones where there are labels."""
    stated = len(table.labels)
    if family in LABELLED and not stated:
        yield Problem(place, "is missing.", 'Name all, in any order: labels = ["no", "yes"].')
    elif family in (*LABELLED, "choice") and stated == 1:
        yield Problem(place, "is a single label: there is nothing to choose.", "Name all.")
    elif stated and family not in (*LABELLED, "choice"):
        yield Problem(place, f"is not for {family}, which has no labels.", "Take it out.")
    elif len(table.names) < stated:
        yield Problem(place, "has a label twice.", "Give each its own name and value.")


def _bad_metric(table: TaskTable, family: str, place: Place) -> Iterator[Problem]:
    """One that fits the family and the labels."""
    fitting = metrics.FITTING[family]
    if not table.metric:
        return
    if table.metric not in metrics.names():
        now = f"{did_you_mean(table.metric, fitting)} There are {', '.join(fitting)}.".strip()
        yield Problem(place, f"no metric '{table.metric}'.", now)
    elif table.metric not in fitting:
        now = f"There are {', '.join(fitting)}." if fitting else "Take it out: masked text is not scored."
        yield Problem(place, f"'{table.metric}' is no metric of {family}.", now)
    elif len(table.labels) > 1:
        try:
            metrics.find(table.metric, tuple(table.names.values()))
        except TaskError as error:
            yield Problem(place, f"'{table.metric}' {error.what}", error.now)


def _bad_prompts(study: StudyFile, name: str, table: TaskTable, place: Place) -> Iterator[Problem]:
    """Each is in a language of the task, names texts of its rows, and has words for every label."""
    if table.prompts and table.family not in PROMPTABLE:
        what = f"tasks of the family {table.family} take no prompts."
        yield Problem(place, what, f"Take it out; {', '.join(PROMPTABLE)} take some.")
        return
    known, labels = tuple(dict.fromkeys((*table.codes, table.source_language))), table.label_set
    for language, prompt in table.prompts.items():
        here, answers = (*place, language), prompt.answers
        if language not in known:
            what = f"the task has no language '{language}'."
            yield Problem(here, what, languages.near(language, known) or f"It has {', '.join(known)}.")
        elif isinstance(answers, dict) and (strange := [label for label in answers if label not in labels]):
            yield Problem((*here, "answers"), f"no label named '{strange[0]}'.", near(strange[0], labels))
        elif isinstance(answers, dict) and (lacking := [label for label in labels if label not in answers]):
            what = f"has no words for {', '.join(map(repr, lacking))}."
            yield Problem((*here, "answers"), what, "Give every label of the task some.")
        elif "text2" in prompt.wording(labels).texts and "text2" not in table.columns.stated:
            now = "Name it in `columns`, or take {text2} out."
            yield Problem((*here, "template"), "names {text2}, and no column holds it.", now)
        else:
            try:
                task(name, table.changed(prompts={language: prompt}), study.path)
            except TaskError as error:
                yield Problem(here, error.what, error.now)
