"""Coined words and numbers, each used in one place only, so that a single find names the place that leaked."""

import base64
import datetime
import random
from dataclasses import dataclass, field

__all__ = ["Person", "Plants", "free_text", "mentions"]

_CONSONANTS, _VOWELS, _ENDS = "bdfghjklmnprstvzq", "aeiou", "xkz"
_MONTHS = (
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
)


@dataclass
class Plants:
    """What was planted: token to the place it was planted in, and the tag there (0 where it has none).

    Tokens of a `Person` have no place of their own: they must not come out anywhere.
    """

    seed: int
    places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def word(self, place: str, tag: int = 0, syllables: int = 4, longest: int = 64) -> str:
        """Coin a word."""
        while True:
            pairs = (self.random.choice(_CONSONANTS) + self.random.choice(_VOWELS) for _ in range(syllables))
            word = ("".join(pairs) + self.random.choice(_ENDS))[:longest]
            if word not in self.places:
                return self.note(word, place, tag).title()

    def number(self, place: str, tag: int = 0, digits: int = 9) -> str:
        """Coin a number that is not a date."""
        while True:
            number = self.random.choice("3456789") + "".join(
                self.random.choice("0123456789") for _ in range(digits - 2)
            )
            number += self.random.choice("123456789")  # a round number is no identifier
            if number not in self.places:
                return self.note(number, place, tag)

    def note(self, token: str, place: str, tag: int = 0) -> str:
        """Search for this as well."""
        self.places.setdefault(token.lower(), (place, tag))
        return token


@dataclass
class Person:
    """A patient.

    Attributes
    ----------
    name : str
        PN value, with all components and groups.
    spellings : tuple of str
        Ways to write the parts of the name, each of which must not come out.
    """

    family: str
    given: str
    name: str
    spellings: tuple[str, ...]
    mrn: str
    accession: str
    phone: str
    mail: str
    city: str
    root: str
    birth: datetime.date
    study: datetime.date
    charset: str | list[str] = "ISO_IR 192"
    objects: int = 0

    @classmethod
    def made(
        cls, plants: Plants, charset: str | list[str] = "ISO_IR 192", name: str = "", spellings: tuple[str, ...] = ()
    ) -> "Person":
        """Make one up; `spellings` belong to a given name, else they are coined."""
        pick = plants.random
        family, given = plants.word("family name"), plants.word("given name")
        middle = plants.word("middle name", syllables=3)
        for spelling in spellings:
            plants.note(spelling, "name")
        mrn = plants.number("patient ID", digits=8)
        phone = "".join(pick.choice("3456789") for _ in range(10))
        plants.note(phone, "telephone")
        mail = f"{plants.word('mail').lower()}@{plants.word('mail host').lower()}.org"
        person = cls(
            family, given, name or f"{family}^{given}^{middle}^Dr.^Jr.", spellings or (family, given, middle), mrn,
            "A" + plants.number("accession number"), phone, mail, plants.word("city"),
            f"1.2.826.0.1.3680043.9.{plants.number('UID root')}",
            datetime.date(pick.randint(1921, 1989), pick.randint(1, 12), pick.randint(13, 28)),
            datetime.date(pick.randint(2003, 2024), pick.randint(1, 12), pick.randint(13, 28)), charset,
        )  # fmt: skip
        for kind, date in (("birth date", person.birth), ("study date", person.study)):
            for spelling in _unambiguous(date):
                plants.note(spelling, kind)
        return person

    def uid(self) -> str:
        """Make an instance UID that tells the date and the number."""
        self.objects += 1
        return f"{self.root}.{self.study:%Y%m%d}.{self.objects}"


_ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]


def _unambiguous(date: datetime.date) -> tuple[str, ...]:
    """Spellings whose bytes cannot be there by chance."""
    forms = ("%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%b-%Y", "%d %B %Y", "%B %d, %Y", "%d%m%Y")
    return tuple(date.strftime(form) for form in forms)


def dates_of(date: datetime.date) -> list[str]:
    """Ways in which people and programs write a date."""
    month = date.month - 1
    return [
        *_unambiguous(date), date.strftime("%b %d, %Y"), date.strftime("%d.%m.%y"), date.strftime("%m/%d/%y"),
        f"{date.day}. {_MONTHS[1][month]} {date.year}", f"{date.day} {_MONTHS[2][month]} {date.year}",
        f"{date.day}{date.strftime('%b')}{date.year}", f"{date.strftime('%b').upper()}-{date.day}-{date:%y}",
        f"{date.year}年{date.month}月{date.day}日", f"{date.year} {date.month:02} {date.day}", f"{date:%Y%m%d}T101112",
        f"{date.day:02}{date.strftime('%b').upper()}{date:%y}", f"scan_{date:%d.%m.%Y}_2",
        f"{date.strftime('%b')}{date.day},{date.year}", f"{date.year}{date.strftime('%b')}{date.day:02}",
        f"{date.day:02},{date.month:02},{date.year}", f"{date.day}.{_ROMAN[month]}.{date.year}",
        f"{date:%Y-%m-%d}T10:11:12+01:00", f"{date:%Y.%m.%d}", f"{date.day} of {_MONTHS[0][month]}, {date.year}",
    ]  # fmt: skip


def mentions(plants: Plants, person: Person) -> list[str]:
    """Ways in which a patient is named in text, straight and bent."""
    family, given, mrn, phone = person.family, person.given, person.mrn, person.phone
    spelled = [
        f"{given} {family}", f"{family}, {given}", f"{family}^{given}", f"{family.upper()}_{given.upper()}",
        f"{family}{given}", f"{given[0]}. {family}", f"{family}-{given}", " ".join(family.upper()), "-".join(family),
        "".join(reversed(family)).lower(), f"{family[:4]} {family[4:]}", f"{family}'s",
        f"{given.lower()}.{family.lower()}",
        f"{family[0]}{family[1:].swapcase()}", "/".join((family, given)), f"{family}\t{given}",
        f"ID{mrn}", f"#{mrn}", f"000{mrn}", f"{mrn[:4]}-{mrn[4:]}", f"{mrn[:3]} {mrn[3:5]} {mrn[5:]}",
        f"MRN:{mrn}/{family}",
        f"{mrn[:2]}.{mrn[2:5]}.{mrn[5:]}", "_".join(mrn), person.accession, person.accession[1:],
        f"+1 ({phone[:3]}) {phone[3:6]}-{phone[6:]}", f"{phone[:3]}.{phone[3:6]}.{phone[6:]}", f"tel:{phone}", phone,
        person.mail, person.mail.replace("@", " at ").replace(".", " dot "), f"mailto:{person.mail}",
        f"https://pacs.{family.lower()}.example.com/patient?id={mrn}", f"file:///C:/export/{family}/{mrn}.dcm",
        f"\\\\pacs01\\{family}\\{mrn}".replace("\\", "/"), f"{person.root}.77", f"{person.city} 12345",
        base64.b64encode(f"{family}^{given}".encode()).decode(), f"{family}^{given}".encode().hex(),
        "".join(f"&#{ord(letter)};" for letter in family), "%20".join((given, family)), f"{family}%5E{given}",
        f"<name>{family}</name>", f'{{"patient": "{given} {family}", "id": {mrn}}}', f"{family.upper()}1", f"X{family}",
    ]  # fmt: skip
    return [*spelled, *dates_of(person.birth), *dates_of(person.study), *person.spellings]


def free_text(plants: Plants, person: Person, place: str, tag: int = 0, count: int = 6) -> str:
    """A paragraph that tells everything it must not, around words that may stay."""
    pick = plants.random

    def coin(what: str) -> str:
        return plants.word(f"{place}: {what}", tag)

    said = pick.sample(mentions(plants, person), count)
    return (
        f"CT chest for {said[0]}. Mother Mrs {coin('mother')}-{coin('maiden name')}, wife {coin('wife').lower()}, son "
        f"{coin('son').upper()}; {said[1]}. Referred by Dr. {coin('doctor')}, read by {coin('reader')} MD PhD on "
        f"{said[2]}. "
        f"SSN {pick.randint(100, 999)}-{pick.randint(10, 99)}-{plants.number(place, tag, 8)} {said[3]}, mail "
        f"{coin('mail').lower()}@{coin('host').lower()}.org, lives {pick.randint(1000, 9999)} {coin('street')} St, "
        f"{coin('city')}. "
        f"Licence DL{plants.number(place, tag, 8)}; {said[4]}; policy INS-{plants.number(place, tag)}; fax "
        f"0{plants.number(place, tag)}; IP "
        f"10.{pick.randint(20, 250)}.{pick.randint(20, 250)}.9; serial SN{plants.number(place, tag, 8)}; 93 years "
        f"old; {said[5]}. "
        "Nodule 8 mm in right upper lobe, stable."
    )
