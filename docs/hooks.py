"""Hooks of the site: pages that stand elsewhere in the tree, and links to files that are no pages."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Files of the tree that are pages of the site."""
LINK = re.compile(r"(!?)\[([^\]]+)\]\(([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that stand elsewhere."""
    for path, page in PAGES.items():
        text = (ROOT / path).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links to files of the tree into links to pages, or into the name of the file."""
    own = next(
        (path for path, name in PAGES.items() if name == page.file.src_uri), f"docs/{page.file.src_uri}"
    )

    def linked(match: re.Match[str]) -> str:
        image, text, target, anchor = match.groups()
        if "://" in target:
            return match[0]
        path = ((ROOT / own).parent / target).resolve().relative_to(ROOT).as_posix()
        if path.startswith("docs/") or path in PAGES:
            return f"{image}[{text}]({PAGES.get(path, path.removeprefix('docs/'))}{anchor or ''})"
        assert (ROOT / path).exists(), f"{own}: {path}"
        return text if path in text else f"{text} (`{path}`)"

    return LINK.sub(linked, markdown)
