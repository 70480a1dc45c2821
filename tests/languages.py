"""The languages of the site, and what stands before its addresses in them."""

from tests import settings  # without Django: the tools of the browser run it in processes of their own

CODES = [code for code, _name in settings.LANGUAGES]
PREFIXES = ["" if code == settings.LANGUAGE_CODE else f"/{code}" for code in CODES]
# A site that has no catalog for French and Arabic, for tests of letters in languages without one.
FEW = [entry for entry in settings.LANGUAGES if entry[0] in {"en", "ko", "zh-hans", "zh-hant"}]
