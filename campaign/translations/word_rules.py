"""What a language asks of its texts, and its one word for a thing: rules for catalogs and for the words of the PDF."""

from collections.abc import Iterator

from campaign.runtime.regular_expressions import linear

_NUMBER = r"(?:%\(\w+\)[sd]|\{\w+\})"  # a placeholder
# By language: what is found by a pattern is wrong, for this reason.
_RULES = {
    "ar": (
        (rf"{_NUMBER} \w+ان\b", "a dual needs no number before it; put the number behind a colon"),
        ("[\u0600-\u06ff][,;?]", "a sign of Latin script; write \u060c \u061b \u061f"),
        (r"\bو?(?:اطبع|احتفظ|قارن)\b", "an order to a man; write يُرجى and a noun"),
        (
            "إصدارات الملفات|كل إصدار هنا|كل إصدار جديد",
            "إصدار is the revision of a text; files have a طبعة, programs a نسخة",
        ),
    ),
    "es": ((r"\b[Uu]sted(?:es)?\b|\b(?:Imprima|Guarde|Compare|Escriba|Pulse)\b", "the reader is tú"),),
    "fr": (
        (" [:;?!»]|« ", "a space that may break beside : ; ? ! « or »; write U+00A0"),
        (r"\S(?:[;?!»](?![^\s.,)])|:(?!\S))|«\S", "no space beside : ; ? ! « or »; write U+00A0"),
        ("[Nn]º|[Nn]° ", "write n° and U+00A0"),
        (r"\b[Cc]ourriel", "write e-mail"),
        ("sur justificatif", "justificatif is the receipt; evidence is preuve"),
    ),
    "ja": (
        ("(?<!ご自分の)手紙", "an open letter is 書簡"),
        ("担当者|運営者", "staff are 運営スタッフ"),
        (r"No\.", "write 第N回"),
    ),
    "ko": (
        ("(?<!개인 )편지", "an open letter is 서한, a mailbox 메일함"),
        ("담당자|운영자", "staff are 운영진"),
        ("(?<![가-힣])예, ", "a button that agrees begins with 네"),
        (r"No\.", "write 제N차"),
        ("제출", "a delivery is 전달"),
    ),
    "zh-hans": (("表格", "a form is 表单"), (rf"在 ?{_NUMBER} ?之前", "the last day counts; write 至 or 最迟于")),
    "zh-hant": (
        ("表格", "a form is 表單"),
        (rf"在 ?{_NUMBER} ?之前", "the last day counts; write 至 or 最晚於"),
        ("簽署人", "who signs a letter is 連署人"),
    ),
}  # fmt: skip
# Of one plural form. In the order of Babel the fifth one of Arabic is that of 100 to 102, the last that of 11 to 99.
_OF_FORM = {
    ("ar", 4): (
        linear(rf"{_NUMBER}(?:</?\w+>)* \w+\u064b"),
        "after 100 a noun has no tanwin; the form for 11 to 99 is the last one",
    ),
    ("ar", 5): (
        linear(rf"{_NUMBER}(?:</?\w+>)* (?!من)\w+(?<!\u0629)(?![\w\u064b-\u0652])"),
        "after 11 to 99 a noun has a tanwin; the form for 100 is the one before",
    ),
}
_COMPILED = {language: [(linear(pattern), reason) for pattern, reason in rules] for language, rules in _RULES.items()}


def faults(language: str, text: str, form: int | None = None) -> Iterator[str]:
    """Yields one sentence for each rule of the language that a text breaks.

    Args:
        language: of the text.
        text: a translation, or words of the PDF.
        form: which plural form of a catalog it is, from 0; None for a text that has one form.
    """
    of_form = [_OF_FORM[language, form]] if form is not None and (language, form) in _OF_FORM else []
    for pattern, reason in [*_COMPILED.get(language, ()), *of_form]:
        if found := pattern.search(text):
            yield f"{reason}: {found[0]!r} in {text!r}"
