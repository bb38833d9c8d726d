"""The site has every page of docs/, builds without a complaint, and loads nothing from elsewhere."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SETTINGS: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())


def pages(nav: Any) -> Iterator[str]:
    """The pages of a part of the navigation, in order."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav if isinstance(nav, list) else nav.values():
            yield from pages(part)


def test_every_page_is_in_the_navigation() -> None:
    """Otherwise: give it a line in `nav` of mkdocs.yml."""
    shown = list(pages(SETTINGS["nav"]))
    assert len(shown) == len(set(shown))
    hooks = (ROOT / "docs" / "hooks.py").read_text()
    added = re.findall(r'^    "(.+)": "(.+\.md)",$', hooks, re.MULTILINE)
    assert all((ROOT / path).exists() for path, _ in added)
    there = {path.name for path in (ROOT / "docs").glob("*.md")} | {page for _, page in added}
    assert there - set(shown) == set(), "pages without a line in `nav` of mkdocs.yml"
    assert set(shown) - there == set(), "lines in `nav` of mkdocs.yml without a page"


@pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="needs the extra docs")
def test_the_site_builds_and_loads_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    html = {path.name: path.read_text() for path in tmp_path.glob("*.html")}
    assert {page.replace(".md", ".html") for page in pages(SETTINGS["nav"])} <= set(html)
    for name, text in html.items():
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=\"([^\"]*)\"", text)
        loaded += re.findall(r"<link[^>]*\bhref=\"([^\"]*)\"", text)
        assert not [address for address in loaded if "//" in address], name
    assert "Look for everything that is wrong or missing" in html["api.html"]
