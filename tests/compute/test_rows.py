"""Columns on disk are those in memory, whatever the parts; damaged ones are made again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xstilts.compute import rows
from xstilts.compute.data import Encoded, generator
from xstilts.compute.pixels import Album
from xstilts.compute.rows import COLUMNS, mapped
from xstilts.families.items import Item


def _items(count: int) -> list[Item]:
    """Items of one or two sequences of growing length, with targets and up to two images of three."""
    rng = generator("columns")
    found = []
    for row in range(count):
        lengths = (row + 1, row + 2)[: 1 + row % 2]
        found.append(
            Item(
                tuple(rng.integers(0, 50, length).tolist() for length in lengths),
                lengths,
                tuple([0] * (row % 3) for _ in lengths),
                [row],
                row,
                targets=tuple([row] * (row % 4 + 1) for _ in lengths),
                images=tuple(tuple(f"{(row + one) % 3}.png" for one in range(row % 3)) for _ in lengths),
            )
        )
    return found


def _parts(items: Sequence[Item], size: int, album: Album | None = None) -> Iterator[tuple[int, Encoded]]:
    for part in rows.parted(items):
        for start in range(0, len(part), size):
            some = part[start : start + size]
            yield len(some), Encoded.of(some, "outputs", album)


def _told(data: Encoded) -> dict[str, Any]:
    """The columns, with images by name: their numbers depend on the parts."""
    told = {name: getattr(data, name).tolist() for name in COLUMNS if name != "images"}
    return told | {"images": [data.names[number] for number in data.images]}


@pytest.fixture
def album() -> Any:
    """Stands for images, of which only the names are encoded."""
    return object()


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_columns_on_disk_are_those_in_memory(tmp_path: Path, album: Any, size: int) -> None:
    items = _items(7)
    found, count = mapped(tmp_path, "key", lambda: _parts(items, size, album), album)
    wanted = Encoded.of(items, "outputs", album)
    assert count == 7
    assert (found.axis, found.album) == ("outputs", album)
    assert _told(found) == _told(wanted)
    assert {name: getattr(found, name).dtype for name in COLUMNS} == {
        name: getattr(wanted, name).dtype for name in COLUMNS
    }


def test_rows_without_images_and_targets_have_empty_columns(tmp_path: Path) -> None:
    items = [replace(item, targets=(), images=()) for item in _items(3)]
    found, _ = mapped(tmp_path, "key", lambda: _parts(items, 2), None)
    assert _told(found) == _told(Encoded.of(items, "outputs"))
    assert not len(found.targets)


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    first, _ = mapped(tmp_path, "key", lambda: _parts(_items(3), 2), None)
    again, count = mapped(tmp_path, "key", lambda: pytest.fail("encoded again"), None)
    assert (count, _told(again)) == (3, _told(first))


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone", "no words"])
def test_what_is_damaged_is_made_again(tmp_path: Path, damage: str) -> None:
    first, _ = mapped(tmp_path, "key", lambda: _parts(_items(3), 2), None)
    wanted = _told(first)
    del first
    path = tmp_path / "key" / "tokens.bin"
    content = path.read_bytes()
    match damage:
        case "flipped":
            path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        case "cut":
            path.write_bytes(content[:-4])
        case "gone":
            path.unlink()
        case "no words":
            (tmp_path / "key" / "about.json").write_text("{")
    found, _ = mapped(tmp_path, "key", lambda: _parts(_items(3), 2), None)
    assert _told(found) == wanted
    assert [one.name for one in tmp_path.iterdir()] == ["key"], "nothing half written stays"


def test_an_error_while_encoding_leaves_nothing(tmp_path: Path) -> None:
    def parts() -> Iterator[tuple[int, Encoded]]:
        yield from _parts(_items(2), 1)
        raise ValueError("a broken row")

    with pytest.raises(ValueError, match="a broken row"):
        mapped(tmp_path, "key", parts, None)
    assert not list(tmp_path.iterdir())


def test_rows_come_in_parts_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART", 3)
    assert [len(part) for part in rows.parted(iter(range(7)))] == [3, 3, 1]
    assert np.concatenate(list(rows.parted(range(7)))).tolist() == list(range(7))
