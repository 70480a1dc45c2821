"""Made-up signers for the spam simulation: honest people with unusual habits, and the bots of nine campaigns.

It was written before the flags that it measures, after real floods: a script that posts the form without a browser,
lists of names, mailboxes at a few providers, rented IP addresses. It knows nothing of any flag or limit.
"""

import random
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from signatures.management.commands._people import Person, lines, people, words

HOURS = 36  # the simulated time
BIG = ("gmail.com",) * 9 + ("outlook.com", "hotmail.com", "yahoo.com", "icloud.com", "qq.com", "naver.com", "proton.me")
NATIONAL = ("seznam.cz", "wp.pl", "libero.it", "ukr.net", "bk.ru", "uol.com.br", "rediffmail.com", "walla.co.il", "bigpond.com", "abv.bg")  # fmt: skip
# One or two names of each script that `_people` lacks, so that there are twenty scripts in all.
RARE = ("ထက်ထက်", "ព្រះ នរោត្តម", "ລາວ ຄຳ", "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "শেখ হাসান", "નરેશ પટેલ", "మధు రెడ్డి", "ಸುಮ ಗೌಡ", "മോഹൻ നായർ", "සුනිල් පෙරේරා", "བསྟན་འཛིན་རྒྱ་མཚོ་", "ᠮᠣᠩᠭᠣᠯ")  # fmt: skip
COMMON = [("김민준", "KR")] * 4 + [("Maria Garcia", "ES"), ("Maria Garcia", "MX"), ("María García", "ES"), ("Maria Garcia", "US")] + [("李伟", "CN")] * 4  # fmt: skip
SUGGESTED_COMMENT = "I sign because nobody should be punished for what they believe or say."


@dataclass(slots=True)
class Signer:
    """One sign-up: when (minutes from the start), what is typed, and from where."""

    at: float
    name: str
    country: str
    email: str
    address: str
    seconds: str  # what the page's script sends; empty without JavaScript
    confirms_after: float
    tactic: str
    comment: str = ""
    organization: str = ""
    role: str = ""

    @property
    def is_bot(self) -> bool:
        return not self.tactic.startswith("honest")


def simulated_signers(seed: int, honest: int = 500, bots: int = 2_000) -> list[Signer]:
    """Returns all signers by time. Beside the bots, a twentieth of their number act like people (`QUIET`)."""
    signers = list(islice(_honest(random.Random(f"honest {seed}"), seed), honest))
    share = bots // len(CAMPAIGNS)
    for campaign in CAMPAIGNS:
        chance = random.Random(f"{campaign.__name__} {seed}")
        sizes = share + (bots - share * len(CAMPAIGNS) if campaign is CAMPAIGNS[0] else 0)
        signers += campaign(chance, sizes, list(signers[:honest]))
    signers += quiet(random.Random(f"quiet {seed}"), bots // 20, signers[:honest])
    taken: set[str] = set()
    for number, signer in enumerate(signers):
        if signer.email in taken:  # an email address can sign once
            signer.email = signer.email.replace("@", f"{number}@")
        taken.add(signer.email)
    return sorted(signers, key=lambda signer: signer.at)


# Honest people


def _honest(chance: random.Random, seed: int) -> Iterator[Signer]:
    """Yields the hard cases first, so that a small simulation has them, too; then everybody else."""
    strangers = people(seed)
    makers: list[Callable[[random.Random, Iterator[Person]], list[Signer]]] = [
        _office, _families, _namesakes, _behind_tor, _throw_away, _readers_of_one_email, _vietnamese, _rare, _carrier, _no_script,
    ]  # fmt: skip
    for maker in makers:
        yield from maker(chance, strangers)
    for person in strangers:
        yield _signer(chance, person)


def _signer(chance: random.Random, person: Person, tactic: str = "honest", **fields: object) -> Signer:
    naming = person.naming
    domain = chance.choice(BIG) if chance.random() < 0.75 else chance.choice(NATIONAL) if chance.random() < 0.5 else _own_domain(chance)  # fmt: skip
    signer = Signer(
        at=_by_day(chance),
        name=person.name,
        country=chance.choice(naming.countries.split()) if chance.random() < 0.9 else "",
        email=f"{_local(chance, person.name)}@{domain}",
        address=_anywhere(chance),
        seconds=str(round(chance.lognormvariate(4.3, 0.7)) + 5),
        confirms_after=chance.lognormvariate(1.5, 1.3) + 0.3,
        tactic=tactic,
        role=chance.choice(lines(naming.roles) or [""]) if chance.random() < 0.3 else "",
        organization=chance.choice(lines(naming.organizations) or [""]) if chance.random() < 0.15 else "",
        comment=_comment(chance),
    )
    for field, value in fields.items():
        setattr(signer, field, value)
    return signer


def _by_day(chance: random.Random) -> float:
    """Returns a minute, more often by day than at night."""
    while True:
        at = chance.random() * HOURS * 60
        if chance.random() < (1.0 if 7 <= at / 60 % 24 <= 23 else 0.3):
            return at


def _anywhere(chance: random.Random) -> str:
    if chance.random() < 0.2:
        return f"2a0{chance.randrange(10)}:{chance.randrange(1, 65536):x}:{chance.randrange(1, 65536):x}:{chance.randrange(1, 65536):x}::{chance.randrange(1, 65536):x}"
    return f"{chance.randrange(20, 220)}.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(1, 255)}"


def _plain(name: str) -> list[str]:
    return [
        "".join(c for c in word if c.isascii() and c.isalpha())
        for word in unicodedata.normalize("NFKD", name).lower().replace("’", "").split()
    ]


def _local(chance: random.Random, name: str) -> str:
    """Returns a local part as people choose it: their name or a nickname, often with a year or a number."""
    parts = [word for word in _plain(name) if len(word) > 1]
    if not parts or chance.random() < 0.3:
        nick = "".join(
            chance.choice("bcdfghklmnprstvz") + chance.choice("aeiouy") for _each in range(chance.choice((2, 3, 3, 4)))
        )
        parts = [nick] + (
            [chance.choice(("cat", "music", "mom", "art", "hope", "star", "sea"))] if chance.random() < 0.3 else []
        )
    how = chance.random()
    local = ".".join(parts[:2]) if how < 0.45 else "".join(parts[:2]) if how < 0.75 else parts[0][0] + parts[-1]
    if chance.random() < 0.4:
        local += chance.choice(
            (str(chance.randrange(50, 100)), str(chance.randrange(1950, 2008)), str(chance.randrange(1, 1000)))
        )
    return local


def _own_domain(chance: random.Random) -> str:
    word = "".join(chance.choice("bcdfghklmnprst") + chance.choice("aeiou") for _each in range(3))
    return f"{word}.{chance.choice(('org', 'com', 'de', 'fr', 'co.uk', 'ac.kr', 'edu', 'net', 'co.kr', 'ac.jp'))}"


def _comment(chance: random.Random) -> str:
    if chance.random() > 0.15:
        return ""
    if chance.random() < 0.3:
        return chance.choice(("Thank you.", "함께합니다.", "Дякую!", "Solidarity!"))
    things = chance.sample(
        (
            "my grandmother",
            "our parish",
            "the children",
            "my students",
            "freedom",
            "a safe home",
            "the news",
            "my friends in Seoul",
            "our town",
        ),
        2,
    )
    return f"I often think of {things[0]} and of {things[1]}; this matters to me since {chance.randrange(1970, 2026)}."


def _office(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """Fifteen people of one firm sign after lunch from one IP address, with email addresses of the firm."""
    start, domain, network = (
        chance.uniform(600, 900),
        _own_domain(chance),
        f"{chance.randrange(20, 220)}.17.{chance.randrange(256)}.9",
    )
    staff: list[Signer] = []
    for person in islice(strangers, 15):
        local = ".".join(word for word in _plain(person.name) if word) or _local(chance, "")
        staff.append(_signer(chance, person, "honest: office", at=start + chance.expovariate(1 / 10), address=network, organization="Miller & Partners", email=f"{local}{len(staff) or ''}@{domain}"))  # fmt: skip
    return staff


def _families(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """Three people with one family name sign within an hour from one IP address."""
    found = []
    for _family in range(6):
        start, network = _by_day(chance), _anywhere(chance)
        first, *others = islice(strangers, 3)
        for member in (first, *others):
            parts = member.name.split()
            name = f"{parts[0]} {first.name.split()[-1]}" if member.naming is first.naming else member.name
            found.append(
                _signer(chance, member, "honest: family", name=name, at=start + chance.random() * 60, address=network)
            )
    return found


def _namesakes(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    return [
        _signer(chance, next(strangers), "honest: common name", name=name, country=country) for name, country in COMMON
    ]


def _behind_tor(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """From six exit nodes; some without JavaScript, as in the safest mode of the Tor browser."""
    exits = [_anywhere(chance) for _each in range(6)]
    return [
        _signer(
            chance, person, "honest: Tor", address=chance.choice(exits),
            email=f"{_local(chance, person.name)}@{chance.choice(('proton.me', 'tutanota.com', 'riseup.net', 'gmail.com'))}",
            **({"seconds": ""} if chance.random() < 0.4 else {}),
        )
        for person in islice(strangers, 12)
    ]  # fmt: skip


def _throw_away(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """People in danger use a disposable mailbox."""
    domains = ("mailinator.com", "guerrillamail.com", "yopmail.com", "10minutemail.com")
    return [
        _signer(chance, person, "honest: throw-away mailbox", email=f"{_local(chance, person.name)}@{domain}")
        for person, domain in zip(islice(strangers, 4), domains, strict=True)
    ]


def _readers_of_one_email(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """Friends paste the sentence that the organizers suggested."""
    return [
        _signer(chance, person, "honest: suggested words", comment=SUGGESTED_COMMENT) for person in islice(strangers, 7)
    ]


def _vietnamese(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """A family name and a middle name that millions share."""
    given = ("Lan", "Hoa", "Mai", "Hương", "Thảo", "Linh", "Trang", "Nga")
    return [
        _signer(chance, next(strangers), "honest: Nguyễn Thị", name=f"Nguyễn Thị {word}", country="VN")
        for word in given
    ]


def _rare(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    return [_signer(chance, next(strangers), "honest: rare script", name=name) for name in RARE]


def _carrier(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """Phones behind the few IP addresses of a mobile carrier."""
    gates = [_anywhere(chance) for _each in range(5)]
    return [
        _signer(chance, person, "honest: carrier", address=chance.choice(gates)) for person in islice(strangers, 25)
    ]


def _no_script(chance: random.Random, strangers: Iterator[Person]) -> list[Signer]:
    """Without JavaScript: an old phone, a blocker, a page that loaded partly."""
    return [_signer(chance, person, "honest: no script", seconds="") for person in islice(strangers, 5)]


# Bots


Dictionary = tuple[list[str], list[str]]
WESTERN: Dictionary = (
    words(
        "James John Robert Michael David Mary Linda Susan Karen Nancy Lisa Emma Anna Sofia Laura Peter Paul Mark Steven George Kevin Brian Edward Jason Gary Amy Kate Helen Diana Alice"
    ),
    words(
        "Smith Johnson Brown Jones Miller Davis Wilson Moore Taylor Thomas White Harris Martin Thompson Young King Wright Lopez Hill Scott Green Adams Baker Nelson Carter Mitchell Roberts Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris Rogers Reed Cook Morgan"
    ),
)
RUSSIAN: Dictionary = (
    words(
        "Ivan Sergey Dmitry Alexey Andrey Mikhail Nikolay Vladimir Oleg Igor Anna Elena Olga Natalia Tatiana Irina Svetlana Maria Yulia Galina"
    ),
    words(
        "Petrov Sidorov Smirnov Kuznetsov Popov Vasiliev Sokolov Novikov Fedorov Morozov Volkov Alekseev Lebedev Semenov Egorov Pavlov Kozlov Stepanov Orlov Makarov"
    ),
)
CHINESE: Dictionary = (
    list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚"),
    list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"),
)


def _spread(chance: random.Random, number: int, hours: tuple[float, float]) -> list[float]:
    """Returns the minutes at which a campaign posts: random ones within a few hours."""
    length = chance.uniform(*hours) * 60
    start = chance.uniform(60, HOURS * 60 - length)
    return sorted(start + chance.random() * length for _each in range(number))


def _addresses(chance: random.Random, number: int, *, each: tuple[int, int]) -> Iterator[str]:
    """Returns rented IP addresses, each used a few times, in random order."""
    found: list[str] = []
    while len(found) < number:
        found += [_anywhere(chance)] * chance.randint(*each)
    chance.shuffle(found)
    return iter(found)


def _any_name(chance: random.Random, names: Dictionary) -> str:
    given, family = chance.choice(names[0]), chance.choice(names[1])
    return family + given if names is CHINESE else f"{given} {family}"


def _box(chance: random.Random, name: str, style: str) -> str:
    """Returns a local part as bulk accounts have it: random characters, or the name with a number."""
    if style == "random":
        return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _each in range(chance.randint(8, 12)))
    parts = [word for word in _plain(name) if word] or ["wang", chance.choice(("wei", "fang", "min", "jun"))]
    return "".join(parts[:2]) + str(chance.randrange(100, 100_000))


def _bot(chance: random.Random, at: float, name: str, email: str, address: str, tactic: str, seconds: str = "", **fields: str) -> Signer:  # fmt: skip
    after = chance.uniform(0.2, 6)  # a script reads the mailboxes
    return Signer(at, name, fields.pop("country", "") or chance.choice(("US", "GB", "RU", "CN", "DE", "")), email, address, seconds, after, tactic, **fields)  # fmt: skip


def template(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """One name with variations, posted by a script from many IP addresses."""
    stem = chance.choice(("Patriot of Motherland", "Proud Citizen", "Concerned Worker", "Friend of the Party"))
    ways = (f"{stem} {{n}}", f"{stem}{{n}}", f"{stem} No. {{n}}", f"{stem} ({{n}})", f"{stem.upper()} {{n}}")
    addresses = _addresses(chance, number, each=(1, 4))
    return [
        _bot(chance, at, chance.choice(ways).format(n=chance.randrange(1, 5000)), f"{_box(chance, stem, 'random')}@{chance.choice(BIG)}", next(addresses), "template name")
        for at in _spread(chance, number, (2, 6))
    ]  # fmt: skip


def dictionary(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Names from a list, posted from a few servers."""
    networks = [f"{chance.randrange(20, 220)}.{chance.randrange(256)}.{chance.randrange(256)}." for _each in range(6)]
    return [
        _bot(chance, at, name := _any_name(chance, RUSSIAN), f"{_box(chance, name, 'named')}@{chance.choice(('mail.ru', 'bk.ru', 'yandex.ru', 'gmail.com'))}", chance.choice(networks) + str(chance.randrange(1, 255)), "dictionary, few networks")
        for at in _spread(chance, number, (2, 5))
    ]  # fmt: skip


def copied(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Names of real signers, copied from the public list, so that the real ones look like duplicates."""
    moments = _spread(chance, number, (3, 8))
    signed_before = [signer for signer in honest if signer.at < moments[0] - 30] or honest[:1]
    taken = chance.sample(signed_before, min(60, len(signed_before)))
    addresses = _addresses(chance, number, each=(1, 5))
    found = []
    for at in moments:
        original = chance.choice(taken)
        found.append(_bot(chance, at, original.name, f"{_box(chance, original.name, 'random')}@{chance.choice(BIG)}", next(addresses), "copied names", country=original.country, organization=original.organization))  # fmt: skip
    return found


def one_domain(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """A domain with any number of subdomains; a headless browser fills in the form."""
    domain = f"{_box(chance, '', 'random')}.{chance.choice(('ru', 'top', 'site', 'com'))}"
    addresses = _addresses(chance, number, each=(1, 3))
    return [
        _bot(chance, at, name := _any_name(chance, WESTERN), f"{_box(chance, name, 'named')}@{chance.choice(('', f'm{chance.randrange(90)}.', 'mail.'))}{domain}", next(addresses), "one mail domain", seconds=str(chance.randrange(15, 120)))
        for at in _spread(chance, number, (4, 12))
    ]  # fmt: skip


def throw_away(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Disposable mailboxes: most at known providers, some at new domains."""
    known = (
        "mailinator.com",
        "guerrillamail.com",
        "yopmail.com",
        "10minutemail.com",
        "trashmail.com",
        "sharklasers.com",
    )
    fresh = [f"{_box(chance, '', 'random')}.{chance.choice(('xyz', 'top', 'site'))}" for _each in range(4)]
    addresses = _addresses(chance, number, each=(2, 8))
    return [
        _bot(chance, at, name := _any_name(chance, WESTERN), f"{_box(chance, name, 'named')}@{chance.choice(known if chance.random() < 0.7 else fresh)}", next(addresses), "throw-away domains")
        for at in _spread(chance, number, (3, 10))
    ]  # fmt: skip


def big_provider(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Random mailboxes at the biggest provider, names from a list, each IP address used a few times."""
    addresses = _addresses(chance, number, each=(2, 6))
    return [
        _bot(chance, at, _any_name(chance, WESTERN), f"{_box(chance, '', 'random')}@gmail.com", next(addresses), "big provider, many networks")
        for at in _spread(chance, number, (3, 10))
    ]  # fmt: skip


def patient(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Pasted comments from a headless browser that waits as long as people do, over residential IP addresses."""
    addresses = _addresses(chance, number, each=(1, 3))
    return [
        _bot(chance, at, name := _any_name(chance, CHINESE if chance.random() < 0.5 else WESTERN), f"{_box(chance, name, 'named')}@{chance.choice(BIG)}", next(addresses), "pasted comment", seconds=str(chance.randrange(20, 200)), comment=chance.choice(PASTED))
        for at in _spread(chance, number, (5, 12))
    ]  # fmt: skip


PASTED = (
    "This letter is nothing but interference in the internal affairs of a sovereign state!",
    "This letter is nothing but interference in the internal affairs of a sovereign state.",
    "this letter is nothing but interference, in the internal affairs of a sovereign state!!!",
)


def slogans(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Slogans in place of names."""
    shouts = (
        "Long live the Motherland",
        "Glory to the Party",
        "Down with Western lies",
        "祖国万岁",
        "伟大的祖国万岁",
        "Слава Родине",
        "Hands off our Country",
        "NATO go home",
        "中国万岁",
    )
    tails = ("", "!", "!!", " !!!", " forever", " 1", " 88", "！")
    addresses = _addresses(chance, number, each=(1, 6))
    return [
        _bot(chance, at, chance.choice(shouts) + chance.choice(tails), f"{_box(chance, '', 'random')}@{chance.choice(BIG)}", next(addresses), "slogans")
        for at in _spread(chance, number, (2, 8))
    ]  # fmt: skip


def hasty(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """A headless browser that fills in all fields at once."""
    addresses = _addresses(chance, number, each=(1, 10))
    return [
        _bot(chance, at, name := _any_name(chance, CHINESE), f"{_box(chance, name, 'named')}@{chance.choice(('qq.com', '163.com', 'gmail.com'))}", next(addresses), "hasty", seconds=str(chance.randrange(0, 5)))
        for at in _spread(chance, number, (1, 4))
    ]  # fmt: skip


def quiet(chance: random.Random, number: int, honest: list[Signer]) -> list[Signer]:
    """Bots that act like people: measured apart, to show that flags do not find everything."""
    return [
        _bot(chance, at, name := _any_name(chance, WESTERN), f"{_local(chance, name)}@{chance.choice(BIG)}", _anywhere(chance), QUIET, seconds=str(chance.randrange(20, 300)))
        for at in _spread(chance, number, (5, 20))
    ]  # fmt: skip


def one_person(number: int) -> list[Signer]:
    """One person with one /48 and one mailbox, whose headless browser does all that people do, as fast as it can (S34).

    Every sign-up has a name, an address and a network of its own: plus parts, dots, and 65,536 networks of one /48.
    """
    chance = random.Random("one person")
    names = (person.name for person in people(9))
    box = "annakellermann"
    return [
        Signer(
            at=index * 60 / number, name=next(names), country=chance.choice(("DE", "FR", "US", "")),
            email=f"{box[: 1 + index % 12]}.{box[1 + index % 12 :]}+{index}@post.alpenmail.example",
            address=f"2001:db8:7:{index:x}::1", seconds=str(chance.randrange(20, 300)), confirms_after=0.5,
            tactic=ONE_PERSON,
        )
        for index in range(number)
    ]  # fmt: skip


QUIET = "like people (apart)"
ONE_PERSON = "one mailbox, one /48"
CAMPAIGNS = (template, dictionary, copied, one_domain, throw_away, big_provider, patient, slogans, hasty)
