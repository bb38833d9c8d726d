"""Templates, and how they are filled in: pages of HTML, LaTeX, Markdown.

All text in a page is escaped by jinja2; LaTeX and Markdown have filters for that. Tags in LaTeX have signs
that it does not need itself.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

Filters = Mapping[str, Callable[..., Any]]
_LATEX: dict[str, Any] = {
    "block_start_string": "<%",
    "block_end_string": "%>",
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def fill(template: str, filters: Filters, package: str = "xstilts.report", **values: Any) -> str:
    """Fill in a template of a package; how it is written is told by the name: `.html.jinja`, `.tex.jinja`."""
    is_page = template.endswith(".html.jinja")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (files(package) / name).read_text("utf-8")),
        autoescape=is_page,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=not is_page,
        undefined=jinja2.StrictUndefined,
        **(_LATEX if template.endswith(".tex.jinja") else {}),
    )
    environment.filters |= filters
    return environment.get_template(template).render(values)


def asset(name: str) -> str:
    """A file that lies beside the templates: style, script, words."""
    return (files("xstilts.report") / name).read_text("utf-8")


def page_parts() -> dict[str, str]:
    """Style and script of pages, and the policy that lets in no others: they are known by their hashes."""
    parts = {"style": asset("page.css"), "script": asset("page.js")}
    own = [
        f"{name}-src 'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for name, text in parts.items()
    ]
    policy = "; ".join(["default-src 'none'", *own, "base-uri 'none'", "form-action 'none'"])
    return {name: Markup(text) for name, text in parts.items()} | {"policy": policy}
