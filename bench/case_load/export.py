"""A generated export of cases in a foreign format, and the profile that reads it. Everything in it is invented."""

from pathlib import Path
from typing import Final

NAMESPACE: Final = "urn:esimerkki:vienti"
RECORD: Final = f"{{{NAMESPACE}}}Asiakkuus"
WORKERS: Final = 200
UNITS: Final = 20
SERVICES: Final = ("NEPSY", "ADHD", "TUKI", "PERHETYO")

PROFILE: Final = """\
[profile]
name = "vienti"
[xml]
root = "v:Vienti"
record = "v:Asiakkuus"
decimal_comma = true
[xml.namespaces]
v = "urn:esimerkki:vienti"
[cases]
external_id = "@tunnus"
status = { from = "v:Tila", codes = "status" }
client.external_id = "v:Asiakas/@viite"
client.non_disclosure = { from = "v:Asiakas/v:Turvakielto", codes = "yes" }
responsible_worker = "v:Omatyontekija/@tunnus"
unit = "v:Yksikko"
assessment_date = { from = "v:Arvio", date = "%d.%m.%Y" }
plan_date = { from = "v:Suunnitelma", date = "%d.%m.%Y" }
support_person = { from = "v:Tukihenkilo", codes = "yes" }
goals = "v:Tavoite"
[decisions]
each = "v:Paatos"
external_id = "@nro"
number = "@numero"
decided_on = { from = "v:Pvm", date = "%d.%m.%Y" }
valid_from = { from = "v:Alkaen", date = "%d.%m.%Y" }
valid_to = { from = "v:Saakka", date = "%d.%m.%Y" }
granted_amount = "v:Myonnetty"
baseline.service = "v:Korvaa/@laji"
baseline.quantity = "v:Korvaa/@maara"
baseline.unit = { from = "v:Korvaa/@yks", codes = "unit" }
[plan_items]
each = "v:Palvelu"
external_id = "@nro"
decision = "@paatos"
service = "v:Laji"
quantity = "v:Maara"
unit = { from = "v:Maara/@yks", codes = "unit" }
start = { from = "v:Alkaa", date = "%d.%m.%Y" }
end = { from = "v:Loppuu", date = "%d.%m.%Y" }
[codes.status]
AVOIN = "open"
PAATTYNYT = "closed"
[codes.yes]
K = true
E = false
[codes.unit]
kpl = "C62"
h = "HUR"
"""


def write(path: Path, cases: int) -> None:
    """So many cases: one decision each, one or two planned services, about 780 bytes."""
    with path.open("w", encoding="utf-8") as out:
        out.write(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<v:Vienti xmlns:v="{NAMESPACE}" aika="2026-11-16T02:00:00">\n'
        )
        for number in range(cases):
            out.write(_case(number))
        out.write("</v:Vienti>\n")


def _case(n: int) -> str:
    day = 1 + n % 28
    basis = (
        f"<v:Myonnetty>{900 + n % 500},50</v:Myonnetty>"
        if n % 4 == 0
        else f'<v:Korvaa laji="PERHETYO" maara="{10 + n % 5}" yks="kpl"/>'
    )
    items = "".join(_item(n, which, day) for which in range(1 + n % 2))
    return f"""<v:Asiakkuus tunnus="A{n}">
  <v:Tila>{"AVOIN" if n % 10 else "PAATTYNYT"}</v:Tila><v:Asiakas viite="K{n}"><v:Turvakielto>{"E" if n % 50 else "K"}</v:Turvakielto></v:Asiakas>
  <v:Omatyontekija tunnus="W-{101 + n % WORKERS}"/><v:Yksikko>U-{1 + n % UNITS}</v:Yksikko>
  <v:Arvio>{day}.9.2026</v:Arvio><v:Suunnitelma>{day}.10.2026</v:Suunnitelma><v:Tukihenkilo>{"K" if n % 3 else "E"}</v:Tukihenkilo>
  <v:Tavoite>Arjen rytmi löytyy yhdessä</v:Tavoite>
  <v:Paatos nro="P{n}" numero="HB-{n}/2026"><v:Pvm>{day}.11.2026</v:Pvm><v:Alkaen>{day}.11.2026</v:Alkaen><v:Saakka>28.2.2027</v:Saakka>{basis}</v:Paatos>
  {items}
</v:Asiakkuus>
"""


def _item(n: int, which: int, day: int) -> str:
    return (
        f'<v:Palvelu nro="S{n}-{which}" paatos="P{n}"><v:Laji>{SERVICES[(n + which) % 3]}</v:Laji>'
        f'<v:Maara yks="{("kpl", "h")[which]}">{10 + (n + which) % 20},5</v:Maara><v:Alkaa>{day}.11.2026</v:Alkaa>'
        f"<v:Loppuu>{day}.2.2027</v:Loppuu></v:Palvelu>"
    )
