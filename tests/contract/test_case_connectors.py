"""The contract of case connectors over Avain's own, and over one that exists only here: the suite asks nothing that only XML has."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape, quoteattr

from connectors.cases.base import FileConnector, Found, IdentityMode
from connectors.cases.contract import CaseConnectorContract
from connectors.cases.fhir.cases import FhirCases
from connectors.cases.fhir.lines import NAME
from connectors.cases.profile import Profile, load_profile
from connectors.cases.profile.targets import targets
from connectors.cases.record import parse_record
from connectors.cases.xml.client import XmlCases
from core.errors import RefusedInput
from tests.support.fhir_resources import file_of, resources


class JsonLines(FileConnector):
    """The fake: a case a line; the last line says how many there were."""

    def read_file(self, file: BinaryIO, *, identity: IdentityMode) -> Iterator[Found]:
        """See FileConnector.read_file."""
        for number, line in enumerate(file, start=1):
            try:
                data = json.loads(line)
            except ValueError as error:
                raise RefusedInput("Line {line} is not JSON.", line=number) from error
            if data == {"cases": number - 1}:
                return
            if identity == "none":
                data["client"].pop("identity", None)
            yield parse_record(data, str(number))
        raise RefusedInput("The file has no end.")


class TestJsonLines(CaseConnectorContract):
    """The connector of this file."""

    connector = JsonLines()

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        lines = "\n".join(json.dumps(one) for one in [*records, {"cases": len(records)}])
        return {"cases.jsonl": lines.encode()}


def foreign_profile() -> Profile:
    """A profile in which each field's path is its name."""
    lines = ["[profile]", 'name = "vienti"', "[xml]", 'root = "export"', 'record = "case"']
    for group in ("cases", "decisions", "plan_items"):
        lines += [f"[{group}]", *([] if group == "cases" else [f'each = "{group}"'])]
        lines += [f'{".".join(path)} = "{"/".join(path)}"' for path in targets(group)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vienti.toml"
        file.write_text("\n".join(lines), "utf-8")
        return load_profile(file, "xml")


class TestXml(CaseConnectorContract):
    """Avain's own form."""

    connector = XmlCases()

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        content = '<cases xmlns="urn:avain:cases:1">\n' + "\n".join(map(_case, records)) + "\n</cases>"
        return {"cases.xml": content.encode()}


class TestForeignXml(CaseConnectorContract):
    """An export that is read by a profile: every field an element, named after it."""

    connector = XmlCases(foreign_profile())

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        return {"vienti.xml": _element("export", {"case": records}).encode()}


class TestFhir(CaseConnectorContract):
    """The resources of a FHIR server, as its transport writes them down."""

    connector = FhirCases()

    def write(self, records: Sequence[dict[str, Any]]) -> dict[str, bytes]:
        lines, ids = list[dict[str, Any]](), set[str]()
        for number, record in enumerate(records):  # on a server, each id is there once, those of parts as well
            prefix = f"{number}." if len(records) > 1 else ""
            again = record["external_id"] in ids
            ids.add(record["external_id"])
            client = {**record["client"], "external_id": f"{prefix}{record['client']['external_id']}"}
            own = {"client": client, "external_id": f"{prefix * again}{record['external_id']}"}
            lines += resources({**record, **own}, prefix=prefix)
        return {NAME: file_of(lines)}


def _element(name: str, value: Any) -> str:
    if isinstance(value, str):
        return f"<{name}>{escape(value)}</{name}>"
    inside = ((one, each) for one, many in value.items() for each in (many if isinstance(many, Sequence) and not isinstance(many, str) else [many]))  # fmt: skip
    return f"<{name}>{''.join(_element(*each) for each in inside)}</{name}>\n"


def _case(record: dict[str, Any]) -> str:
    client = record["client"]
    shown = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in client.get("identity", {}).items())
    who = f"<identity>{shown}</identity>" if shown else ""
    inside = [f"<client {_some(client, id='external_id', nonDisclosure='non_disclosure')}>{who}</client>"]
    inside += [f"<responsibleWorker id={quoteattr(record['responsible_worker'])}/>"]
    inside += [
        f"<coWorker id={quoteattr(record['co_worker'])}/>",
        f"<supervisor id={quoteattr(record['supervisor'])}/>",
    ]
    inside += [f"<unit code={quoteattr(record['unit'])}/>"]
    for element, name in (("assessmentDate", "assessment_date"), ("planDate", "plan_date"), ("kykyviisariDate", "kykyviisari_date"), ("supportPerson", "support_person")):  # fmt: skip
        inside.append(f"<{element}>{record[name]}</{element}>")
    inside += [f"<goal>{escape(goal)}</goal>" for goal in record["goals"]]
    inside += map(_decision, record["decisions"])
    inside += map(_item, record["plan_items"])
    return f"<case {_some(record, id='external_id', status='status')}>{''.join(inside)}</case>"


def _decision(one: dict[str, Any]) -> str:
    names = {"standDate": "stand_date", "decidedOn": "decided_on", "validFrom": "valid_from", "validTo": "valid_to", "grantedAmount": "granted_amount"}  # fmt: skip
    inside = "".join(f"<{element}>{one[name]}</{element}>" for element, name in names.items() if name in one)
    if "baseline" in one:
        inside += f"<baseline {_some(one['baseline'], service='service', quantity='quantity', unit='unit')}/>"
    return f"<decision {_some(one, id='external_id', number='number')}>{inside}</decision>"


def _item(one: dict[str, Any]) -> str:
    own = {name: name for name in ("decision", "service", "quantity", "unit", "start", "end", "provider")}
    follow_up = (
        f"<followUp {_some(one['follow_up'], intervalDays='interval_days', planReviewMonths='plan_review_months')}/>"
    )
    return f"<planItem {_some(one, id='external_id', **own)}>{follow_up}</planItem>"


def _some(data: dict[str, Any], **names: str) -> str:
    return " ".join(f"{theirs}={quoteattr(data[ours])}" for theirs, ours in names.items() if ours in data)
