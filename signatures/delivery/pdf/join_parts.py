"""The short-lived process that joins the parts of a document: page numbers, bookmarks, one set of metadata.

The same parts give the same bytes.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import pikepdf
from pikepdf import OutlineItem

from campaign.runtime.regular_expressions import linear

PAGES = linear(rb"(<xmpTPg:NPages>)\d+")
DOCUMENT_ID = linear(rb"<xmpMM:DocumentID>([^<]+)<")


def join(folder: Path) -> dict[str, Any]:
    """Makes `made.pdf` from the parts named in `plan.json`. Title, language and metadata are those of the first."""
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    parts = [(part, pikepdf.open(folder / part["folder"] / "made.pdf")) for part in plan["parts"]]
    items, whole = bookmarks(parts), parts[0][1]
    ids = b"".join(DOCUMENT_ID.findall(pdf.Root.Metadata.read_bytes())[0] for _part, pdf in parts)
    for _part, pdf in parts[1:]:
        whole.pages.extend(pdf.pages)
    with pikepdf.open(folder / "numbers" / "made.pdf") as numbers:
        for page, number in zip(whole.pages, numbers.pages, strict=True):
            lay_over(whole, page, number)
        with whole.open_outline() as outline:
            outline.root[:] = items
        describe(whole, ids, claims_standard=plan["claims_standard"])
        generate = pikepdf.ObjectStreamMode.generate
        whole.save(folder / "made.pdf", object_stream_mode=generate, deterministic_id=True)
        return {"pages": len(whole.pages)}


def lay_over(whole: pikepdf.Pdf, page: pikepdf.Page, number: pikepdf.Page) -> None:
    """Does what `Page.add_overlay` does, which chooses a name at random."""
    form = whole.copy_foreign(number.as_form_xobject())
    page.add_resource(form, pikepdf.Name.XObject, pikepdf.Name.PageNumber)
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(b"\nQ q /PageNumber Do Q")


def bookmarks(parts: list[tuple[dict[str, Any], pikepdf.Pdf]]) -> list[OutlineItem]:
    """Returns the bookmarks of all parts, by page of the whole. Those of a continuing part go below the last one."""
    items: list[OutlineItem] = []
    pages_before = 0
    for part, pdf in parts:
        with pdf.open_outline() as outline:
            found = [moved(item, pages_before) for item in outline.root]
        if part["continues"]:
            items[-1].children.extend(found)
        else:
            items += found
        pages_before += len(pdf.pages)
    return items


def moved(item: OutlineItem, pages_before: int) -> OutlineItem:
    page, _how, left, top, _zoom = item.destination  # type: ignore[misc]  # typst writes it so
    new = OutlineItem(item.title, pages_before + pikepdf.Page(page).index, "XYZ", left=float(left), top=float(top))
    new.children.extend(moved(child, pages_before) for child in item.children)
    return new


def describe(whole: pikepdf.Pdf, ids: bytes, *, claims_standard: bool) -> None:
    """Corrects the metadata of the first part for the whole; deletes it if a part does not meet the standard."""
    if not claims_standard:
        del whole.Root.Metadata
        return
    metadata = whole.Root.Metadata.read_bytes()
    new_id = base64.b64encode(hashlib.sha256(ids).digest()[:16])
    metadata = PAGES.sub(rb"\g<1>%d" % len(whole.pages), metadata).replace(DOCUMENT_ID.findall(metadata)[0], new_id)
    whole.Root.Metadata.write(metadata)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(join(Path(sys.argv[1]))))
