"""Where readers will see what staff write into the fields of a text, and of a privacy notice: a line each."""

TEXT_HELP = {
    "language": "Readers of this language see it; those of a language without a text see the authoritative one.",
    "title": "Above the letter, in lists, on shared links and in the subject of emails.",
    "date": "At the top of the letter, as printed; empty, there is none.",
    "addressee": "Below the date: name and address of the recipient, a line each.",
    "salutation": "Above the first paragraph, such as “Dear councillors,”; empty, there is none.",
    "body": "The letter itself: paragraphs, lists, > quotes, *emphasis*, **strong words**.",
    "closing": "Below the last paragraph, such as “Yours sincerely,”; empty, there is none.",
    "recipient": "As named within sentences of this language, above the form and in emails; empty, as in step 1.",
    "authoritative": "Above each translation, readers are told that this text counts.",
    "unofficial": "Above the text, readers are told so. It cannot be changed once the text is published.",
}

PRIVACY_HELP = {
    "language": "Readers of this language see the paragraphs below on the letter's privacy page.",
    "purpose": "What the names are collected for (GDPR Art. 13(1)(c)). Empty, the words of the site, shown in gray.",
    "legal_basis": "A name under a letter tells a political opinion: consent is needed, by GDPR Art. 6(1)(a) and "
    "Art. 9(2)(a). Empty, the words of the site, shown in gray.",
    "retention": "How long names are kept, and who deletes them (GDPR Art. 13(2)(a)). It follows the table of what is "
    "stored, which says how long this site keeps it.",
    "transfer": "Whether names leave for a country outside the EU, with the delivery or by a provider (GDPR "
    "Art. 13(1)(f)). Empty, the words of the site, shown in gray.",
}
