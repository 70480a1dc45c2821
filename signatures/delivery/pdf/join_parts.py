"""The short-lived process that joins sets of pages: page numbers, bookmarks, one set of metadata, the same bytes."""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import OutlineItem

PAGES = re.compile(rb"(<xmpTPg:NPages>)\d+")
ID = re.compile(rb"<xmpMM:DocumentID>([^<]+)<")


def join(folder: Path) -> dict[str, Any]:
    """Make `made.pdf` of the sets named in `plan.json`; title, language and metadata are those of the first."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    parts = [(part, pikepdf.open(folder / part["folder"] / "made.pdf")) for part in plan["parts"]]
    marks, whole = bookmarks(parts), parts[0][1]
    ids = b"".join(ID.findall(pdf.Root.Metadata.read_bytes())[0] for _part, pdf in parts)
    for _part, pdf in parts[1:]:
        whole.pages.extend(pdf.pages)
    with pikepdf.open(folder / "numbers" / "made.pdf") as numbers:
        for page, number in zip(whole.pages, numbers.pages, strict=True):
            lay_over(whole, page, number)
        with whole.open_outline() as outline:
            outline.root[:] = marks
        describe(whole, ids, sealed=plan["sealed"])
        generate = pikepdf.ObjectStreamMode.generate
        whole.save(folder / "made.pdf", object_stream_mode=generate, deterministic_id=True)
        return {"pages": len(whole.pages)}


def lay_over(whole: pikepdf.Pdf, page: pikepdf.Page, number: pikepdf.Page) -> None:
    """As `Page.add_overlay`, which chooses a name at random."""
    form = whole.copy_foreign(number.as_form_xobject())
    page.add_resource(form, pikepdf.Name.XObject, pikepdf.Name.PageNumber)
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(b"\nQ q /PageNumber Do Q")


def bookmarks(parts: list[tuple[dict[str, Any], pikepdf.Pdf]]) -> list[OutlineItem]:
    """Those of all parts, by page of the whole; a part that continues hangs under what it continues."""
    marks: list[OutlineItem] = []
    before = 0
    for part, pdf in parts:
        with pdf.open_outline() as outline:
            found = [moved(item, before) for item in outline.root]
        if part["continues"]:
            marks[-1].children.extend(found)
        else:
            marks += found
        before += len(pdf.pages)
    return marks


def moved(item: OutlineItem, before: int) -> OutlineItem:
    page, _how, left, top, _zoom = item.destination  # type: ignore[misc]  # typst writes it so
    new = OutlineItem(item.title, before + pikepdf.Page(page).index, "XYZ", left=float(left), top=float(top))
    new.children.extend(moved(child, before) for child in item.children)
    return new


def describe(whole: pikepdf.Pdf, ids: bytes, *, sealed: bool) -> None:
    """The metadata of the first set, made true of the whole; without its seal when a set has none."""
    if not sealed:
        del whole.Root.Metadata
        return
    told = whole.Root.Metadata.read_bytes()
    new = base64.b64encode(hashlib.sha256(ids).digest()[:16])
    told = PAGES.sub(rb"\g<1>%d" % len(whole.pages), told).replace(ID.findall(told)[0], new)
    whole.Root.Metadata.write(told)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(join(Path(sys.argv[1]))))
