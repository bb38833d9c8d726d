"""Encoded data in columns, and the tensors of a batch.

Shapes: S sequences, L tokens of the longest of them, R states read, G groups that compete, W reads of the
widest group.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from xstilts.compute.pixels import Album
from xstilts.families.items import IGNORED, Item


def generator(*parts: object) -> np.random.Generator:
    """A random generator that depends on nothing but the parts named."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def offsets(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each part begins, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def apportion(shares: Sequence[float] | NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Whole numbers in proportion to shares that sum to 1, with that total: by largest remainder.

    >>> apportion([0.5, 0.3, 0.2], 7).tolist()
    [4, 2, 1]
    """
    wanted = np.asarray(shares, np.float64) * total
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    for place in np.argsort(counts - wanted, kind="stable")[: total - int(counts.sum())]:
        counts[place] += 1
    return counts


@dataclass(frozen=True)
class Encoded:
    """The items of one task, in flat columns: item -> sequences -> tokens, reads, targets; item -> gold.

    Where there are targets at all, every sequence has some. `images` are places in `names`; without an
    `album`, from which they are taken, none are shown. Of rows to be predicted there is what decoding needs:
    `example`, the row that each item comes from, and `spans`, the characters of each read, where items have
    such notes.
    """

    axis: str
    tokens: NDArray[np.int32]
    token_at: NDArray[np.int64]
    second: NDArray[np.int32]
    reads: NDArray[np.int32]
    read_at: NDArray[np.int64]
    gold: NDArray[np.int64]
    gold_at: NDArray[np.int64]
    sequence_at: NDArray[np.int64]
    targets: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    target_at: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    images: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    image_at: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    example: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    spans: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    names: tuple[str, ...] = ()
    album: Album | None = None

    @classmethod
    def of(
        cls, items: Sequence[Item], axis: str, album: Album | None = None, *, decoded: bool = False
    ) -> "Encoded":
        """Columns of the items, in their order; with what it takes to decode scores if they are `decoded`."""
        kept, flat = items if decoded else (), chain.from_iterable
        shown = [names for item in items for names in item.images] if album is not None else []
        number = {name: place for place, name in enumerate(dict.fromkeys(n for one in shown for n in one))}
        sequences = [ids for item in items for ids in item.sequences]
        reads = [positions for item in items for positions in item.reads]
        targets = [ids for item in items for ids in item.targets]
        return cls(
            axis=axis,
            tokens=np.fromiter((token for ids in sequences for token in ids), np.int32),
            token_at=offsets([len(ids) for ids in sequences]),
            second=np.asarray([start for item in items for start in item.second], np.int32),
            reads=np.fromiter((position for positions in reads for position in positions), np.int32),
            read_at=offsets([len(positions) for positions in reads]),
            gold=np.fromiter((gold for item in items for gold in item.gold), np.int64),
            gold_at=offsets([len(item.gold) for item in items]),
            sequence_at=offsets([len(item.sequences) for item in items]),
            targets=np.fromiter((token for ids in targets for token in ids), np.int32),
            target_at=offsets([len(ids) for ids in targets]),
            images=np.fromiter((number[name] for names in shown for name in names), np.int32),
            image_at=offsets([len(names) for names in shown]),
            example=np.asarray([item.example for item in kept], np.int32),
            spans=np.fromiter(flat(flat(item.note or () for item in kept)), np.int32),
            names=tuple(number),
            album=album,
        )

    def __len__(self) -> int:
        return len(self.sequence_at) - 1

    @cached_property
    def longest(self) -> NDArray[np.int64]:
        """Tokens of the longest sequence of each item."""
        if not len(self):
            return np.zeros(0, np.int64)
        longest: NDArray[np.int64] = np.maximum.reduceat(np.diff(self.token_at), self.sequence_at[:-1])
        return longest

    @cached_property
    def width(self) -> NDArray[np.int64]:
        """Places of the longest sequence of each item: its tokens, and what images take beside them."""
        if self.album is None or not len(self.images):
            return self.longest
        shown = np.maximum.reduceat(np.diff(self.image_at), self.sequence_at[:-1])
        wide: NDArray[np.int64] = self.longest + shown * self.album.preparation.tokens
        return wide

    @cached_property
    def cost(self) -> NDArray[np.int64]:
        """Padded places of each item alone: its longest sequence times its number of sequences."""
        return self.width * np.diff(self.sequence_at)

    def item(self, number: int) -> Item:
        """What decoding needs of an item: its row, its reads, and their characters where they are known."""
        first, last = self.sequence_at[number : number + 2]
        at = self.read_at[first : last + 1]
        reads = tuple(self.reads[start:end].tolist() for start, end in pairwise(at))
        note = self.spans[2 * at[0] : 2 * at[-1]].reshape(-1, 2).tolist() if len(self.spans) else None
        return Item((), (), reads, [], int(self.example[number]), note)

    def decisions(self, items: NDArray[np.int64]) -> int:
        """The number of decisions that a loss is taken of, in some items."""
        return sum(
            int((self.gold[self.gold_at[item] : self.gold_at[item + 1]] != IGNORED).sum()) for item in items
        )

    def seen_with(self, hidden: "Encoded", items: NDArray[np.int64]) -> "Encoded":
        """What was made of some of these items, one sequence each, with their images."""
        if not len(self.images):
            return hidden
        own = [self.images[self.image_at[item] : self.image_at[item + 1]] for item in items]
        at = offsets([len(part) for part in own])
        return replace(hidden, images=np.concatenate(own), image_at=at, names=self.names, album=self.album)


@dataclass(frozen=True)
class Batch:
    """Tensors of one forward pass.

    ids, attention, types [S, L]; row, column [R]: which states are read; gold [D]: one per decision;
    group, place [R]: to which group a read belongs and its place in it, where reads compete (else None);
    targets, target_attention [S, T]: what a decoder beside the encoder is given (else None);
    pixels [S, I, 3, H, W]: the images of each sequence, of which there are `pictured` [S] (else None).
    Of packed sequences, one after the other without padding, ids, attention, types, and positions in the own
    sequence are [1, T]; they begin and end at `cuts` [S + 1], and the longest has `longest` tokens.
    """

    ids: torch.Tensor
    attention: torch.Tensor
    types: torch.Tensor
    row: torch.Tensor
    column: torch.Tensor
    gold: torch.Tensor
    group: torch.Tensor | None
    place: torch.Tensor | None
    reads: NDArray[np.int64]
    """Reads of each item."""
    real_tokens: int
    targets: torch.Tensor | None = None
    target_attention: torch.Tensor | None = None
    pixels: torch.Tensor | None = None
    pictured: torch.Tensor | None = None
    positions: torch.Tensor | None = None
    cuts: torch.Tensor | None = None
    longest: int = 0

    @property
    def shown(self) -> torch.Tensor:
        """Which images there are, [S, I]."""
        assert self.pixels is not None and self.pictured is not None
        places = torch.arange(self.pixels.shape[1], device=self.pixels.device)
        return places < self.pictured[:, None]

    @property
    def padded_tokens(self) -> int:
        """Places for tokens, filled or not."""
        return self.ids.numel() + (0 if self.targets is None else self.targets.numel())

    def packed(self) -> "Batch":
        """The same sequences packed; unless they have images, or a decoder beside the encoder answers."""
        if self.targets is not None or self.pixels is not None:
            return self
        filled, lengths = self.attention.bool(), self.attention.sum(dim=1)
        cuts = torch.nn.functional.pad(lengths.cumsum(0), (1, 0))
        return replace(
            self,
            ids=self.ids[filled][None],
            attention=self.attention[filled][None],
            types=self.types[filled][None],
            row=torch.zeros_like(self.row),
            column=cuts[self.row] + self.column,
            positions=(self.attention.cumsum(dim=1) - 1)[filled][None],
            cuts=cuts.int(),
            longest=int(lengths.max()),
        )

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Batch":
        """The same batch with each of its tensors changed."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, torch.Tensor)}
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in tensors.items()}
        return replace(self, **changed)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device, copied from pinned memory (`ready_for`) while the host goes on."""
        if device.type == "cpu":
            return self
        return self.each(lambda tensor: tensor.to(device, non_blocking=True))

    def ready_for(self, device: torch.device) -> "Batch":
        """The same batch in memory that a device copies from by itself."""
        return self.each(torch.Tensor.pin_memory) if device.type == "cuda" else self


def collate(data: Encoded, items: NDArray[np.int64], pad: int) -> Batch:
    """The batch of some items, padded to its longest sequence."""
    sequences = np.concatenate([np.arange(data.sequence_at[i], data.sequence_at[i + 1]) for i in items])
    ids, filled = _padded(data.tokens, data.token_at, sequences, pad)
    column = np.concatenate([data.reads[data.read_at[s] : data.read_at[s + 1]] for s in sequences])
    row = np.repeat(np.arange(len(sequences)), data.read_at[sequences + 1] - data.read_at[sequences])
    gold = np.concatenate([data.gold[data.gold_at[i] : data.gold_at[i + 1]] for i in items])
    per_item = data.read_at[data.sequence_at[items + 1]] - data.read_at[data.sequence_at[items]]
    group = place = None
    if data.axis == "reads":
        group = torch.from_numpy(np.repeat(np.arange(len(items)), per_item))
        starts = np.repeat(offsets(per_item)[:-1], per_item)
        place = torch.from_numpy(np.arange(len(row)) - starts)
    types = (np.arange(filled.shape[1]) >= data.second[sequences][:, None]) & filled
    batch = Batch(
        ids=torch.from_numpy(ids),
        attention=torch.from_numpy(filled.astype(np.int64)),
        types=torch.from_numpy(types.astype(np.int64)),
        row=torch.from_numpy(row.astype(np.int64)),
        column=torch.from_numpy(column.astype(np.int64)),
        gold=torch.from_numpy(gold),
        group=group,
        place=place,
        reads=per_item,
        real_tokens=int(filled.sum()),
    )
    counts = data.image_at[sequences + 1] - data.image_at[sequences] if len(data.images) else np.zeros(0)
    if data.album is not None and counts.any():
        numbers = [data.images[data.image_at[s] : data.image_at[s + 1]] for s in sequences]
        found = data.album.pixels([data.names[number] for number in np.concatenate(numbers)])
        pixels = np.zeros((len(sequences), int(counts.max()), *found.shape[1:]), np.float32)
        pixels[np.arange(pixels.shape[1]) < counts[:, None]] = found
        batch = replace(batch, pixels=torch.from_numpy(pixels), pictured=torch.from_numpy(counts))
    if not len(data.targets):
        return batch
    targets, given = _padded(data.targets, data.target_at, sequences, pad)
    return replace(
        batch,
        targets=torch.from_numpy(targets),
        target_attention=torch.from_numpy(given.astype(np.int64)),
        real_tokens=batch.real_tokens + int(given.sum()),
    )


def _padded(
    tokens: NDArray[np.int32], token_at: NDArray[np.int64], sequences: NDArray[np.int64], pad: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Some sequences side by side, padded on the right, and where they are filled."""
    lengths = token_at[sequences + 1] - token_at[sequences]
    filled = np.arange(int(lengths.max())) < lengths[:, None]
    ids = np.full(filled.shape, pad, np.int64)
    ids[filled] = np.concatenate([tokens[token_at[s] : token_at[s + 1]] for s in sequences])
    return ids, filled


def split(data: Encoded, items: NDArray[np.int64], tokens: int) -> Iterator[NDArray[np.int64]]:
    """Micro-batches of at most `tokens` padded places (one item at the least), in the order given."""
    sequences = data.sequence_at[items + 1] - data.sequence_at[items]
    start = 0
    while start < len(items):
        padded = np.maximum.accumulate(data.width[items[start:]]) * np.cumsum(sequences[start:])
        fits = np.flatnonzero(padded <= tokens)
        end = start + max(1, int(fits[-1]) + 1 if len(fits) else 1)
        yield items[start:end]
        start = end


def passes(
    data: Encoded, items: NDArray[np.int64], tokens: int, overhead: int
) -> Iterator[NDArray[np.int64]]:
    """Micro-batches of items of similar length, by rising length, each of at most `tokens` padded places.

    They are cut where padded places and `overhead` of them for every pass are the fewest; only a pass that
    has more than `tokens` is cut again.
    """
    items = items[np.argsort(data.width[items], kind="stable")]
    widths, starts = np.unique(data.width[items], return_index=True)
    before = np.concatenate([[0], np.cumsum(data.sequence_at[items + 1] - data.sequence_at[items])])
    count = before[[*starts, len(items)]]  # of sequences shorter than each width
    least, cut = np.zeros(len(count)), np.zeros(len(count), np.int64)
    for end, width in enumerate(widths, 1):
        costs = least[:end] + (count[end] - count[:end]) * width + overhead
        cut[end] = costs.argmin()
        least[end] = costs[cut[end]]
    cuts, end = [], int(cut[-1])
    while end:
        cuts.append(starts[end])
        end = int(cut[end])
    for group in np.split(items, cuts[::-1]):
        yield from split(data, group, tokens)
