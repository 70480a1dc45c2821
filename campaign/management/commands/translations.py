"""Update and check the translation catalogs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Updates campaign/locale/*.po from the source (adds new strings untranslated, removes unused ones), compiles "
        "them, and lists what has to be translated. With --check nothing is written."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if there is a problem")
        parser.add_argument("language", nargs="*", help="such as ko; default: all but the default language")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from babel.messages.pofile import PoFileError  # noqa: PLC0415  as below

            from campaign.translations import catalogs  # noqa: PLC0415  needs Babel, which servers lack
        except ModuleNotFoundError:
            raise CommandError("This needs Babel, a development dependency: `uv sync` installs it.") from None
        if unknown := set(options["language"]) - set(catalogs.languages()):
            raise CommandError(f"Not a language of this site: {', '.join(sorted(unknown))}.")
        source, total = catalogs.extract_strings(), 0
        for language in options["language"] or catalogs.languages():
            try:
                if not options["check"]:
                    catalogs.update(language, source)
                found = catalogs.problems(language, source)
            except PoFileError as error:
                raise CommandError(f"{catalogs.po_file(language)} is broken: {error}") from None
            total += len(found)
            self.stdout.write("".join(f"{language}: {problem}\n" for problem in found), ending="")
            self.stdout.write(f"{language}: {len(source)} strings, {len(found)} problems")
        if options["check"] and total:
            raise CommandError(f"{total} problems have to be fixed.")
