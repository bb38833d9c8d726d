"""Renderings of the findings: the page, LaTeX, Markdown, tables, charts. Computes nothing."""
