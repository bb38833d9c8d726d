"""PDF files that are the same bytes for the same drawing.

The converter that makes them lists resources and writes fonts in random order. Here resources are sorted, and
objects are numbered and written in the order in which they are first referred to from the root (ISO 32000-1,
sections 7.3.10 and 7.5).
"""

import re

_OBJECT = re.compile(rb"^(\d+) 0 obj\n(.*?)(stream\n.*?\nendstream)?\nendobj$", re.DOTALL | re.MULTILINE)
_REFERENCE = re.compile(rb"\b(\d+) 0 R\b")
_RESOURCES = re.compile(rb"(?<= <<\n)(?: +/\w+ \d+ 0 R\n){2,}")
_ENTRY_POINTS = re.compile(rb"/(?:Root|Info) \d+ 0 R")


def canonical(pdf: bytes) -> bytes:
    """The same document, whatever the order of its objects was."""
    objects = {int(found[1]): (_sorted(found[2]), found[3] or b"") for found in _OBJECT.finditer(pdf)}
    ends = sorted(_ENTRY_POINTS.findall(pdf[pdf.rindex(b"trailer") :]), reverse=True)  # the root first
    order: dict[int, int] = {}
    waiting = _references(b" ".join(ends))
    while waiting:
        number = waiting.pop(0)
        if number not in order:
            order[number] = len(order) + 1
            waiting += _references(objects[number][0])
    assert len(order) == len(objects), "an object that nothing refers to"
    written = [pdf[: pdf.index(b"\n") + 1]]
    places = []
    for old, new in order.items():
        places.append(sum(map(len, written)))
        head, stream = objects[old]
        written.append(b"%d 0 obj\n%s%s\nendobj\n" % (new, _renumbered(head, order), stream))
    table = b"".join(b"%010d 00000 n\r\n" % place for place in places)
    size, start = len(order) + 1, sum(map(len, written))
    trailer = b"trailer\n<< /Size %d %s >>\n" % (size, _renumbered(b" ".join(ends), order))
    written.append(b"xref\n0 %d\n0000000000 65535 f\r\n%s%s" % (size, table, trailer))
    return b"".join([*written, b"startxref\n%d\n%%%%EOF\n" % start])


def _references(text: bytes) -> list[int]:
    return [int(number) for number in _REFERENCE.findall(text)]


def _sorted(head: bytes) -> bytes:
    return _RESOURCES.sub(lambda found: b"".join(sorted(found.group().splitlines(keepends=True))), head)


def _renumbered(head: bytes, order: dict[int, int]) -> bytes:
    return _REFERENCE.sub(lambda found: b"%d 0 R" % order[int(found[1])], head)
