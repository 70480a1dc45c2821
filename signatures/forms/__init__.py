"""What was typed on a public page, cleaned; never a look at the database."""

from signatures.forms.personal import ChangeForm, ConfirmForm, MyLinkForm, OfSignature
from signatures.forms.readers import ListForm, ReportForm
from signatures.forms.signing import SignForm

__all__ = ["ChangeForm", "ConfirmForm", "ListForm", "MyLinkForm", "OfSignature", "ReportForm", "SignForm"]
