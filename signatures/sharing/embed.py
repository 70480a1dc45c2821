"""The HTML that embeds the signature count in another site."""

from django.utils.html import escape

# In its sandbox the frame can do nothing but open the letter in a window of its own.
IFRAME = (
    '<iframe src="{}" title="{}" width="100%" height="{}" loading="lazy"'
    ' sandbox="allow-popups allow-popups-to-escape-sandbox" style="border:0;max-width:40rem"></iframe>'
)


IFRAME_HEIGHT = 320  # of a title in three lines, on a phone


def embed_code(address: str, title: str) -> str:
    """What somebody pastes into a page of theirs: a plain string, to be escaped once more where it is shown as text."""
    return IFRAME.format(escape(address), escape(title), IFRAME_HEIGHT)
