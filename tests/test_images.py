"""Images by name: where they are found, what is refused, what identifies them."""

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from xstilts import tasks as registry
from xstilts.data import images
from xstilts.data.task import Task
from xstilts.errors import DataError

XVNLI, NLVR2 = registry.find("xvnli"), registry.find("nlvr2")


def made(path: Path, colour: tuple[int, ...] = (255, 0, 0), **how: Any) -> Path:
    """An image of two columns and three rows: one colour, the first pixel black."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA" if len(colour) == 4 else "RGB", (2, 3), colour)
    image.putpixel((0, 0), (0,) * 3 + (255,) * (len(colour) - 3))
    image.save(path, **how)
    return path


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is that large."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + checksum

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_an_image_is_height_times_width_times_three_colours(tmp_path: Path) -> None:
    made(tmp_path / "flickr30k/7.jpg", format="PNG")
    pixels = images.load(XVNLI, "7", tmp_path)
    assert pixels.shape == (3, 2, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[2, 1].tolist() == [255, 0, 0]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_formats_are_told_by_content(tmp_path: Path, form: str) -> None:
    made(tmp_path / "flickr30k/7.jpg", format=form)
    assert images.load(XVNLI, "7", tmp_path).shape == (3, 2, 3)


def test_transparency_is_dropped(tmp_path: Path) -> None:
    made(tmp_path / "flickr30k/7.jpg", (0, 255, 0, 128), format="PNG")
    assert images.load(XVNLI, "7", tmp_path)[1, 1].tolist() == [0, 255, 0]


@pytest.mark.parametrize(
    "path",
    [
        "nlvr2/train/65/train-1-0-img0.png",
        "nlvr2/images/train/65/train-1-0-img0.png",
        "nlvr2/train-1-0-img0.png",
    ],
)
def test_a_name_is_looked_for_in_several_places(tmp_path: Path, path: str) -> None:
    made(tmp_path / path)
    found = images.find(NLVR2, "train/65/train-1-0-img0", tmp_path)
    assert found == tmp_path / path
    assert images.missing(NLVR2, ["train/65/train-1-0-img0", "dev/x", "dev/x"], tmp_path) == ["dev/x"]


def test_a_missing_image_is_told_with_the_places(tmp_path: Path) -> None:
    message = r"has no image '9': looked for flickr30k/9.jpg, flickr30k-images/9.jpg.*--images DIR"
    with pytest.raises(DataError, match=message):
        images.load(XVNLI, "9", tmp_path)
    with pytest.raises(DataError, match="no such folder of images"):
        images.load(XVNLI, "9", tmp_path / "nowhere")
    with pytest.raises(DataError, match="task 'xvnli': has images, and their folder is not known"):
        images.missing(XVNLI, ["9"], None)


@pytest.mark.parametrize("name", ["../7", "/etc/7", "a/../../7", "", "a\\7", "c:/7", "a\0b", "./7", "a//7"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    made(tmp_path / "7.jpg")
    for ask in (images.load, images.find):
        with pytest.raises(DataError, match="is no path below a folder"):
            ask(XVNLI, name, tmp_path)


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (7_100, 7_100), (2**31 - 1, 1)])
def test_what_claims_to_be_huge_is_never_decoded(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "flickr30k/7.jpg"
    path.parent.mkdir()
    path.write_bytes(claiming(width, height))
    with pytest.raises(DataError, match=r"flickr30k/7.jpg: is .*(pixels large|no whole image)"):
        images.load(XVNLI, "7", tmp_path)


def test_large_files_are_not_even_opened(tmp_path: Path) -> None:
    path = tmp_path / "flickr30k/7.jpg"
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(images.MOST_BYTES + 1)
    with pytest.raises(DataError, match="has more than"):
        images.load(XVNLI, "7", tmp_path)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"%PDF-1.4", b"<svg></svg>"])
def test_what_is_no_image_is_the_users_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "flickr30k/7.jpg"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"7.jpg: is no whole image in one of the formats"):
        images.load(XVNLI, "7", tmp_path)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_truncated_image_is_the_users_error(tmp_path: Path, form: str) -> None:
    path = tmp_path / "flickr30k/7.jpg"
    path.parent.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, format=form)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataError, match="is no whole image"):
        images.load(XVNLI, "7", tmp_path)


# Identity


def test_identity_depends_on_names_and_contents_of_the_tasks_own_files(tmp_path: Path) -> None:
    one = made(tmp_path / "flickr30k/1.jpg", format="PNG")
    first = images.identity(XVNLI, tmp_path)
    assert first.startswith("sha256:")
    made(tmp_path / "gqa/1.jpg")
    (tmp_path / "flickr30k/.hidden").write_text("x")
    assert images.identity(XVNLI, tmp_path) == first, "files of other tasks and hidden ones do not count"
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(content)
    second = images.identity(XVNLI, tmp_path)
    assert second != first, "contents count"
    one.rename(tmp_path / "flickr30k/2.jpg")
    assert images.identity(XVNLI, tmp_path) not in (first, second), "names count"


def test_links_are_followed_and_broken_ones_are_no_files(tmp_path: Path) -> None:
    made(tmp_path / "disk/1.jpg")
    made(tmp_path / "plain/flickr30k/1.jpg")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/flickr30k").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/2.jpg").symlink_to(tmp_path / "nothing")
    assert images.identity(XVNLI, tmp_path / "linked") == images.identity(XVNLI, tmp_path / "plain")
    assert images.missing(XVNLI, ["1", "2"], tmp_path / "linked") == ["2"]


def test_identity_does_not_depend_on_where_the_folder_is(tmp_path: Path) -> None:
    for name in ("here", "there"):
        made(tmp_path / name / "flickr30k/1.jpg")
        made(tmp_path / name / "flickr30k-images/b/2.jpg")
    assert images.identity(XVNLI, tmp_path / "here") == images.identity(XVNLI, tmp_path / "there")


@pytest.mark.parametrize("limit", [("MOST_BYTES", 10), ("MOST_FILES", 0)])
def test_of_large_collections_only_names_and_sizes_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: tuple[str, int]
) -> None:
    one = made(tmp_path / "flickr30k/1.jpg")
    monkeypatch.setattr(images, *limit)
    found = images.identity(XVNLI, tmp_path)
    assert found.startswith("names:")
    content = bytearray(one.read_bytes())
    content[-1] ^= 1
    one.write_bytes(content)
    assert images.identity(XVNLI, tmp_path) == found
    one.write_bytes(bytes(content) + b"\0")
    assert images.identity(XVNLI, tmp_path) != found


# The folder


def test_a_task_of_the_user_has_its_images_beside_it(tmp_path: Path) -> None:
    own = Task(
        family="visual",
        languages=("en",),
        metric="accuracy",
        description="",
        citation="",
        licence="",
        images=("{id}",),
        path=tmp_path / "mine.py",
    )
    elsewhere = tmp_path / "elsewhere"
    made(elsewhere / "2.png")
    assert images.missing(own, ["1.png", "2.png"], elsewhere) == ["1.png"]
    before = images.identity(own, elsewhere)
    made(tmp_path / "images/1.png")
    assert images.load(own, "1.png").shape == (3, 2, 3)
    assert images.missing(own, ["1.png", "2.png"], elsewhere) == ["2.png"], "what lies beside it goes first"
    assert before != images.identity(own, elsewhere) == images.identity(own)


def test_the_default_folder_lies_in_the_data_folder(tmp_path: Path) -> None:
    assert images.default_folder(None) is None
    assert images.default_folder(tmp_path) is None
    (tmp_path / "images").mkdir()
    assert images.default_folder(tmp_path) == tmp_path / "images"
