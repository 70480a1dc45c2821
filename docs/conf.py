"""How Sphinx builds this documentation: `uv run sphinx-build -W --nitpicky -b html docs <folder>`."""

import atexit
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

import django

_BASE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(_BASE), str(_BASE / "docs" / "_ext")]
if "UNDERSIGNED_TEST_DIR" not in os.environ:  # the settings write keys: into a folder that is thrown away
    os.environ["UNDERSIGNED_TEST_DIR"] = tempfile.mkdtemp(prefix="us-docs-")
    atexit.register(shutil.rmtree, os.environ["UNDERSIGNED_TEST_DIR"], ignore_errors=True)
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()

_PROJECT = tomllib.loads((_BASE / "pyproject.toml").read_text(encoding="utf-8"))

project = "Undersigned"
author = "The contributors to Undersigned"
version = release = _PROJECT["project"]["version"]
language = "en"

extensions = ["myst_parser", "code_tables"]
exclude_patterns = ["_build"]
smartquotes_action = "qe"  # `--option` keeps its dashes
myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3  # every heading down to this level can be linked

html_theme = "furo"
html_title = f"Undersigned {release}"
html_static_path = ["_static"]
html_css_files = ["undersigned.css"]
html_copy_source = False  # the pages do not link to a second copy of their text
html_show_sourcelink = False
html_show_copyright = False  # the license is in LICENSE, once
