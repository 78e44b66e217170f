"""Made-up values for training messages: names, places, codes, dates.

In: a seeded random.Random, and the pools of values.yaml. Out: one value for each placeholder of a wording. Pools are wide, most
values are put together from parts, and many parts are words that nobody ever wrote: a model that meets a name once can't learn it
by heart, and has to learn to copy it.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

import yaml

POOLS: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
DAY_ONE = date(2024, 1, 2)
DAYS = 1_090  # to the end of 2026
MINUTES = ("00", "15", "30", "45", "02", "08", "13", "17", "26", "33", "41", "48", "56")


class Values:
    """Draws values; each method is the placeholder of its name."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def _one(self, pool: str) -> str:
        return self._rng.choice(POOLS[pool])

    def _made_up(self) -> str:
        """A word of two or three syllables that can be spoken."""
        syllables = [self._one("onsets") + self._one("vowels") for _ in range(self._any([2, 2, 3]))]
        return "".join(syllables).capitalize() + self._one("codas")

    def _name(self, pool: str, made_up: float = 0.4) -> str:
        """One of the pool, or with this chance a word that is in none."""
        return self._made_up() if self._rng.random() < made_up else self._one(pool)

    def _word(self) -> str:
        """A word that titles begin with."""
        return self._of(lambda: self._one("words"), lambda: self._one("words"), lambda: self._one("nouns"), self._made_up)

    def _any(self, of: Sequence[str]) -> str:
        return self._rng.choice(of)

    def _of(self, *ways: Callable[[], str]) -> str:
        return self._rng.choice(ways)()

    def _code(self, letters: int, digits: int, between: str = "-") -> str:
        return (
            "".join(self._rng.choices(string.ascii_uppercase, k=letters))
            + between
            + "".join(self._rng.choices("123456789", k=digits))
        )

    def _number(self, low: int, high: int) -> str:
        return str(self._rng.randint(low, high))

    def _compound(self) -> str:
        return f"{self._name('things').lower()}-{self._name('kinds', 0.2).lower()}"

    def _company(self) -> str:
        return self._of(
            lambda: f"{self._name('last')} {self._one('trades')}",
            lambda: f"{self._one('adjectives')} {self._name('nouns')} {self._one('trades')}",
            lambda: f"{self._name('nouns')} {self._one('trades')}",
            lambda: f"{self._name('last')} & {self._name('last')}",
            lambda: f"{self._one('adjectives')}{self._name('nouns').lower()} {self._one('trades')}",
        )

    def _address(self) -> str:
        first, last = self._name("first").lower(), self._name("last").lower()
        local = self._any(
            [f"{first}.{last}", f"{first[0]}.{last}", f"{first}", f"{last}.{first}", f"{first}_{last}", f"{first[0]}{last}"]
        )
        if self._rng.random() < 0.15:
            local = self._any(["office", "sales", "contracts", "hello", "accounts", "info", "desk", "team"])
        house = self._of(
            lambda: self._name("domains").lower(),
            lambda: f"{self._name('last')}{self._one('trades')}".lower(),
            lambda: self._one("nouns").lower(),
        )
        return f"{local}@{house}.{self._one('endings')}"

    # -- noise

    def name(self) -> str:
        return f"{self._name('first')} {self._name('last')}"

    name2 = name

    def first(self) -> str:
        return self._one("first")

    def phone(self) -> str:
        return f"0{self._number(20, 99)} {self._number(101, 999)} {self._number(101, 999)}"

    def ticket(self) -> str:
        return self._code(3, 2)

    def small(self) -> str:
        return self._number(2, 60)

    def weekday(self) -> str:
        return self._one("weekdays")

    def past_date(self) -> str:
        return self.date()

    def substance(self) -> str:
        return self._one("substances")

    # -- what is to be copied

    def date(self) -> str:
        return (DAY_ONE + timedelta(days=self._rng.randrange(DAYS))).isoformat()

    def start(self) -> str:
        return f"{self._rng.randint(6, 22):02d}:{self._any(MINUTES)}"

    def project(self) -> str:
        """A project's name, or an issue tracker's key where the family has one: see `key`."""
        return f"{self._one('adjectives')} {self._name('nouns')}"

    def key(self) -> str:
        return "".join(self._rng.choices("ABCDEFGHIKLMNOPRSTUVWXYZ", k=self._rng.choice([2, 3, 3, 3, 4, 4])))

    def room(self) -> str:
        return self._of(
            lambda: self._name("rooms"),
            lambda: self._name("rooms"),
            lambda: f"{self._any(['Lab', 'Studio', 'Room', 'Suite'])} {self._number(1, 40)}",
            lambda: f"{self._one('adjectives')} {self._any(['Room', 'Hall', 'Lounge', 'Studio'])}",
        )

    old_room = room

    def address(self) -> str:
        return self._address()

    organiser = supervisor = recipient = signer = contact = email = address

    def course(self) -> str:
        return self._of(
            lambda: f"{self._one('courses')} {self._one('course_kinds')}",
            lambda: f"{self._word()} {self._one('course_kinds')}",
            lambda: f"{self._word()} {self._one('activities')}",
        )

    def seats(self) -> str:
        return self._number(4, 60)

    def system(self) -> str:
        return self._compound()

    def service(self) -> str:
        return self._compound()

    def location(self) -> str:
        return self._of(
            lambda: f"{self._one('places')} {self._number(1, 40)}",
            lambda: f"{self._one('places')} {self._any(string.ascii_uppercase)}",
            lambda: f"{self._made_up()} {self._one('places').lower()}",
            lambda: f"the {self._one('directions')} {self._one('places').lower()}",
            lambda: f"{self._one('places')} {self._name('nouns')}",
            lambda: f"{self._one('streets')} {self._one('places').lower()}",
            lambda: (
                f"{self._name('nouns')} {self._one('places')} {self._any(['One', 'Three', 'Five', 'Six', 'Eight', 'Twelve'])}"
            ),
        )

    def policy(self) -> str:
        return self._of(
            lambda: f"{self._one('subjects')} {self._one('rules')}",
            lambda: f"{self._word()} {self._one('rules')}",
            lambda: f"{self._word()} in the {self._one('places').lower()}",
            lambda: f"{self._one('subjects')} {self._one('words').lower()} {self._one('rules')}",
        )

    def sensor(self) -> str:
        return self._of(
            lambda: f"{self._one('sensors')}-{self._number(10, 99)}", lambda: self._code(2, 2), lambda: self._code(1, 3)
        )

    def asset(self) -> str:
        code = self._of(lambda: self._code(2, 2), lambda: self._code(2, 3), lambda: self._code(1, 3))
        return self._of(lambda: f"{self._one('instruments')} {code}", lambda: f"{self._one('instruments')} {code}", lambda: code)

    def vendor(self) -> str:
        return self._company()

    company = vendor

    def code(self) -> str:
        return self._of(
            lambda: f"{self._code(2, 2, '')}-{self._number(101, 999)}-{self._code(2, 0, '')}",
            lambda: self._code(3, 3),
            lambda: f"{self._code(2, 3, '')}{self._code(1, 3, '')}",
            lambda: f"{self._number(101, 999)}-{self._number(101, 999)}-{self._number(11, 99)}",
        )

    def vehicle(self) -> str:
        return self._of(
            lambda: f"{self._one('vehicles')} {self._number(1, 99)}",
            lambda: f"{self._one('vehicles').lower()} {self._code(1, 2)}",
            lambda: f"{self._one('vehicles')} {self._code(2, 2)}",
        )

    def item(self) -> str:
        return self._of(
            lambda: self._one("goods"),
            lambda: self._one("goods"),
            lambda: self._made_up().lower(),
            lambda: f"{self._made_up().lower()} {self._one('foods')}",
            lambda: f"{self._one('adjectives').lower()} {self._one('foods')}",
        )

    def quantity(self) -> str:
        return self._number(2, 99)

    def tenant(self) -> str:
        return self._of(self.name, self.name, self._company)

    def file(self) -> str:
        ending = self._any(["pdf", "pdf", "docx", "doc", "tiff"])
        lets = ["lease", "rent", "unit", "house", "office", "garage"]
        return self._of(
            lambda: f"lease-unit-{self._number(1, 40)}{self._any('ABCDE')}.{ending}",
            lambda: f"{self._name('last').lower()}-{self._any(lets)}-{self._number(1, 99)}.{ending}",
            lambda: f"{self._one('streets')}_{self._number(1, 99)}_signed.{ending}",
            lambda: f"{self._name('nouns').lower()}_{self._any(['lease', 'contract', 'tenancy'])}.{ending}",
        )

    def folder(self) -> str:
        return f"{self._one('folders')}/{self._one('subfolders')}"

    def document(self) -> str:
        return self._of(
            lambda: f"{self._one('agreements')} {self._one('agreement_kinds')}",
            lambda: f"{self._word()} {self._one('agreement_kinds')}",
            lambda: f"{self._word()} {self._one('activities')} {self._one('agreement_kinds')}",
        )

    def country(self) -> str:
        return self._one("countries")

    def audience(self) -> str:
        return self._of(
            lambda: f"{self._one('audience_topics')} {self._one('audiences')}",
            lambda: f"{self._one('adjectives')} {self._one('audiences')}",
            lambda: f"{self._one('audiences').capitalize()} from the {self._name('nouns')}",
            lambda: f"{self._name('nouns')} {self._any(['Times', 'Post', 'Notes', 'Journal', 'Mail', 'Update'])}",
        )

    def cost_centre(self) -> str:
        return self._of(
            lambda: f"{self._one('teams')} {self._one('spending')}",
            lambda: f"{self._word()} {self._one('spending')}",
            lambda: f"CC-{self._number(101, 999)}",
        )

    def amount(self) -> str:
        return self._of(
            lambda: str(self._rng.randint(11, 99) * 100),
            lambda: str(self._rng.randint(20, 399) * 500),
            lambda: str(2 * self._rng.randint(551, 4_949) + 1),
        )

    def product(self) -> str:
        return self._of(
            lambda: f"{self._name('nouns')} {self._one('products')}",
            lambda: f"{self._one('adjectives')} {self._name('nouns')}",
            lambda: f"{self._name('nouns')}{self._any(['ly', 'ify', 'io', 'a', 'on'])} {self._number(2, 9)}",
        )
