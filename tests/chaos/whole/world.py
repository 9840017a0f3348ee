"""A generated county and its day: who is there, what each source shows on the evening before and on the day, and when the day is.

Everything is drawn from `random.Random(seed)`, so a seed is a world. What follows from the day's changes does not depend on when in the day
they arrive: what is ordered in the morning keeps its price and its quantity, and what sources change is what nobody orders. Only so can a
day in which a list comes an hour late be held against one in which nothing happened. Names, numbers, prices and addresses are invented.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from itertools import count
from random import Random
from typing import Any, Final

from stdnum.fi import ytunnus

from core.follow_up_settings import FollowUps
from core.i18n import HELSINKI
from schedules.jobs import calendar
from tests.support.case_xml import export, item
from tests.support.order_sinks import CHANNEL_SETTINGS


@dataclass(frozen=True)
class Size:
    """How much there is: cases at the client information system, providers' price lists, orders made that morning, workers who get a mail."""

    cases: int
    lists: int
    orders: int
    reminders: int


FULL: Final = Size(cases=2_000, lists=20, orders=500, reminders=300)
SMALL: Final = Size(cases=200, lists=5, orders=50, reminders=30)

#: The day, by `seed % 4`: an ordinary one; the Monday after the night in which clocks go forward; the one after the night in which they go
#: back; another ordinary one. The nights of those Sundays belong to the day.
DAYS: Final = (date(2026, 11, 17), date(2026, 3, 30), date(2026, 10, 26), date(2027, 2, 10))
_SUNDAYS: Final = {1, 2}
ORDERED, REPLACED = "NEPSY", "PERHETYO"
#: Services whose prices the lists change; none of them is ordered on the day.
PLANNED: Final = tuple(f"SUUNNITELTU-{number}" for number in range(1, 9))
_CONTRACT: Final = (date(2026, 1, 1), date(2027, 12, 31))
#: Families who named their provider themselves; for the others it came from the client information system. One in so many.
FAMILIES_CHOOSE: Final = 4
_MONTHLY: Final = 7
_NEW, _GONE, _CHANGED, _UNKNOWN = 50, 100, 20, 2


@dataclass(frozen=True)
class PriceList:
    """A provider's list: under which name its source stands, how it is fetched, and its bytes on the evening before and on the day."""

    name: str
    business_id: str
    transport: str
    file_name: str
    before: bytes
    after: bytes


@dataclass(frozen=True)
class World:
    """All of it. `choices`: cases (their source's ids) whose families name a provider (a business id) on the evening before."""

    seed: int
    size: Size
    day: date
    evening: datetime
    #: The days whose nights are lived through, the last of them to the daily e-mail.
    nights: tuple[date, ...]
    services: str
    providers: str
    workers: str
    own_costs: str
    lists: tuple[PriceList, ...]
    cases_before: bytes
    cases_after: bytes
    #: One provider's lists come by e-mail; file names and e-mails. Each is moved away once it was read.
    mail_before: tuple[str, bytes]
    mail_after: tuple[str, bytes]
    absences_before: bytes
    absences_after: bytes
    choices: Mapping[str, str]
    channels: Mapping[str, str]


@dataclass
class _Making:
    """What the parts of a world have in common while it is made."""

    seed: int
    size: Size
    random: Random = field(init=False)
    day: date = field(init=False)
    business_ids: list[str] = field(init=False)
    #: Who sends its lists by e-mail.
    by_mail: str = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.day = DAYS[self.seed % len(DAYS)]
        numbers = _business_ids(self.random.randrange(9_100_000, 9_800_000))
        self.business_ids = [next(numbers) for _ in range(self.size.lists)]
        self.by_mail = next(numbers)

    @property
    def begins(self) -> date:
        """The first day of services that are ordered on the day."""
        return self.day + timedelta(days=14)


def make_world(seed: int, size: Size = FULL) -> World:
    """The world of a seed."""
    making = _Making(seed, size)
    channels = {one: list(CHANNEL_SETTINGS)[at % len(CHANNEL_SETTINGS)] for at, one in enumerate(making.business_ids)}
    before, after = _cases(making)
    sundays = seed % len(DAYS) in _SUNDAYS
    nights = (making.day - timedelta(days=1), making.day) if sundays else (making.day,)
    chosen = {
        f"C-{number}": making.business_ids[number % size.lists] for number in range(0, size.orders, FAMILIES_CHOOSE)
    }
    return World(
        seed=seed,
        size=size,
        day=making.day,
        evening=datetime.combine(nights[0] - timedelta(days=1), time(21, 30), HELSINKI),
        nights=nights,
        services=_services(),
        providers=_providers(making, channels),
        workers=_workers(making),
        own_costs=f'Palvelukoodi,Palvelu,Yksikkö,Hinta,Voimassa alkaen\n{REPLACED},perhetyö,käynti,"95,00",2026-01-01\n',
        lists=tuple(_price_list(making, at) for at in range(size.lists)),
        cases_before=before,
        cases_after=after,
        mail_before=_mail(making, changed=False),
        mail_after=_mail(making, changed=True),
        absences_before=_absences(making, changed=False),
        absences_after=_absences(making, changed=True),
        choices=chosen,
        channels=channels,
    )


def _business_ids(first: int) -> Iterator[str]:
    for number in count(first):
        for check in range(10):
            if ytunnus.is_valid(f"{number}-{check}"):
                yield f"{number}-{check}"


def _services() -> str:
    alternatives = json.dumps([ORDERED, *PLANNED])
    one = (
        '[[service]]\ncode = "{code}"\nname_fi = "{name}"\nunit = "C62"\naccounting_cost = "HB-41"\ncpv = "85320000"\n'
    )
    texts = [one.format(code=REPLACED, name="perhetyö") + f"alternatives = {alternatives}\n"]
    texts += [one.format(code=code, name=f"{code.lower()} (keksitty)") for code in (ORDERED, *PLANNED)]
    return "\n".join(texts)


def _providers(making: _Making, channels: Mapping[str, str]) -> str:
    texts = []
    for at, business_id in enumerate([*making.business_ids, making.by_mail]):
        channel = channels.get(business_id, "email")
        settings = ", ".join(f'{name} = "{value}"' for name, value in CHANNEL_SETTINGS[channel].items())
        # one list rises more than its contract allows: it is held, and the price manager is told
        rule = f'kind = "fixed", until = {_CONTRACT[1]}' if at == 1 else 'kind = "free"'
        monthly = 'order_period = "monthly"\n' if at % _MONTHLY == _MONTHLY - 1 else ""
        offers = "".join(
            f'[[provider.service]]\nservice = "{code}"\nvat_basis = "Soteri-rekisteröinti (keksitty)"\n'
            for code in (ORDERED, *PLANNED)
        )
        texts.append(
            f'[[provider]]\nbusiness_id = "{business_id}"\nname = "Tuottaja {at} Oy (keksitty)"\n{monthly}'
            f'email = "tilaukset-{at}@tuottaja.invalid"\nlanguage = "{("fi", "sv")[at % 2]}"\nchannel = "{channel}"\n'
            f"channel_settings = {{ {settings} }}\n"
            f'[[provider.contract]]\nnumber = "S-{at}"\nfirst = {_CONTRACT[0]}\nlast = {_CONTRACT[1]}\n'
            f"price_rule = {{ {rule} }}\n{offers}"
        )
    return "\n".join(texts)


def _workers(making: _Making) -> str:
    units = range(-(-making.size.reminders // 10))
    texts = [
        f'[[unit]]\ncode = "U-{one}"\nname = "Yksikkö {one} (keksitty)"\nsupervisor = "W-{one * 10}"\n'
        f'contact_email = "yksikko-{one}@avain-esimerkki.invalid"\n'
        for one in units
    ]
    texts += [
        f'[[worker]]\nid = "W-{one}"\nname = "Työntekijä {one} (keksitty)"\nunit = "U-{one // 10}"\n'
        f'email = "w-{one}@avain-esimerkki.invalid"\nlanguage = "{("fi", "sv")[one % 2]}"\n'
        for one in range(making.size.reminders)
    ]
    return "\n".join(texts)


def _price_list(making: _Making, at: int) -> PriceList:
    """The price of what is ordered stays; of the others some are another from a month after the day on, where the list changes at all."""
    business_id = making.business_ids[at]
    ordered = making.random.randrange(4_000, 9_000)
    prices = {code: making.random.randrange(4_000, 9_000) for code in PLANNED}
    begins = making.day + timedelta(days=30)
    same = [(ORDERED, ordered, date(2026, 1, 1)), *((code, cents, date(2026, 1, 1)) for code, cents in prices.items())]
    if at == 1:  # held: it may not rise
        changed = [*same[:-1], (PLANNED[-1], prices[PLANNED[-1]] + 500, begins)]
    elif at % 4 == 3:
        changed = same
    else:
        risen = making.random.sample(PLANNED, 3)
        changed = [
            (code, cents + making.random.randrange(-300, 900), begins) if code in risen else (code, cents, first)
            for code, cents, first in same
        ]
    https = at % 2 == 0
    write, suffix = (_as_json, "json") if at % 4 == 0 else (_as_csv, "csv")
    return PriceList(
        name=f"lista-{at:02}",
        business_id=business_id,
        transport="https" if https else "sftp",
        file_name=f"lista-{at:02}.{suffix}",
        before=write(business_id, same),
        after=write(business_id, changed),
    )


def _as_csv(_business_id: str, rows: list[tuple[str, int, date]]) -> bytes:
    lines = (f"{code};käynti;{cents // 100},{cents % 100:02};{first:%d.%m.%Y}" for code, cents, first in rows)
    return "\n".join(("Palvelukoodi;Yksikkö;Hinta;Voimassa alkaen", *lines, "")).encode()


def _as_json(business_id: str, rows: list[tuple[str, int, date]]) -> bytes:
    prices = [
        {"service": code, "unit": "C62", "price": f"{cents // 100}.{cents % 100:02}", "valid_from": first.isoformat()}
        for code, cents, first in rows
    ]
    return json.dumps({"version": 1, "business_id": business_id, "prices": prices}).encode()


def _mail(making: _Making, *, changed: bool) -> tuple[str, bytes]:
    """An e-mail with a list, and the name of its file."""
    first = date(2026, 1, 1)
    rows = [(PLANNED[0], 5_000, first), (PLANNED[1], 5_000, first)]
    if changed:
        rows[1] = (PLANNED[1], 5_150, making.day + timedelta(days=30))
    sent = "Tue, 03 Feb 2026 09:00:00 +0200" if changed else "Mon, 02 Feb 2026 09:00:00 +0200"
    name = "uusi" if changed else "vanha"
    made = EmailMessage(policy=SMTP)
    made["From"] = f"tilaukset-{making.size.lists}@tuottaja.invalid"
    made["Subject"], made["Date"] = "Hinnasto", sent
    made.set_content("Hei!")
    attached = _as_csv(making.by_mail, rows)
    made.add_attachment(attached, maintype="application", subtype="octet-stream", filename=f"{name}.csv")
    made.set_boundary(name)  # else it is drawn at random
    return f"{name}.eml", made.as_bytes()


def _absences(making: _Making, *, changed: bool) -> bytes:
    """Who is away, later in the year: whom the day's mails go to does not change by it."""
    first = making.day + timedelta(days=40)
    away = range(0, making.size.reminders - 1, 10)
    rows = [f"W-{one};{first};{first + timedelta(days=7 + one % 5)};W-{one + 1}\n" for one in away]
    if changed and len(rows) > 1:  # one comes back earlier, one is told of no more, one is new
        rows[0] = f"W-0;{first};{first + timedelta(days=2)};W-1\n"
        rows[1] = f"W-5;{first};{first + timedelta(days=9)};W-6\n"
    return "".join(("Työntekijä;Alkaa;Päättyy;Sijainen\n", *rows)).encode()


def _cases(making: _Making) -> tuple[bytes, bytes]:
    """Both exports. The first cases are ordered for on the day; of the next each worker has one whose start is to be looked at that day;
    of the rest some are new, some have changed, some are gone, and a few name a worker nobody knows.
    """
    size, others = making.size, making.size.orders + making.size.reminders
    numbers = list(range(size.cases + size.cases // _GONE - size.cases // _NEW))
    before = {number: _case(making, number) for number in numbers}
    after = dict(before)
    quiet = numbers[others:]
    for number in making.random.sample(quiet, size.cases // _GONE):
        del after[number]
        quiet.remove(number)
    for number in making.random.sample(quiet, size.cases // _CHANGED):
        after[number] = _case(making, number, changed=True)
    for number in range(len(numbers), len(numbers) + size.cases // _NEW):
        after[number] = _case(making, number)
    unknown = [
        _record(f"X-{one}", {"worker": f"W-tuntematon-{one}"}, making, (), goal="Keksitty") for one in range(_UNKNOWN)
    ]
    return export(*before.values()), export(*after.values(), *unknown)


def _case(making: _Making, number: int, *, changed: bool = False) -> str:
    """A case by its number: the same every time, but where it has changed."""
    size, drawn = making.size, Random(f"{making.seed}/{number}")
    worker = {"worker": f"W-{number % size.reminders}"}
    provider = making.business_ids[number % size.lists]
    if number < size.orders:
        chosen = None if number % FAMILIES_CHOOSE == 0 else provider
        ordered = item(
            decision="D", service=ORDERED, quantity=drawn.randrange(4, 13), provider=chosen,
            start=making.begins, end=making.begins + timedelta(days=drawn.randrange(60, 120)),
        )  # fmt: skip
        return _record(f"C-{number}", worker, making, (ordered,), assessed=True, goal="Arki sujuu")
    if number < size.orders + size.reminders:
        first = _start_looked_at_on(making.day)
        begun = item(
            decision="D", service=drawn.choice(PLANNED), quantity=drawn.randrange(4, 13), provider=provider,
            start=first, end=first + timedelta(days=90),
        )  # fmt: skip
        return _record(f"C-{number}", worker, making, (begun,), goal="Aamut ilman riitoja")
    quantity = drawn.randrange(4, 13) + (2 if changed else 0)
    planned = item(
        decision="D", service=drawn.choice(PLANNED), quantity=quantity, provider=provider if number % 2 else None,
        start=making.day + timedelta(days=20), end=making.day + timedelta(days=100),
    )  # fmt: skip
    return _record(f"C-{number}", worker, making, (planned,), goal="Uusi tavoite" if changed else "Tavoite")


def _start_looked_at_on(day: date) -> date:
    """The first day of a service whose start check is due on `day`."""
    settings = FollowUps()
    days = calendar(settings)
    return next(
        first
        for ago in range(1, 60)
        if days.includes(first := day - timedelta(days=ago)) and days.add(first, settings.start_working_days) == day
    )


def _record(
    id_: str, worker: dict[str, Any], making: _Making, items: tuple[str, ...], *, goal: str, assessed: bool = False
) -> str:
    """One record. Only of a case that was assessed, or has a plan, Avain orders by itself."""
    decided = making.day - timedelta(days=20)
    unit = f'<unit code="U-{int(worker["worker"][2:]) // 10}"/>' if worker["worker"][2:].isdigit() else ""
    assessment = f"<assessmentDate>{decided - timedelta(days=30)}</assessmentDate>" if assessed else ""
    money = (
        "<grantedAmount>2000.00</grantedAmount>"
        if assessed
        else f'<baseline service="{REPLACED}" quantity="14" unit="C62"/>'
    )
    return (
        f'<case id="{id_}" status="open"><client id="K-{id_}"/><responsibleWorker id="{worker["worker"]}"/>{unit}{assessment}'
        f"<goal>{goal}</goal>"
        f'<decision id="D" number="P-{id_}"><decidedOn>{decided}</decidedOn><validFrom>{decided}</validFrom>'
        f"<validTo>{making.day + timedelta(days=300)}</validTo>{money}</decision>{''.join(items)}</case>"
    )
