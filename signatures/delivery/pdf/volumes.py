"""A document in volumes: files that can each be bound, with a cover and page numbers of their own.

Parts are typeset once and divided among the volumes when their pages are known; only then a cover can say of how many
volumes it is one. No part is cut: a volume may have fewer pages than allowed.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from signatures.delivery.pdf.document import Entry, Volume, volume_path
from signatures.delivery.pdf.processes import PdfFailed
from signatures.delivery.pdf.typesetting import Part, Result, Typesetting

COVER = 1  # page


class VolumeTypesetting(Typesetting):
    """Leaves `made.pdf` in a folder for each volume."""

    def run(self, entries: Iterable[Entry]) -> Result:
        standards = self._typeset(self._processes(entries))
        divided = divide(self.parts, self.input.options.volume_pages)
        self.volumes: list[Volume] = []
        named = 0
        for number, parts in enumerate(divided, start=1):
            names = sum(part["names"] for part in parts)
            volume = Volume(
                pages=COVER + sum(part["pages"] for part in parts),
                first=named + 1 if names else 0,
                last=named + names if names else 0,
            )
            named += names
            self.volumes.append(volume)
            self._write_volume(number, len(divided), volume, parts, standards)
        return {"pages": sum(volume.pages for volume in self.volumes), "standards": standards, "volumes": self.volumes}

    def files(self, out: Path) -> Iterator[tuple[Path, Path]]:
        for number in range(1, len(self.volumes) + 1):
            yield self.folder / _name(number) / "made.pdf", volume_path(out, number)

    def _write_volume(self, number: int, volumes: int, volume: Volume, parts: list[Part], standards: list[str]) -> None:
        folder = self._make_folder(_name(number))
        cover = folder / "cover"
        cover.mkdir()
        words = self.input.volume_words(number, volumes, volume)
        self.input.write_volume_cover(cover, volume, words)
        made = self._result_of(self.start_part(cover, 0, continues=False))
        first: Part = {"folder": "cover", "names": 0, "continues": False, **made}
        beside = [part | {"folder": f"../{part['folder']}"} for part in parts]
        kept = [standard for standard in standards if standard in made["standards"]]
        self._join(folder, [first, *beside], kept, numbered=True, words=words)


def _name(number: int) -> str:
    return f"volume-{number:05d}"


def divide(parts: list[Part], pages: int) -> list[list[Part]]:
    """Returns the parts of each volume, which has at most so many pages with its cover.

    Raises:
        PdfFailed: one part alone has more.
    """
    volumes: list[list[Part]] = []
    left = 0
    for part in parts:
        if part["pages"] + COVER > pages:
            raise PdfFailed(f"names that are typeset together fill {part['pages']} pages; a volume may have {pages}")
        if part["pages"] > left:
            volumes.append([])
            left = pages - COVER
        volumes[-1].append(part)
        left -= part["pages"]
    return volumes
