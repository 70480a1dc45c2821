"""How Sphinx builds this documentation: `uv run sphinx-build -W --nitpicky -b html docs <folder>`."""

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))

project = "Undersigned"
author = "The contributors to Undersigned"
version = release = _PROJECT["project"]["version"]
language = "en"

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3  # every heading down to this level can be linked

html_theme = "furo"
html_title = f"Undersigned {release}"
html_static_path = ["_static"]
html_css_files = ["undersigned.css"]
html_copy_source = False  # the pages do not link to a second copy of their text
html_show_sourcelink = False
html_show_copyright = False  # the license is in LICENSE, once
