"""Rows: tasks and their sources, readers of original files, the Hub, translations, images, languages."""
