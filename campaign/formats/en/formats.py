"""English: readers see days and times as Django writes them; staff see what sorts, with the zone."""

from campaign.formats import TwoForms

DATE_FORMAT = TwoForms("N j, Y", "Y-m-d")
DATETIME_FORMAT = TwoForms("N j, Y, P", "Y-m-d H:i e")
