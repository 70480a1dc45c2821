"""The typefaces of the PDF: the families of each script (`families.toml`), and where their files are found.

Noto that the operating system has is found by itself. The fonts that come with this program are the fallback, and what
stands in `FONT_DIRS` goes before both. A family outside the table is used only from `FONT_DIRS`, for characters that
nothing else draws: so no script is set in whatever comes first in the alphabet (Hebrew in Rashi, Arabic in Kufi).
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import typst
from fontTools.unicodedata import script, script_name

from signatures.delivery.pdf.character_maps import code_points

LATIN, CJK = "Noto Sans", "Noto Sans CJK"
CJK_FACES = {"ja": "JP", "ko": "KR", "zh-hant": "TC", "zh-tw": "TC", "zh-hk": "HK", "zh-mo": "HK"}
SYMBOLS = (
    "Noto Sans Symbols", "Noto Sans Symbols2", "Noto Sans Symbols 2", "Noto Sans Math", "Noto Music",
    "Noto Emoji",  # last: it would take the digits
)  # fmt: skip
TABLE = tomllib.loads(Path(__file__).with_name("families.toml").read_text(encoding="utf-8"))
NOTO_PACKAGE, NO_PACKAGE = "fonts-noto-core", "none"

BUNDLED = ("manimgx_fonts", "manimgx_fonts_cjk")
SYSTEM_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local" / "share" / "fonts",
    Path("/Library/Fonts"),
)
FILE_NAMES = ("Noto", "HanaMin", "BabelStoneHan")  # how the files of the table's families begin
WEIGHTS, NORMAL_WIDTH = frozenset({400, 600, 700}), 1.0  # what the templates use, of the dozens that Noto has
FOLDER = "fonts"  # beside the templates: links to the files that Typst is to read

Face = tuple[str, int]  # a file, and the number of the face within it
Faces = Mapping[str, frozenset[Face]]  # by family


def families_of(code: str) -> list[str]:
    """Returns the families of a script in the order in which they draw it, or an empty list."""
    return [family for scripts in TABLE.values() for family in scripts.get(code, ())]


def table_in_order() -> list[str]:
    return [family for scripts in TABLE.values() for families in scripts.values() for family in families]


@cache
def families_in(folders: tuple[Path, ...]) -> dict[str, frozenset[Face]]:
    """Returns the font families in these folders, each with its files and the face within the file."""
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=list(folders)).fonts()
    usual: dict[str, set[Face]] = {}
    unusual: dict[str, set[Face]] = {}  # a family that has no usual face is a variable font, or an only child
    for font in fonts:
        if font.path:
            is_usual = font.weight in WEIGHTS and font.stretch == NORMAL_WIDTH
            (usual if is_usual else unusual).setdefault(font.family, set()).add((font.path, font.index))
    return {family: frozenset(faces) for family, faces in {**unusual, **usual}.items()}


@cache
def drawable(faces: frozenset[Face]) -> frozenset[int]:
    """Returns the code points that one of these faces can draw."""
    return _code_points(faces)


def _code_points(faces: frozenset[Face]) -> frozenset[int]:
    points: set[int] = set()
    for path, index in faces:
        points |= code_points(path, index)
    return frozenset(points)


@cache
def system_folders() -> tuple[Path, ...]:
    """Returns the folders of the operating system that hold files of the table's families."""
    found = {
        file.parent
        for root in SYSTEM_FOLDERS
        if root.is_dir()
        for file in root.rglob("*.[to]t[fc]")
        if file.name.startswith(FILE_NAMES)
    }
    return tuple(sorted(found))


def bundled_folders() -> tuple[Path, ...]:
    return tuple(Path(str(files(package))) for package in BUNDLED)


@cache
def faces_at_hand(extra: tuple[Path, ...]) -> Faces:
    """Returns each family that may be used, with its files. What each draws is read only once it is asked for.

    They are those of the operator's folders, else of the system or of the bundle, whichever draws more characters:
    Debian's Noto is of 2020.
    """
    known = {*table_in_order(), *SYMBOLS}
    chosen: dict[str, frozenset[Face]] = {}
    for source in (families_in(system_folders()), families_in(bundled_folders())):
        for name, faces in source.items():
            if name not in known and not name.startswith(f"{CJK} "):
                continue
            if name not in chosen or len(_code_points(faces)) > len(_code_points(chosen[name])):
                chosen[name] = faces
    return chosen | (families_in(extra) if extra else {})


def by_preference(families: Iterable[str], language: str) -> list[str]:
    """Returns Noto Sans, then the one CJK face that suits the language, then each script's own, then all others."""
    tag = language.lower()
    face = f"{CJK} {next((CJK_FACES[start] for start in CJK_FACES if tag.startswith(start)), 'SC')}"
    table = list(dict.fromkeys((LATIN, face, *table_in_order(), *SYMBOLS)))
    ranks = {name: rank for rank, name in enumerate(table)}
    wanted = (name for name in families if name == face or not name.startswith(f"{CJK} "))
    return sorted(wanted, key=lambda name: (ranks.get(name, len(table)), name))


def script_name_of(char: str) -> str:
    """Returns the English name of the script of a character."""
    return str(script_name(script(char))).replace("_", " ")


def package_for(char: str, faces: Faces) -> str:
    """Returns the Debian package that may help with a character which no face at hand draws, or an empty text.

    It is the first that has a family of its script and is not there.
    """
    code = script(char)
    for package, scripts in TABLE.items():
        families = scripts.get(code, ())
        at_hand = any(name in families or (CJK in families and name.startswith(f"{CJK} ")) for name in faces)
        if families and not at_hand:
            return "" if package == NO_PACKAGE else package
    return "" if families_of(code) or any(name in faces for name in SYMBOLS[1:4]) else NOTO_PACKAGE


def link_fonts(families: Sequence[str], faces: Faces, folder: Path) -> None:
    """Makes a folder with links to the files of these families: Typst reads every file that it is pointed to."""
    folder.mkdir(exist_ok=True)
    paths = dict.fromkeys(path for family in families for path, _index in sorted(faces[family]))
    for number, path in enumerate(paths):
        link = folder / f"{number:03d}-{Path(path).name}"
        link.unlink(missing_ok=True)
        link.symlink_to(path)
