"""What is tried: each target lays out its right inputs once, then takes one that is made wrong at a time.

No target needs torch: `compute` reads what these have read. Targets clean up what an input left.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import mutation
import own_tables
import plans
import seeds
from typed import misfit

from xstilts import tasks as registry
from xstilts.analysis import published
from xstilts.data import images, loader, readers, task
from xstilts.data.examples import fit
from xstilts.study import architecture, backbone
from xstilts.study.load import load
from xstilts.study.plan import draft
from xstilts.xtreme import score

Try = Callable[[], object]
"""One input, laid out and ready to be read."""


@dataclass(frozen=True)
class Target:
    """`prepare(folder)` gives what makes the next input from a generator; all of it stays in the folder."""

    name: str
    prepare: Callable[[Path], Callable[[Random], Try]]


def _study(folder: Path) -> Callable[[Random], Try]:
    """A study file: it is refused, or its plan has steps whose folders are children of the store's."""
    path = folder / "study.toml"
    right = mutation.toml(seeds.STUDY)
    path.write_bytes(right)
    draft(load(path))

    def read() -> None:
        study = load(path)
        for name in (study.name, *study.backbones, *study.intermediate.arms):
            assert (folder / name).parent == folder and name not in ("", ".", ".."), (
                f"no file's name: {name!r}"
            )
        plans.sound(draft(study), folder)

    def wrong(rng: Random) -> Try:
        match rng.randrange(12):
            case 0:
                made = mutation.data(rng, right)
            case 1:
                made = mutation.text(rng, right.decode()).encode("utf-8", "surrogatepass")
            case 2:
                made = rng.choice(
                    (b"a = " + b"[" * 50_000, b"a = " + b"9" * 5000, b"[a" + b".a" * 50_000 + b"]")
                )
            case _:
                made = mutation.toml(mutation.tree(rng, seeds.STUDY))
        path.write_bytes(made)
        return read

    return wrong


def _published(folder: Path) -> Callable[[Random], Try]:
    """Published figures, as TOML or JSON."""

    def wrong(rng: Random) -> Try:
        if rng.random() < 0.5:
            path, made = folder / "figures.json", mutation.json_text(rng, seeds.PUBLISHED)
        else:
            path, made = folder / "figures.toml", mutation.toml(mutation.tree(rng, seeds.PUBLISHED))
        path.write_bytes(made)
        return lambda: published.read(str(path))

    return wrong


def _rows(folder: Path) -> Callable[[Random], Try]:
    """A file of a task, plain or compressed, in the layout of its release."""
    seeds.write(folder, seeds.data_files())
    cells = sorted(_cells(folder))
    assert {name for name, _, _, _ in cells} >= {"bucc2018", "cosmosqa", "gqa", "marvl", "udpos", "xquad"}
    right = {path: path.read_bytes() for _, _, _, paths in cells for path in paths}

    def wrong(rng: Random) -> Try:
        for path, content in right.items():
            if not path.is_file():
                path.write_bytes(content)
                path.with_name(path.name + ".gz").unlink()
            elif path.stat().st_size != len(content) or path.read_bytes() != content:
                path.write_bytes(content)
        name, split, language, paths = rng.choice(cells)
        path = rng.choice(paths)
        made = _file(rng, path, right[path])
        if rng.random() < 0.15:
            path.unlink()
            packed = gzip.compress(made, 1)
            made = mutation.data(rng, packed) if rng.random() < 0.5 else packed
            path = path.with_name(path.name + ".gz")
        path.write_bytes(made)
        return lambda: _fit(loader.load(registry.find(name), split, language, folder))

    return wrong


def _cells(folder: Path) -> Iterator[tuple[str, str, str, tuple[Path, ...]]]:
    """Every task, split and language that the folder has, with its files."""
    for name in registry.names():
        one = registry.find(name)
        if one.files is None or not loader.from_files(one, folder):
            continue
        for split in (*one.files.patterns, task.TRANSLATED):
            for language in loader.available(one, split, folder):
                if split != task.TRANSLATED or language != one.source_language:
                    yield (
                        name,
                        split,
                        language,
                        loader._paths(one, _layout(one, split, folder), split, language, folder),
                    )


def _layout(one: task.Task, split: str, folder: Path) -> task.Files:
    files = loader._layout(one, split, folder)
    assert files is not None
    return files


def _file(rng: Random, path: Path, content: bytes) -> bytes:
    """The content of a file made wrong in the way of its format."""
    if path.suffix not in (".json", ".jsonl"):
        return mutation.chosen(rng, content, (mutation.lines, _letters))
    if path.suffix == ".json":
        return mutation.json_text(rng, json.loads(content))
    rows = content.rstrip(b"\n").split(b"\n")
    at = rng.randrange(len(rows))
    rows[at] = mutation.json_text(rng, json.loads(rows[at]))
    return b"\n".join(rows)


def _letters(rng: Random, content: bytes) -> bytes:
    return mutation.text(rng, content.decode()).encode("utf-8", "surrogatepass")


def _fit(rows: list[Any]) -> None:
    for row in rows:
        assert not (wrong := misfit(row)), wrong


def _hub_rows(folder: Path) -> Callable[[Random], Try]:
    """Rows as Parquet files of the Hub give them."""
    found = {name: registry.find(name) for name in seeds.HUB}

    def wrong(rng: Random) -> Try:
        name = rng.choice(sorted(found))
        one = found[name]
        row = _without_halves(mutation.tree(rng, seeds.HUB[name]))
        rows = [row if isinstance(row, dict) else {}, seeds.HUB[name]]
        language = one.languages[0]
        assert one.hub is not None
        source = one.hub
        return lambda: _fit(list(fit(source.read(iter(rows), language), f"task '{name}'")))

    return wrong


def _without_halves(value: Any) -> Any:
    """The value without halves of surrogate pairs, which Parquet cannot hold."""
    return json.loads(json.dumps(value).replace("\\ud800", "?"))


def _scores(folder: Path) -> Callable[[Random], Try]:
    """References and predictions, of single files and of folders of languages."""

    def wrong(rng: Random) -> Try:
        name = rng.choice(sorted(seeds.GOLD))
        suffix, gold, predicted = seeds.GOLD[name]
        language = "fr" if name == "bucc2018" else "de"
        places = [folder / part / name / f"test-{language}.{suffix}" for part in ("gold", "given")]
        contents = [gold.encode(), predicted.encode()]
        at = rng.randrange(2)
        contents[at] = _file(rng, places[at], contents[at])
        for path, content in zip(places, contents, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        first, second = (path.parent if rng.random() < 0.1 else path for path in places)
        code = rng.choice((None, None, language, "zz"))
        return lambda: _whole(score.score(name, second, first, code))

    return wrong


def _whole(found: Mapping[str, Any]) -> None:
    """Scores are percentages, and can be told as JSON."""
    json.dumps(found, allow_nan=False)
    for values in found["languages"].values():
        assert all(0 <= value <= 100 + 1e-9 for value in values.values()), values


def _images(folder: Path) -> Callable[[Random], Try]:
    """Image files, and names of images that rows hold."""
    from PIL import Image

    right = {}
    for kind in images.FORMATS:
        path = folder / f"right.{kind.lower()}"
        Image.linear_gradient("L").resize((17, 9)).convert("RGB").save(path, kind)
        right[kind] = path.read_bytes()
    one, root = registry.find("marvl"), folder / "images"
    (root / "marvl").mkdir(parents=True)

    def wrong(rng: Random) -> Try:
        if rng.random() < 0.3:
            name = mutation.text(rng, "sw/images/39/39-1.jpg")
            return lambda: [_below(root, images.find(one, name, root)), images.missing(one, [name], root)]
        path = folder / "image"
        path.write_bytes(mutation.data(rng, right[rng.choice(images.FORMATS)]))
        return lambda: images.decode(path)

    return wrong


def _below(root: Path, path: Path | None) -> None:
    assert path is None or path.resolve().is_relative_to(root.resolve()), path


def _backbones(folder: Path) -> Callable[[Random], Try]:
    """The folder of a backbone, up to where its weights would be read."""
    source = backbone.bundled()["lab"]
    right = {name: (source / name).read_bytes() for name in (backbone.SHAPE, backbone.WORLD)}
    small = {backbone.TOKENS: b"{}", "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}
    here = folder / "model"
    here.mkdir()

    def wrong(rng: Random) -> Try:
        for name, content in (right | small).items():
            path = here / name
            if path.is_dir():
                path.rmdir()
            path.write_bytes(content)
        name = rng.choice(sorted(right))
        (here / name).write_bytes(mutation.json_text(rng, json.loads(right[name])))
        if rng.random() < 0.2:
            gone = here / rng.choice(sorted(right | small))
            gone.unlink()
            if rng.random() < 0.5:
                gone.mkdir()

        def read() -> None:
            architecture.room(here)
            backbone.eyes_checksum(here) if rng.random() < 0.1 else backbone.checksum(here)

        return read

    return wrong


def _lines(folder: Path) -> Callable[[Random], Try]:
    """The readers that a user's own task file calls, on bytes of any kind."""
    path = folder / "rows"

    def wrong(rng: Random) -> Try:
        tsv, csv = b"a\tb\n1\t2\n", b'a,b\n"1",2\n'
        made = mutation.data(
            rng, rng.choice((tsv, csv, b'{"a": 1, "b": [2]}\n', b"1\tx\t_\tNOUN" + b"\t_" * 6))
        )
        path.write_bytes(made)
        read = rng.choice(
            (
                lambda: readers.columns(path, ("a", "b")),
                lambda: readers.table(path, ("a", "b")),
                lambda: readers.csv_rows(path, ("a", "b")),
                lambda: readers.json_lines(path, ("a", "b")),
                lambda: readers.json_object(path, ()),
                lambda: readers.keyed_lines(path),
                lambda: readers.conllu(path, ("NOUN",)),
                lambda: readers.tagged_columns(path, ("2",)),
                lambda: readers.supertags(path, ("N",)),
            )
        )
        return lambda: list(read())

    return wrong


def _store(folder: Path) -> Callable[[Random], Try]:
    """Files of a store, by whomever: with checksums that are right or not, and of releases that had none."""
    import stores

    return stores.prepare(folder)


TARGETS = (
    Target("study", _study),
    Target("plan", plans.prepare),
    Target("declared", own_tables.prepare),
    Target("published", _published),
    Target("rows", _rows),
    Target("lines", _lines),
    Target("hub", _hub_rows),
    Target("scores", _scores),
    Target("store", _store),
    Target("images", _images),
    Target("backbones", _backbones),
)
