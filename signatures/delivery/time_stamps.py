"""Checks the reply of a time stamp authority (RFC 3161): that it is of one digest, and who signed it."""

from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier
from django.conf import settings
from rfc3161_client import (
    PKIStatus,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from campaign.runtime.certificates import is_root

CERTIFICATES = 0xA0  # the tag of the certificates in the signed data of CMS
BROKEN = (ValueError, x509.InvalidVersion, x509.DuplicateExtension)  # a reply, or a certificate in it
SHA256_OID = ObjectIdentifier("2.16.840.1.101.3.4.2.1")


class InvalidTimeStamp(Exception):
    """The reply is not taken. The message is one sentence for staff."""


def verify(reply: bytes, digest: bytes) -> None:
    """Checks that a reply is the time stamp of a digest, signed by a certificate for time stamps.

    The chain of that certificate must end at a root of TIMESTAMP_CERTIFICATE_FILE. Where none is named, it must end at
    a root in the reply itself: then nothing was changed, but anybody could be the authority.

    Args:
        reply: the reply, as it came.
        digest: the SHA-256 that must be stamped.

    Raises:
        InvalidTimeStamp: it is none, of another digest, or not signed so.
    """
    try:
        response = decode_timestamp_response(_with_certificates_in_order(reply))
        if response.status != PKIStatus.GRANTED:
            raise InvalidTimeStamp("The authority refused to give a time stamp as it was asked for.")
        imprint = response.tst_info.message_imprint
        if (imprint.hash_algorithm, imprint.message) != (SHA256_OID, digest):
            raise InvalidTimeStamp("This is the time stamp of another statement.")
        _verify_signature(response, digest)
    except BROKEN:  # also where a reply says that it is granted, and holds no time stamp
        raise InvalidTimeStamp("This file is no reply of a time stamp authority.") from None


def _with_certificates_in_order(reply: bytes) -> bytes:
    """Returns the reply with its certificates as DER orders a set, in which alone the parser takes them.

    Most authorities keep the order of the chain, as CMS allows. No signature covers it.
    """
    try:
        (whole,) = _elements(reply, 0, len(reply))
        _status, token = _elements(reply, *whole[1:])
        _kind, content = _elements(reply, *token[1:])
        (signed,) = _elements(reply, *content[1:])
        for tag, begin, end in _elements(reply, *signed[1:]):
            if tag == CERTIFICATES:
                inside = [begin, *(after for _tag, _begin, after in _elements(reply, begin, end))]
                return reply[:begin] + b"".join(sorted(reply[a:b] for a, b in pairwise(inside))) + reply[end:]
    except (IndexError, ValueError):
        pass  # it is none, which the parser says
    return reply


def _elements(data: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """Returns tag, begin and end of the content of each DER element between these two places."""
    found = []
    while start < end:
        length, begin = data[start + 1], start + 2
        if length & 0x80:  # so many bytes with the length follow
            begin += length & 0x7F
            length = int.from_bytes(data[start + 2 : begin])
        found.append((data[start], begin, begin + length))
        start = begin + length
    return found


def _verify_signature(response: TimeStampResponse, digest: bytes) -> None:
    known: list[x509.Certificate] = settings.TIMESTAMP_CERTIFICATES
    certificates = known or [x509.load_der_x509_certificate(each) for each in response.signed_data.certificates]
    roots = [certificate for certificate in certificates if is_root(certificate)]
    if not roots:
        raise InvalidTimeStamp(
            "This time stamp holds no root certificate, so that nobody can tell who signed it: name that of the "
            "authority in TIMESTAMP_CERTIFICATE_FILE."
        )
    others = [certificate for certificate in certificates if not is_root(certificate)]
    try:
        VerifierBuilder(roots=roots, intermediates=others).build().verify(response, digest)
    except VerificationError:
        raise InvalidTimeStamp(
            "This time stamp was changed, or it is not signed by the authority of TIMESTAMP_CERTIFICATE_FILE."
            if known
            else "This time stamp was changed, or it is not signed with a certificate for time stamps."
        ) from None
