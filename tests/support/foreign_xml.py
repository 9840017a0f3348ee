"""A foreign export, and the profile that reads it: for tests that care how XML is read."""

from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from connectors.cases.profile import Profile, load_profile

PROFILE = """
[profile]
name = "vienti"
[xml]
root = "v:Vienti"
record = "v:Asiakkuus"
gone = "v:Poistettu"
gone_id = "@tunnus"
decimal_comma = true
[xml.namespaces]
v = "urn:esimerkki:vienti"
[cases]
external_id = "@tunnus"
status = { from = "v:Tila", codes = "status", default = "open" }
client.external_id = "v:Asiakas/@viite"
client.non_disclosure = { from = "v:Asiakas/v:Turvakielto", codes = "yes" }
client.identity.henkilotunnus = "v:Asiakas/v:Hetu"
client.identity.name = "v:Asiakas/v:Nimi"
responsible_worker = "v:Omatyontekija/@tunnus"
co_worker = "v:Tyopari"
supervisor = "v:Esihenkilo/@tunnus"
unit = "v:Yksikko"
assessment_date = { from = "v:Arvio", date = "%d.%m.%Y" }
plan_date = "v:Suunnitelma"
support_person = { from = "v:Tukihenkilo", codes = "yes" }
goals = "v:Tavoite"
[decisions]
each = "v:Paatokset/v:Paatos"
external_id = "@nro"
number = "@numero"
decided_on = { from = "v:Pvm", date = "%d.%m.%Y" }
valid_from = "v:Alkaen"
valid_to = "v:Saakka"
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
unit = { from = "v:Maara/@yks", codes = "unit", default = "C62" }
start = "v:Alkaa"
end = "v:Loppuu"
provider = "v:Tuottaja"
follow_up.interval_days = "v:Seuranta/@vali"
follow_up.start_working_days = "v:Seuranta/@alku"
[codes.status]
AVOIN = "open"
"*" = "closed"
[codes.yes]
K = true
E = false
[codes.unit]
kpl = "C62"
h = "HUR"
"""
SPACE = ' xmlns:v="urn:esimerkki:vienti"'


def profile(folder: Path, text: str = PROFILE) -> Profile:
    """The profile, loaded from a file as everywhere."""
    path = folder / "vienti.toml"
    path.write_text(text, "utf-8")
    return load_profile(path, "xml")


def record(id_: str = "A", *more: str, inside: str | None = None, **attributes: str) -> str:
    """A record that is right; `inside` replaces what is in it, `more` is added."""
    body = (
        '<v:Tila>AVOIN</v:Tila><v:Asiakas viite="K-1"/><v:Omatyontekija tunnus="W-101"/>'
        '<v:Paatokset><v:Paatos nro="D-1" numero="HB-1"><v:Pvm>9.11.2026</v:Pvm><v:Korvaa laji="PERHETYO" maara="12" yks="kpl"/></v:Paatos></v:Paatokset>'
        '<v:Palvelu nro="I-1" paatos="D-1"><v:Laji>NEPSY</v:Laji><v:Maara yks="h">10,5</v:Maara><v:Alkaa>2026-11-23</v:Alkaa>'
        "<v:Loppuu>22.2.2027</v:Loppuu></v:Palvelu>"
    )
    extra = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return (
        f"<v:Asiakkuus tunnus={quoteattr(id_)}{extra}>{body if inside is None else inside}{''.join(more)}</v:Asiakkuus>"
    )


def element(name: str, text: str | None = None, **attributes: str) -> str:
    """An element of the export's namespace; None gives none."""
    given = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    return f"<v:{name}{given}>{escape(text or '')}</v:{name}>"


def export(*records: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> bytes:
    """A document of the records, one a line."""
    return f"{head}<v:Vienti{SPACE}>\n{chr(10).join(records)}\n</v:Vienti>\n".encode()
