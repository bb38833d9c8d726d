"""Care for a store: how large it is, whether it is sound, what no study refers to."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from xstilts.errors import DamageError
from xstilts.store import CHECKPOINT, Store, checksums, read_json, read_record
from xstilts.study.step import Step

BESIDE = (
    *("running", "temporary", "data", "jobs", "audits", "answers", "studies", "failures"),
    *("tracking", "probes"),
)
"""Folders of a store beside that of the finished steps."""


@dataclass(frozen=True)
class Size:
    """What steps of one kind, or a folder beside them, take: bytes in all, and those of checkpoints."""

    kind: str
    steps: int
    bytes: int
    checkpoints: int


@dataclass(frozen=True)
class Damage:
    """What is wrong with a finished step: one line for each file."""

    folder: Path
    lines: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """That of the step."""
        return fingerprint_of(self.folder)


@dataclass(frozen=True)
class Verified:
    """What a look at all files of a store has found; `unknown` steps have records without checksums."""

    steps: int
    bytes: int
    unknown: int
    damages: tuple[Damage, ...]


def folders(store: Store) -> list[Path]:
    """The folders of all finished steps, by name."""
    return sorted(path for path in (store.root / "steps").glob("*-*") if path.is_dir())


def fingerprint_of(folder: Path) -> str:
    """The fingerprint of the step in a folder of the store."""
    return folder.name.rsplit("-", 1)[-1]


def sizes(store: Store) -> list[Size]:
    """What the store takes on the disk, by kind of step; then what lies beside the steps."""
    steps: dict[str, list[Path]] = {"backbone": [], "phase": [], "evaluation": []}
    for folder in folders(store):
        try:
            kind = str(read_json(folder / "spec.json")["kind"])
        except (DamageError, LookupError, TypeError):
            kind = "damaged"
        steps.setdefault(kind, []).append(folder)
    told = [
        Size(kind, len(known), sum(map(size, known)), sum(size(folder / CHECKPOINT) for folder in known))
        for kind, known in steps.items()
    ]
    return told + [Size(name, 0, size(store.root / name), 0) for name in BESIDE]


def size(folder: Path) -> int:
    """Bytes of all files below a folder, to which other processes may write; none if it is not there."""
    found = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found += path.stat().st_size if path.is_file() else 0
    return found


def verify(store: Store, steps: Iterable[Path] | None = None) -> Verified:
    """Compare every file of the steps in those folders, or of all, with its checksum."""
    chosen = folders(store) if steps is None else list(steps)
    damages, known, read = [], 0, 0
    for folder in chosen:
        if lines := tuple(_wrong(folder)):
            damages.append(Damage(folder, lines))
        else:
            known += checksums.FILES in read_record(folder)
        read += size(folder)
    return Verified(len(chosen), read, len(chosen) - len(damages) - known, tuple(damages))


def repair(store: Store, steps: Iterable[Step]) -> tuple[Damage, ...]:
    """Remove those of the steps that are damaged, and only these; gives what was wrong with them."""
    steps = list(steps)
    store.know(steps)
    for step in steps:
        try:
            store.failure(step.fingerprint)
        except DamageError:
            store.forgive(step.fingerprint)
    there = [store.folder(step.fingerprint) for step in steps]
    damages = verify(store, [folder for folder in there if folder is not None]).damages
    for damage in damages:
        store.remove(damage.fingerprint)
    return damages


def unreferenced(store: Store, steps: Iterable[Step]) -> list[Path]:
    """Finished steps, and states of unfinished ones, that are none of these and that nobody computes."""
    kept = {step.fingerprint for step in steps}
    states = sorted(path for path in (store.root / "running").glob("*") if path.is_dir())
    return [
        folder
        for folder in (*folders(store), *states)
        if fingerprint_of(folder) not in kept and not store.leased(fingerprint_of(folder))
    ]


def remove(store: Store, found: Iterable[Path]) -> None:
    """Remove the steps whose folders these are."""
    for folder in found:
        store.remove(fingerprint_of(folder))


def failed_before(store: Store, steps: Sequence[Step]) -> list[Step]:
    """Of the steps of a plan those that failed when last tried, what waits for them, and what they need."""
    missing = {step.fingerprint: step for step in store.missing(steps)}
    chosen: set[str] = set()
    for step in missing.values():
        if store.failure(step.fingerprint) is not None or not chosen.isdisjoint(step.parents):
            chosen.add(step.fingerprint)
    for step in reversed(missing.values()):
        if step.fingerprint in chosen:
            chosen.update(parent for parent in step.parents if parent in missing)
    return [step for step in steps if step.fingerprint in chosen]


def _wrong(folder: Path) -> Iterator[str]:
    """What is wrong with a step, file by file. A checkpoint that is not there at all was dropped."""
    try:
        files = read_record(folder).get(checksums.FILES, {})
        read_json(folder / "spec.json")
    except DamageError as error:
        yield f"{error.where}: {error.what}"
        return
    dropped = not (folder / CHECKPOINT).exists()
    for name, recorded in files.items():
        if dropped and name.startswith(f"{CHECKPOINT}/"):
            continue
        if what := checksums.wrong(folder, name, recorded):
            yield f"{folder / name}: {what}"


def damage_lines(damages: Sequence[Damage]) -> list[str]:
    """A line for each damaged file."""
    return [f"damaged: {line}" for damage in damages for line in damage.lines]


def repaired(damages: Sequence[Damage]) -> str:
    """What was removed because it is damaged, in words."""
    found = "nothing is damaged" if not damages else f"{len(damages)} damaged steps are computed again"
    return "\n".join([*damage_lines(damages), f"Repair: {found}."])
