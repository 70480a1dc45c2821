"""Writes a document from its parts: pages, structure, bookmarks, one set of metadata.

One part is open at a time, and each object is written at once. The same parts give the same bytes.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pikepdf

from campaign.runtime.regular_expressions import linear
from signatures.delivery.typesetter import structure
from signatures.delivery.typesetter.pdf_file import Copier, PdfFile
from signatures.delivery.typesetter.structure import Element

PAGES = linear(rb"(<xmpTPg:NPages>)\d+")
DOCUMENT_ID = linear(rb"<xmpMM:DocumentID>([^<]+)<")
LEAF = 64  # pages in one leaf of a tree
NUMBERED_TOGETHER = 1_000  # pages whose numbers are typeset in one process
ROLES = b"<</Datetime/Span/Em/Span/Strong/Span/Terms/Part/Title/P>>"  # Typst's types beside those of the standard
OF_THE_WHOLE = frozenset({"/Type", "/Pages", "/Outlines", "/StructTreeRoot", "/Metadata"})
OF_A_PAGE = frozenset({"/Parent", "/StructParents", "/Resources"})  # what is written anew
BOOKMARK = "<</Title %s/Parent %d 0 R/Dest[%d 0 R/XYZ %g %g null]"


@dataclass
class Bookmark:
    title: str
    page: int  # from 0
    left: float
    top: float
    children: list["Bookmark"] = field(default_factory=list)


class Joining:
    """Writes `made.pdf` from the parts named in `plan.json`. Title, language and metadata are those of the first."""

    def __init__(self, folder: Path, plan: dict[str, Any]) -> None:
        self.folder, self.plan = folder, plan
        self.file = PdfFile(folder / "made.pdf")
        self.root, self.info, self.page_tree, self.tree, self.document = (self.file.number() for _ in range(5))
        self.pages: list[int] = []
        self.nodes: list[int] = []  # of the page tree, each with as many pages as a leaf has
        self.mark_lists: list[int] = []  # for each page the elements by their marks
        self.top: list[int] = []  # the elements below the document
        self.identified: list[tuple[str, int]] = []
        self.bookmarks: list[Bookmark] = []
        self.ids = b""
        self.catalog, self.metadata = b"", b""

    def run(self) -> int:
        """Returns the number of pages."""
        for part in self.plan["parts"]:
            with pikepdf.open(self.folder / part["folder"] / "made.pdf") as pdf:
                copier = Copier(pdf, self.file)
                if not self.pages:
                    self._take_catalog(pdf, copier)
                if "/Metadata" in pdf.Root:
                    self.ids += DOCUMENT_ID.findall(pdf.Root.Metadata.read_bytes())[0]
                found = bookmarks(pdf, len(self.pages))
                (self.bookmarks[-1].children if part["continues"] else self.bookmarks).extend(found)
                first = len(self.pages)
                self._write_pages(pdf, copier)
            tree = json.loads((self.folder / part["folder"] / "structure.json").read_text(encoding="utf-8"))
            self._write_structure(tree, first, copier)
        self._close()
        return len(self.pages)

    def _take_catalog(self, pdf: pikepdf.Pdf, copier: Copier) -> None:
        entries = {key: value for key, value in pdf.Root.items() if key not in OF_THE_WHOLE}
        self.catalog = copier.source(pikepdf.Dictionary(entries))[2:-2]
        self.file.write(self.info, copier.source(pikepdf.Dictionary(dict(pdf.trailer.Info.items()))))
        if self.plan["claims_standard"]:
            self.metadata = pdf.Root.Metadata.read_bytes()

    def _write_pages(self, pdf: pikepdf.Pdf, copier: Copier) -> None:
        for page in pdf.pages:
            place = len(self.pages)
            if place % LEAF == 0:
                self.nodes.append(self.file.number())
            self.pages.append(self.file.number())
            kept = {key: value for key, value in page.obj.items() if key not in OF_A_PAGE}
            source = copier.source(pikepdf.Dictionary(kept))[2:-2] + self._resources(page, place, copier)
            own = b"<<%s/Parent %d 0 R/StructParents %d>>" % (source, self.nodes[-1], place)
            self.file.write(self.pages[-1], own)

    def _resources(self, page: pikepdf.Page, place: int, copier: Copier) -> bytes:
        """Returns the resources of a page, with its number, which its content draws already (`tag_names`)."""
        others = dict(page.Resources.items())
        forms = copier.source(pikepdf.Dictionary(dict(others.pop("/XObject", {}).items())))[2:-2]
        if self.plan["has_numbers"]:
            forms += b"/PageNumber %d 0 R" % self._write_number(place)
        source = copier.source(pikepdf.Dictionary(others))[2:-2]
        return b"/Resources<<%s/XObject<<%s>>>>" % (source, forms)

    def _write_number(self, place: int) -> int:
        """Writes the number of a page as a form, and returns where. What draws it is copied once for many pages."""
        chunk, number = divmod(place, NUMBERED_TOGETHER)
        if number == 0:
            pdf = pikepdf.open(self.folder / f"numbers-{chunk:05d}" / "raw.pdf")
            self.numbers, self.number_pages = Copier(pdf, self.file), list(pdf.pages)
        page = self.number_pages[number]
        box, resources = self.numbers.source(page.mediabox), self.numbers.source(page.Resources)
        form = b"/Type/XObject/Subtype/Form/BBox %s/Resources %s" % (box, resources)
        return self.numbers.copy_stream(page.Contents, self.file.number(), form)

    def _write_structure(self, tree: list[Element], first: int, copier: Copier) -> None:
        on_pages: list[dict[int, int]] = [{} for _ in self.pages[first:]]
        for element in tree:
            self.top.append(self._write_element(element, self.document, first, on_pages, copier))
        for marks in on_pages:
            self.mark_lists.append(self.file.number())
            self.file.write(self.mark_lists[-1], references([marks[mark] for mark in range(len(marks))]))

    def _write_element(
        self, element: Element, parent: int, first: int, on_pages: list[dict[int, int]], copier: Copier
    ) -> int:
        kind, others, kids = element
        number = self.file.number()
        page = next((kid[0] for kid in kids if len(kid) == 2), None)
        sources: list[bytes] = []
        for kid in kids:
            if len(kid) == 3:
                sources.append(b"%d 0 R" % self._write_element(kid, number, first, on_pages, copier))
                continue
            if len(kid) == 4:
                sources += self._write_items(kid, number, first, on_pages)
                continue
            on_pages[kid[0]][kid[1]] = number
            is_here = kid[0] == page
            at = self.pages[first + kid[0]]
            sources.append(b"%d" % kid[1] if is_here else b"<</Type/MCR/Pg %d 0 R/MCID %d>>" % (at, kid[1]))
        own = "".join(f"{key} {source}" for key, source in others.items()).encode("latin-1")
        if "/ID" in others:
            self.identified.append((others["/ID"], number))
        at_page = b"" if page is None else b"/Pg %d 0 R" % self.pages[first + page]
        inside = sources[0] if len(sources) == 1 else b"[%s]" % b" ".join(sources)
        source = b"<</S%s/P %d 0 R%s/K %s%s>>" % (kind.encode(), parent, at_page, inside, copier.renumbered(own))
        self.file.write(number, source)
        return number

    def _write_items(
        self, items: structure.Items, parent: int, first: int, on_pages: list[dict[int, int]]
    ) -> list[bytes]:
        """Writes two elements for each item, and returns the references to the items."""
        others, page, mark, amount = items
        number = self.file.number(2 * amount)
        at, more = self.pages[first + page], others.encode("latin-1")
        for item, inside in zip(range(number, number + 2 * amount, 2), range(mark, mark + amount), strict=True):
            self.file.write(item + 1, b"<</S/LBody/P %d 0 R/Pg %d 0 R/K %d%s>>" % (item, at, inside, more))
            self.file.write(item, b"<</S/LI/P %d 0 R/K %d 0 R>>" % (parent, item + 1))
        bodies = range(number + 1, number + 2 * amount, 2)
        on_pages[page].update(zip(range(mark, mark + amount), bodies, strict=True))
        return [b"%d 0 R" % item for item in range(number, number + 2 * amount, 2)]

    def _close(self) -> None:
        file, pages = self.file, self.pages
        for node, start in zip(self.nodes, range(0, len(pages), LEAF), strict=True):
            kids = references(pages[start : start + LEAF])
            amount = len(pages[start : start + LEAF])
            file.write(node, b"<</Type/Pages/Parent %d 0 R/Count %d/Kids %s>>" % (self.page_tree, amount, kids))
        file.write(self.page_tree, b"<</Type/Pages/Count %d/Kids %s>>" % (len(pages), references(self.nodes)))
        file.write(
            self.document,
            b"<</S/Document/P %d 0 R/K %s>>" % (self.tree, references(self.top)),
        )
        identifiers = "".join(f"{name}{number} 0 R" for name, number in sorted(self.identified)).encode("latin-1")
        file.write(
            self.tree,
            b"<</Type/StructTreeRoot/K %d 0 R/RoleMap%s/ParentTree %d 0 R/ParentTreeNextKey %d%s>>"
            % (
                self.document, ROLES, self._write_parent_tree(), len(pages),
                b"/IDTree<</Names[%s]>>" % identifiers if identifiers else b"",
            ),
        )  # fmt: skip
        outlines = b"/Outlines %d 0 R" % self._write_outlines() if self.bookmarks else b""
        metadata = b"/Metadata %d 0 R" % self._write_metadata() if self.metadata else b""
        file.write(
            self.root,
            b"<</Type/Catalog/Pages %d 0 R/StructTreeRoot %d 0 R%s%s%s>>"
            % (self.page_tree, self.tree, outlines, metadata, self.catalog),
        )
        file.close(self.root, self.info)

    def _write_parent_tree(self) -> int:
        leaves: list[int] = []
        for start in range(0, len(self.mark_lists), LEAF):
            lists = self.mark_lists[start : start + LEAF]
            pairs = b" ".join(b"%d %d 0 R" % (start + place, number) for place, number in enumerate(lists))
            leaves.append(self.file.number())
            limits = b"/Limits[%d %d]" % (start, start + len(lists) - 1)
            self.file.write(leaves[-1], b"<<%s/Nums[%s]>>" % (limits, pairs))
        number = self.file.number()
        self.file.write(number, b"<</Kids %s>>" % references(leaves))
        return number

    def _write_outlines(self) -> int:
        number = self.file.number()
        first, last = self._write_bookmarks(self.bookmarks, number)
        amount = len(self.bookmarks)
        self.file.write(number, b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>" % (first, last, amount))
        return number

    def _write_bookmarks(self, items: list[Bookmark], parent: int) -> tuple[int, int]:
        """Returns the numbers of the first and of the last. What is below them is folded."""
        first = self.file.number(len(items))
        for place, item in enumerate(items):
            title = pikepdf.String(item.title).unparse().decode("latin-1")
            source = BOOKMARK % (title, parent, self.pages[item.page], item.left, item.top)
            source += f"/Prev {first + place - 1} 0 R" if place else ""
            source += f"/Next {first + place + 1} 0 R" if place + 1 < len(items) else ""
            if item.children:
                ends = self._write_bookmarks(item.children, first + place)
                source += f"/First {ends[0]} 0 R/Last {ends[1]} 0 R/Count {-len(item.children)}"
            self.file.write(first + place, source.encode("latin-1") + b">>")
        return first, first + len(items) - 1

    def _write_metadata(self) -> int:
        """Writes the metadata of the first part, corrected for the whole."""
        metadata = PAGES.sub(rb"\g<1>%d" % len(self.pages), self.metadata)
        if len(self.plan["parts"]) > 1:
            new_id = base64.b64encode(hashlib.sha256(self.ids).digest()[:16])
            metadata = metadata.replace(DOCUMENT_ID.findall(metadata)[0], new_id)
        number = self.file.number()
        self.file.write_stream(number, b"/Type/Metadata/Subtype/XML", metadata)
        return number


def references(numbers: list[int]) -> bytes:
    return b"[%s]" % b" ".join(b"%d 0 R" % number for number in numbers)


def bookmarks(pdf: pikepdf.Pdf, pages_before: int) -> list[Bookmark]:
    """Returns the bookmarks of a part, by page of the whole."""
    with pdf.open_outline() as outline:
        return [_moved(item, pages_before) for item in outline.root]


def _moved(item: pikepdf.OutlineItem, pages_before: int) -> Bookmark:
    page, _how, left, top, _zoom = item.destination  # type: ignore[misc]  # typst writes it so
    place = pages_before + pikepdf.Page(page).index
    children = [_moved(child, pages_before) for child in item.children]
    return Bookmark(item.title, place, float(left), float(top), children)


def join(folder: str) -> dict[str, Any]:
    plan = json.loads(Path(folder, "plan.json").read_text(encoding="utf-8"))
    return {"pages": Joining(Path(folder), plan).run()}
