"""Template filter: what kind of second factor a device is."""

from django import template

from signatures.staff import second_factor

register = template.Library()
register.filter("factor_kind", second_factor.factor_name)
