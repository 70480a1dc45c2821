"""The structure tree of a document as plain data, read from what Typst writes, to be written anew by `join_parts`.

An element is a list: its type, its other entries as PDF source by name, its kids. A kid is an element, a list of two
numbers (a page of the part, and a mark on it), or `Items`: many elements, each of which shows one mark.
"""

from typing import Any

import pikepdf

Element = list[Any]
Items = list[Any]  # of a list: other entries of the body of each as PDF source, the page, the first mark, how many
OWN = frozenset({"/S", "/K", "/P", "/Pg", "/Type"})


def read(pdf: pikepdf.Pdf) -> list[Element]:
    """Returns the elements at the top: below the one `Document`, if there is one."""
    pages: dict[Any, int] = {page.objgen: number for number, page in enumerate(pdf.pages)}
    root = pdf.Root.StructTreeRoot
    top = [kid for kid in _kids(root, None, pages) if len(kid) == 3]
    while len(top) == 1 and top[0][0] == "/Document":
        top = top[0][2]
    return top


def in_reading_order(top: list[Element]) -> list[Element]:
    """Returns the elements with each letter as a section, in which the board stands last.

    Letter and board come as quotes, one in the other. Those of the text come behind the heading, the board before it.
    """
    return [_section(element) if element[0] == "/BlockQuote" else element for element in top]


def _section(letter: Element) -> Element:
    kids = letter[2]
    heading = next((place for place, kid in enumerate(kids) if kid[0] == "/H1"), 0)
    board = [["/Sect", *kid[1:]] for kid in kids[:heading] if kid[0] == "/BlockQuote"]
    return ["/Sect", letter[1], [*(kid for kid in kids[:heading] if kid[0] != "/BlockQuote"), *kids[heading:], *board]]


def _kids(node: pikepdf.Object, page: int | None, pages: dict[Any, int]) -> list[Any]:
    found = node.get("/K")
    if found is None:
        return []
    kids: list[Any] = []
    for kid in found if isinstance(found, pikepdf.Array) else [found]:
        if type(kid) is int:  # type: ignore[comparison-overlap]  # pikepdf turns numbers into those of Python
            kids.append([page, kid])
        elif kid.get("/Type") == "/MCR":
            kids.append([pages[kid.Pg.objgen], int(kid.MCID)])
        elif kid.get("/Type") == "/OBJR":
            raise ValueError("a link or another annotation in the structure")  # none of our templates has one
        else:
            own_page = pages[kid.Pg.objgen] if "/Pg" in kid else page
            others = {key: _source(kid[key]) for key in sorted(kid.keys()) if key not in OWN}
            kids.append([str(kid.S), others, _kids(kid, own_page, pages)])
    return kids


def _source(value: Any) -> str:
    if isinstance(value, pikepdf.Object):
        return value.unparse(resolved=True).decode("latin-1")
    return pikepdf.Array([value]).unparse().decode("latin-1").strip("[] ")


def marks(element: Element) -> list[list[int]]:
    """Returns all marks below an element, in their order."""
    return [mark for kid in element[2] for mark in (marks(kid) if len(kid) == 3 else [kid])]


def renumber(kids: list[Any], numbers: list[dict[int, int]]) -> None:
    """Gives the marks their new numbers, which `numbers` has for each page."""
    for kid in kids:
        if len(kid) == 3:
            renumber(kid[2], numbers)
        else:
            kid[1] = numbers[kid[0]][kid[1]]
