"""The HTML that embeds the signature count in another site."""

from django.utils.html import escape

# The sandbox allows nothing but opening the letter in a new window.
IFRAME = (
    '<iframe src="{}" title="{}" width="100%" height="{}" loading="lazy"'
    ' sandbox="allow-popups allow-popups-to-escape-sandbox" style="border:0;max-width:40rem"></iframe>'
)
IFRAME_HEIGHT = 320  # pixels; room for a title of three lines on a phone


def embed_code(address: str, title: str) -> str:
    """Returns the HTML to paste into another page, as a plain string: escape it where it is shown as text."""
    return IFRAME.format(escape(address), escape(title), IFRAME_HEIGHT)
