"""`python by_dlt.py FILE DATABASE_URL`: the same load by dlt (merge by primary key), in an environment of its own; prints seconds.

Run by the interpreter that has dlt, so it imports nothing of Avain. Values are converted and split into the same three tables.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt
from lxml import etree

V = "{urn:esimerkki:vienti}"


def day(text: str | None) -> str | None:
    """28.2.2027 as 2027-02-28."""
    if not text:
        return None
    d, m, y = text.split(".")
    return f"{y}-{int(m):02d}-{int(d):02d}"


def records(path: str) -> Iterator[dict[str, Any]]:
    """Each case with its decisions and planned services, as nested tables."""
    for _, e in etree.iterparse(path, events=("end",), tag=f"{V}Asiakkuus"):
        yield {
            "external_id": e.get("tunnus"),
            "client": e.find(f"{V}Asiakas").get("viite"),
            "non_disclosure": e.findtext(f"{V}Asiakas/{V}Turvakielto") == "K",
            "responsible_worker": e.find(f"{V}Omatyontekija").get("tunnus"),
            "unit": e.findtext(f"{V}Yksikko"),
            "status": {"AVOIN": "open", "PAATTYNYT": "closed"}[e.findtext(f"{V}Tila")],
            "assessment_date": day(e.findtext(f"{V}Arvio")),
            "plan_date": day(e.findtext(f"{V}Suunnitelma")),
            "support_person": e.findtext(f"{V}Tukihenkilo") == "K",
            "goal": e.findtext(f"{V}Tavoite"),
            "decisions": [
                {
                    "external_id": p.get("nro"),
                    "number": p.get("numero"),
                    "decided_on": day(p.findtext(f"{V}Pvm")),
                    "valid_from": day(p.findtext(f"{V}Alkaen")),
                    "valid_to": day(p.findtext(f"{V}Saakka")),
                    "granted_amount": (p.findtext(f"{V}Myonnetty") or "").replace(",", ".") or None,
                }
                for p in e.iterchildren(f"{V}Paatos")
            ],
            "items": [
                {
                    "external_id": s.get("nro"),
                    "decision": s.get("paatos"),
                    "service": s.findtext(f"{V}Laji"),
                    "quantity": s.findtext(f"{V}Maara").replace(",", "."),
                    "starts": day(s.findtext(f"{V}Alkaa")),
                    "ends": day(s.findtext(f"{V}Loppuu")),
                }
                for s in e.iterchildren(f"{V}Palvelu")
            ],
        }
        e.clear()


def main() -> None:
    """Load."""
    path, url = sys.argv[1:3]
    pipeline = dlt.pipeline("cases", destination=dlt.destinations.postgres(url), dataset_name="by_dlt")
    resource = dlt.resource(records(path), name="cases", write_disposition="merge", primary_key="external_id")
    begun = time.perf_counter()
    pipeline.run(resource)
    print(json.dumps({"seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main()
