"""English: readers see days and times as Django writes them; staff see what sorts, with the zone."""

from django.conf.locale.en import formats

from campaign.formats import TwoForms

DATE_FORMAT = TwoForms(formats.DATE_FORMAT, "Y-m-d")
DATETIME_FORMAT = TwoForms(formats.DATETIME_FORMAT, "Y-m-d H:i e")
