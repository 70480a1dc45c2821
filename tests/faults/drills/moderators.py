"""Run inside the settings of the site: moderators who are signed in."""

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client


def sessions(number: int) -> list[str]:
    """Makes so many moderators, where they are not there. Returns the cookie of a session of each."""
    cookies = []
    for each in range(number):
        user, _is_new = User.objects.get_or_create(username=f"drill-{each}", is_staff=True)
        user.groups.add(Group.objects.get(name="moderator"))
        client = Client()
        client.force_login(user)
        cookies.append(f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}")
    return cookies
