"""Remove the second factor of an account whose owner lost it."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from signatures.staff import second_factor


class Command(BaseCommand):
    help = (
        "Removes the second factor and the recovery codes of an account, and ends its sessions. Writes an audit entry."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name of the account")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(username=options["name"]).first()
        if person is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        if not second_factor.is_enrolled(person.pk):
            raise CommandError(f"{options['name']} has no second factor.")
        second_factor.reset(person)
        self.stdout.write(f"{options['name']} sets up a new second factor at the next login.")
