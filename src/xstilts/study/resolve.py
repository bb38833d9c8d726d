"""From names in a study to facts: which rows exist where, what identity they have, which files a backbone is.

Everything that is missing is collected, so that a study with an incomplete data folder is told of all of it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from xstilts import families
from xstilts.data import code, images, loader
from xstilts.data.languages import all_languages
from xstilts.data.task import TEST_TRANSLATED, TRANSLATED, Task, Wording
from xstilts.errors import DataError, InputError, StudyError
from xstilts.families.text import PROMPTABLE
from xstilts.families.visual import WITHOUT_IMAGES
from xstilts.study import backbone as backbones
from xstilts.study.architecture import room
from xstilts.study.backbone import Backbone, BackboneFields, Tokenizer
from xstilts.study.check_tasks import find_task, trainer
from xstilts.study.claim import FAMILY, PROMPTED
from xstilts.study.recipe import Recipe
from xstilts.study.sources import MISSING
from xstilts.study.step import Places
from xstilts.study.study import (
    Arm,
    BackboneTable,
    Shares,
    StudyFile,
    expand,
    local_model,
    model_folder,
    task_name,
)
from xstilts.study.use import Development, Use, View

TRAIN = "train"


class Resolver:
    """Resolves the names of one study against one data folder and one of images, and remembers what it met.

    `errors` collects what is missing; `notes` what a reader should know, such as languages without data.
    """

    def __init__(self, study: StudyFile, data: Path | None, pictures: Path | None = None) -> None:
        self.study, self.data = study, data
        self.pictures = images.default_folder(data) if pictures is None else pictures
        self.errors: list[InputError] = []
        self.notes: list[str] = []
        self._task_files: dict[str, Path] = {}
        self._backbone_folders: dict[str, Path] = {}
        self._identities: dict[tuple[str, str, str], str] = {}
        self._unseen = data is not None and not data.is_dir()
        if self._unseen:
            self.errors.append(
                DataError(str(data), "no such data folder.", "Name it with --data DIR or XSTILTS_DATA.")
            )

    @property
    def places(self) -> Places:
        """Where everything lies that was resolved so far."""
        tasks = dict(sorted(self._task_files.items()))
        declared = {name: table for name, table in self.study.tasks.items() if name in tasks}
        return Places(self.data, tasks, dict(self._backbone_folders), self.pictures, declared)

    def task(self, name: str) -> Task:
        """The task of that name."""
        found = find_task(self.study, name)
        if found.path is not None:
            self._task_files[found.name] = found.path
        elif self.data is not None and found.files and not loader.from_files(found, self.data):
            self.notes.append(f"{found.name}: read from the Hub, for the data folder has nothing of it")
        return found

    def training(self, arm: Arm) -> tuple[Use, ...]:
        """What an arm trains on, sorted by task, so that the order in the file changes nothing."""
        recipe = self.study.intermediate_recipe(arm)
        uses = [_capped(self._trained(self.task(name), arm, recipe), recipe.examples) for name in arm.tasks]
        if arm.replay is not None:
            for task in map(self.task, arm.replay.tasks):
                use = self._text(task, arm.replay.languages)
                uses.append(
                    use.changed(examples=arm.replay.examples, development=self._development(task, recipe))
                )
        self._need_development(uses, recipe)
        return tuple(sorted(uses, key=lambda use: use.task))

    def _trained(self, trained: Task, arm: Arm, recipe: Recipe) -> Use:
        split = TRANSLATED if arm.translated else TRAIN
        development = self._development(trained, recipe)
        if isinstance(arm.languages, dict):
            shares = self._shares(trained, split, arm.languages)
            use = self._use(trained, split, tuple(shares))
            use = use.changed(shares=tuple(shares[code] for code in use.languages))
        else:
            labelled = families.find(trained.family).labelled
            default = (trained.source_language,) if labelled else trained.languages
            known = arm.languages if arm.translated else trained.languages
            wanted = arm.languages and [code for code in arm.languages if code in (known or ())]
            use = self._use(trained, split, self._having(trained, split, wanted, default))
        return use.changed(labels=arm.labels, development=development)

    def _text(self, task: Task, languages: tuple[str, ...] | None) -> Use:
        """Training rows whose text is read, in those of the languages that the task has, or in all of its."""
        wanted = languages and [code for code in languages if code in task.languages]
        return self._use(task, TRAIN, self._having(task, TRAIN, wanted, task.languages))

    def _shares(self, task: Task, split: str, stated: Shares) -> dict[str, float]:
        """The share of each language; that of a family is spread evenly over those of its languages that
        there are, the source language left out."""
        found: dict[str, float] = {}
        for key, share in stated.items():
            if not key.startswith(FAMILY):
                codes = [key]
            else:
                family = key.removeprefix(FAMILY)
                there = self._available(task, split)
                members = [language.code for language in all_languages() if language.family == family]
                codes = [code for code in members if code in there and code != task.source_language]
                if not codes:
                    what = f"there are no {split} rows of '{task.name}' in a language of {family}."
                    self._lacks(task, DataError(f"task '{task.name}'", what, "Take the family out."))
            found |= {code: found.get(code, 0.0) + share / len(codes) for code in codes if share > 0}
        return found

    def target_training(self, target: Task) -> Use | None:
        """The source language's training rows for a target; None for retrieval."""
        trained_by = trainer(self.study, target)
        if trained_by is None:
            return None
        if target.name in self.study.target.trained_by:
            self.notes.append(f"{target.name}: trained on the rows of {trained_by.name}, as the study says")
        if trained_by.path is not None:
            self._task_files[trained_by.name] = trained_by.path
        use = self._use(trained_by, TRAIN, [trained_by.source_language])
        recipe = self.study.target_recipe(target.name)
        use = _capped(use, recipe.examples).changed(development=self._development(trained_by, recipe))
        self._need_development([use], recipe)
        return use

    def target(self, target: Task) -> Use:
        """The rows on which a target is evaluated, in all its languages or those that the study wants."""
        wanted = self.study.target.languages
        split, default = target.evaluation_split, target.languages
        fallback = target.evaluation_fallback
        if fallback and not self._available(target, split) and self._available(target, fallback):
            self.notes.append(f"{target.name}: evaluated on {fallback}, for there is no {split} data")
            split = fallback
        if split == TRAIN:
            default = tuple(code for code in default if code != target.source_language)
        chosen = wanted and [code for code in wanted if code in default]
        if wanted and not chosen:
            what = (
                f"the {split} rows of '{target.name}' are in {', '.join(default)}, of which none is wanted."
            )
            self.errors.append(DataError(f"{self.study.shown}: target.languages", what, "Add one of them."))
        use = self._use(target, split, self._having(target, split, chosen, default))
        own = trainer(self.study, target) == target and split == target.development_split
        if (
            own
            and target.source_language in use.languages
            and self.study.target_recipe(target.name).select == "best"
        ):
            seen = f"its '{target.source_language}' rows of {split} choose the checkpoints too"
            self.notes.append(f"{target.name}: {seen}, so that score alone is a little too high")
        return use

    def viewed(self, task: Task, use: Use, view: View) -> Use:
        """The rows as a control shows them; of a target's own rows in translation, the translated ones."""
        if view == "translated":
            use = self._use(task, TEST_TRANSLATED, use.languages)
        return use.changed(view=view, images="" if view in WITHOUT_IMAGES else use.images)

    def wordings(self, task: Task, use: Use) -> tuple[Wording | None, ...]:
        """The prompt in each language of a target, None where it is asked in the words of the readout; empty
        if it is so in all."""
        wanted = self.study.prompts
        if wanted == "readout" or use.family not in PROMPTABLE or not {*PROMPTED} & {*self.study.references}:
            return ()
        source = task.source_language
        codes = [code if wanted == "test language" else source for code in use.languages]
        if lacking := [code for code in dict.fromkeys(codes) if code not in task.prompts]:
            instead = "in the source language" if source in task.prompts else "in the words of the readout"
            self.notes.append(f"{task.name}: no prompt in {', '.join(lacking)}, asked {instead} (`prompts`)")
        found = tuple(task.prompts.get(code, task.prompts.get(source)) for code in codes)
        return found if any(found) else ()

    def thresholds(self, mined: Task, use: Use) -> Use:
        """The development rows on which mining chooses its thresholds: in every language of `use`."""
        split = mined.development_split
        lacking = [code for code in use.languages if code not in self._available(mined, split)]
        if lacking:
            what = f"has no {split} data in {', '.join(lacking)}, on which a threshold could be chosen."
            now = "Add it, or leave the language out: on the evaluated rows it would make the score too high."
            self._lacks(mined, DataError(f"task '{mined.name}'", what, now))
            return use
        if use.split == split:
            self.notes.append(f"{mined.name}: the threshold is chosen on the evaluated rows ({split})")
            return use
        return self._use(mined, split, use.languages)

    def backbone(self, name: str, table: BackboneTable) -> Backbone:
        """The backbone with its identity: revision, checksum, or the text of its tokenizer."""
        where = f"{self.study.shown}: backbones.{name}"
        fields = table.model_dump(include={*BackboneFields.model_fields})
        backbone = Backbone(**fields, tokenizer=self._tokenizer(table), vision=self._vision(where, table))
        if table.architecture is not None:
            return backbone.changed(weights="random")
        if not backbone.made:
            backbone = backbone.changed(seed=0)
        folder = local_model(self.study, str(table.model))
        if folder is None:
            return backbone
        is_bundled = table.model in backbones.bundled()
        read = backbones.bundled_checksum if is_bundled else backbones.checksum
        checksum = self._checksum(where, folder, read)
        self._need_room(name, room(folder))
        return backbone.changed(model=None, checksum=checksum)

    # Within

    def _unknown(self, task: Task) -> bool:
        """Whether nothing is known of the rows of a task, for the data folder is not there."""
        return self._unseen and task.path is None and task.made is None

    def _lacks(self, task: Task, error: InputError) -> None:
        """An error about the rows of a task, which is told if it is one."""
        if not self._unknown(task):
            self.errors.append(error)

    def _vision(self, where: str, table: BackboneTable) -> backbones.Vision | None:
        """The eyes of a backbone, with their identity."""
        stated = table.vision
        if stated is None:
            return None
        folder = None if stated.model is None else model_folder(self.study, stated.model)
        if folder is None:
            return backbones.Vision(**stated.model_dump())
        return backbones.Vision(checksum=self._checksum(f"{where}.vision", folder, backbones.eyes_checksum))

    def _checksum(self, where: str, folder: Path, read: Callable[[Path], str]) -> str:
        """The identity of a model's folder, as that function reads it."""
        try:
            checksum = read(folder)
        except InputError as error:
            self.errors.append(type(error)(f"{where}: {error.where}", error.what, error.now))
            checksum = MISSING
        self._backbone_folders[checksum] = folder
        return checksum

    def _need_room(self, name: str, room: int | None) -> None:
        """No recipe may allow texts that are longer than the backbone reads."""
        if room is None:
            return
        study, recipes = self.study, {}
        for arm, content in study.intermediate.arms.items():
            if content.tasks:
                recipes[f"the arm '{arm}'"] = study.intermediate_recipe(content)
        for target in expand(study.target.tasks):
            recipes[f"the target '{task_name(target)}'"] = study.target_recipe(target)
        for whose, recipe in recipes.items():
            if recipe.max_length > room:
                what = f"`max_length` is {recipe.max_length}, but '{name}' reads up to {room} tokens at once."
                self.errors.append(StudyError(f"{study.shown}: {whose}", what, f"Set it to {room} or less."))

    def _tokenizer(self, table: BackboneTable) -> Tokenizer | None:
        stated = table.tokenizer
        if stated is None:
            return None
        uses = [self._text(self.task(name), stated.languages) for name in stated.tasks]
        fields = stated.model_dump(exclude={"tasks", "languages"})
        return Tokenizer(uses=tuple(sorted(uses, key=lambda use: use.task)), **fields)

    def _having(
        self, task: Task, split: str, wanted: Sequence[str] | None, default: Sequence[str]
    ) -> Sequence[str]:
        """The languages that are asked for, all of which must be there; or those of the default that are."""
        if wanted:
            return wanted
        there = self._available(task, split)
        having = [code for code in default if code in there]
        lacking = ", ".join(code for code in default if code not in there)
        if having and lacking:
            self.notes.append(
                f"{task.name}: of {len(default)} languages there is no {split} data in {lacking}"
            )
        return having or default

    def _available(self, task: Task, split: str) -> tuple[str, ...]:
        return loader.available(task, split, self.data)

    def _use(self, task: Task, split: str, languages: Sequence[str]) -> Use:
        codes = tuple(sorted(dict.fromkeys(languages)))
        return Use(
            task=task.name,
            task_version=task.version,
            family=task.family,
            family_version=families.find(task.family).version,
            label_set=task.labels,
            split=split,
            languages=codes,
            data=tuple(self._identity(task, split, code) for code in codes),
            images=self._images(task) if task.images else "",
        )

    def _development(self, task: Task, recipe: Recipe) -> Development | None:
        """The source language's development rows, if the task has some."""
        split, language = task.development_split, task.source_language
        if split not in loader.splits(task, self.data) or language not in self._available(task, split):
            return None
        data, chooses = self._identity(task, split, language), recipe.select == "best" or recipe.patience
        metric = code.of_metric(task) if chooses else ""
        return Development(split=split, language=language, data=data, metric_code=metric)

    def _need_development(self, uses: Sequence[Use], recipe: Recipe) -> None:
        unknown = any(self._unknown(self.places.task(use.task)) for use in uses)
        if recipe.evaluations and uses and not unknown and not any(use.development for use in uses):
            names = ", ".join(f"'{use.task}'" for use in uses)
            what = f"the recipe of a phase on {names} has `evaluations`, but there are no development rows."
            now = "Give the task a development split, or leave `evaluations` out."
            self.errors.append(StudyError(self.study.shown, what, now))

    def _identity(self, task: Task, split: str, language: str) -> str:
        key = (task.name, split, language)
        if key not in self._identities:
            try:
                self._identities[key] = loader.identity(task, split, language, self.data)
                if others := loader.left_out(task, split, language, self.data):
                    read = loader.sources(task, split, language, self.data)[0].name
                    names = ", ".join(path.name for path in others)
                    instead = f"is read from {read}, not {names}"
                    self.notes.append(f"{task.name}: {split} in '{language}' {instead}")
            except InputError as error:
                self._lacks(task, error)
                self._identities[key] = MISSING
        return self._identities[key]

    def _images(self, task: Task) -> str:
        """The identity of a task's images."""
        key = (task.name, "", "images")
        if key not in self._identities:
            try:
                self._identities[key] = images.identity(task, self.pictures)
            except InputError as error:
                if self.pictures is not None or not self._unseen:
                    self.errors.append(error)
                self._identities[key] = MISSING
        return self._identities[key]


def _capped(use: Use, examples: int | float | None) -> Use:
    """The use with so many rows at most, or with that fraction of them."""
    if isinstance(examples, float):
        return use.changed(fraction=None if examples == 1 else examples)
    return use.changed(examples=examples)
