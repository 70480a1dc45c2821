"""Keep the catalogs of the languages in step with the source."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "Brings campaign/locale/*.po in step with the source (new strings come in empty, gone ones go), compiles them, "
        "and tells what is to be translated. With --check nothing is written."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail where something is amiss")
        parser.add_argument("language", nargs="*", help="such as ko; default: all but English")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from babel.messages.pofile import PoFileError

            from campaign.translations import catalogs
        except ModuleNotFoundError:
            raise CommandError("This needs Babel, a tool of developers: `uv sync` installs it.") from None
        if strangers := set(options["language"]) - set(catalogs.languages()):
            raise CommandError(f"Not a language of this site: {', '.join(sorted(strangers))}.")
        source, amiss = catalogs.extract_strings(), 0
        for language in options["language"] or catalogs.languages():
            try:
                if not options["check"]:
                    catalogs.update(language, source)
                found = catalogs.problems(language, source)
            except PoFileError as error:
                raise CommandError(f"{catalogs.po_file(language)} is broken: {error}") from None
            amiss += len(found)
            self.stdout.write("".join(f"{language}: {problem}\n" for problem in found), ending="")
            self.stdout.write(f"{language}: {len(source)} strings, {len(found)} to mend")
        if options["check"] and amiss:
            raise CommandError(f"{amiss} strings are to be mended.")
