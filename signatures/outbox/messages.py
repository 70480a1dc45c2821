"""The message of each kind of email in the outbox, built when it is sent."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils import translation
from django.utils.crypto import salted_hmac

from campaign.letters import reading, text_cache
from signatures.models import EmailSubject, OutboxMail, Signature, Submission
from signatures.outbox import rendering, topics
from signatures.registries import AlarmCode
from signatures.values import tokens

type Subjects = Mapping[tuple[str, str], str]  # by the name of the email and language

# Makes the link in an email to a member of staff, when the email is sent. `signatures.staff` registers one for each
# kind at start, because the pages that the links lead to are not known here.
staff_links: dict[OutboxMail.Kind, Callable[[User], str]] = {}


def build(
    mail: OutboxMail, submission: Submission | None, address: str, subjects: Subjects
) -> EmailMultiAlternatives | None:
    """Builds the message. Returns None if there is nothing to say, or nobody to say it to, any more.

    Args:
        mail: the row of the outbox.
        submission: what it is about, as long as that is not confirmed; its signature is `mail.signature`.
        address: the email address.
        subjects: those that staff chose.
    """
    message = _build(mail, submission, address, subjects)
    if message:
        # The same at each attempt, so that a mailbox can tell a repetition: a worker may be killed before it has read
        # that the email was taken. The domain is our host: Django would publish the name of this machine.
        digest = salted_hmac("outbox", f"{mail.pk} {mail.queued_at.timestamp()}", algorithm="sha256").hexdigest()
        message.extra_headers["Message-ID"] = f"<{digest[:40]}@{settings.SITE.hostname}>"
    return message


def _build(
    mail: OutboxMail, submission: Submission | None, address: str, subjects: Subjects
) -> EmailMultiAlternatives | None:
    if mail.staff_id is not None:
        return _to_staff(mail, address)
    person = submission or mail.signature
    if person is None:
        return None
    if mail.kind == OutboxMail.Kind.UPDATE:
        return _update(mail, person, address, subjects)
    context: dict[str, Any] = {"link": personal_link(person, language=mail.language)}
    context |= {"kept_days": Submission.KEPT_FOR.days, **_letter(mail, person)}
    if isinstance(person, Submission):
        context["confirm_by"] = person.confirm_by
    if mail.kind == OutboxMail.Kind.LINK:
        context["standing"] = Signature.objects.of_mailbox(person).standing().filter(kind=person.kind)
    elif mail.kind == OutboxMail.Kind.LINKS:
        submissions = Submission.objects.filter(letter=person.letter_id, address_hash=person.address_hash)
        rows = [*Signature.objects.of_mailbox(person), *submissions.order_by("pk")]
        context["entries"] = [(personal_link(row, language=mail.language), row) for row in rows]
    subject = subjects.get((mail.kind, mail.language), "")
    return rendering.build_message(
        mail.kind, to=address, language=mail.language, letter=person.letter, context=context, subject=subject
    )


def _to_staff(mail: OutboxMail, address: str) -> EmailMultiAlternatives | None:
    """Returns None if the account was closed or has another address now, or nothing waits any more."""
    person = User.objects.filter(pk=mail.staff_id or 0, is_active=True, email=address).first()
    if person is None:
        return None
    link = staff_links[OutboxMail.Kind(mail.kind)](person)
    if mail.topic == topics.WAITING:
        waiting = Signature.objects.to_review().aggregate(
            number=Count("pk"), flagged=Count("pk", filter=~Q(flags=[])), since=Min("signed_up_at")
        )
        if not waiting["number"]:
            return None
        return rendering.build_message("waiting", to=address, language=mail.language, context={"link": link, **waiting})
    context = {
        "link": link,
        "username": person.get_username(),
        "roles": ", ".join(person.groups.order_by("name").values_list("name", flat=True)) or "superuser",
        "site": settings.SITE.netloc,
        "sentence": AlarmCode(mail.topic).email_sentence if mail.topic in AlarmCode else mail.topic,
    }
    return rendering.build_message(mail.kind, to=address, language=mail.language, context=context)


def _update(
    mail: OutboxMail, person: Signature | Submission, address: str, subjects: Subjects
) -> EmailMultiAlternatives | None:
    """Builds the email about what became of the letter, or of the signature. Returns None if that is so no more."""
    own_page = personal_link(person, language=mail.language)
    with translation.override(mail.language):
        announcement = topics.resolve(mail.topic, person)
        unsubscribe = settings.SITE_URL + reverse("unsubscribe", args=[tokens.unsubscribe_token(person.public_id)])
    if announcement is None:
        return None
    context: dict[str, Any] = {
        **announcement.context,
        "link": settings.SITE_URL + announcement.page if announcement.page else own_page,
        "personal_link": own_page,
        "leaving": unsubscribe,
        **_letter(mail, person),
    }
    return rendering.build_message(
        announcement.email, to=address, language=mail.language, letter=person.letter, context=context,
        subject=subjects.get((EmailSubject.Of.UPDATE, mail.language), ""), unsubscribe=unsubscribe,
    )  # fmt: skip


def _letter(mail: OutboxMail, person: Signature | Submission) -> dict[str, Any]:
    """Returns the title of the letter: whoever signed several must know which one the links are about.

    Questions and updates have none unless the organizer chose otherwise: the pages that they lead to say it.
    """
    is_about_links = mail.kind in {OutboxMail.Kind.LINK, OutboxMail.Kind.LINKS, OutboxMail.Kind.REMINDER}
    if not is_about_links and not person.letter.names_itself_in_subjects:
        return {}
    # A language of the site is that of the email, which the person chose last.
    further = person.language if reading.has_prefix(person.language) else ""
    with translation.override(mail.language), reading.reading(further):
        text = text_cache.newest(person.letter_id)
    return {"letter_title": text.title, "letter_language": text.language}


def personal_link(person: Signature | Submission, *, language: str) -> str:
    """Returns the address of the personal page, always on SITE_URL (never on the host of a request)."""
    with translation.override(language):
        return settings.SITE_URL + reverse("signature", args=[tokens.personal_token(person.public_id)])
