"""The pages of the documentation, as text."""

from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
DOCS = BASE / "docs"


def page(name: str) -> str:
    """The source of one page, such as "reference/settings.md"."""
    return (DOCS / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Every page, without what was built from them."""
    return sorted(file for file in DOCS.rglob("*.md") if "_build" not in file.parts)
