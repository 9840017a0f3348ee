"""FHIR in JSON and XML read as the same thing, and what is kept of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.cases.fhir import wire
from core.source_settings import Fhir

_JSON = b"""{"resourceType": "Bundle", "total": 2, "link": [{"relation": "next", "url": "x?a=1&b=2"}],
 "entry": [{"resource": {"resourceType": "Patient", "id": "1", "active": true, "name": [{"given": ["A", "B"]}],
   "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>x</div>"},
   "extension": [{"url": "urn:x", "valueDecimal": 1.50}]}}]}"""
_XML = b"""<Bundle xmlns="http://hl7.org/fhir"><total value="2"/><link><relation value="next"/><url value="x?a=1&amp;b=2"/></link>
 <entry><resource><Patient><id value="1"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text>
 <extension url="urn:x"><valueDecimal value="1.50"/></extension><active value="true"/><name><given value="A"/><given value="B"/></name>
 </Patient></resource></entry></Bundle>"""


@pytest.mark.parametrize(
    ("data", "kind"), [(_JSON, "application/fhir+json"), (_XML, "application/fhir+xml;charset=utf-8")]
)
def test_both_forms_say_the_same(data: bytes, kind: str) -> None:
    bundle = wire.parse(data, kind)
    assert bundle["resourceType"] == "Bundle"
    assert wire.text(bundle, "total") == "2"
    assert wire.text(bundle, "link", "url") == "x?a=1&b=2"
    (patient,) = wire.parts(bundle, "entry", "resource")
    assert wire.key_of(patient) == ("Patient", "1")
    assert wire.text(patient, "active") == "true"
    assert wire.parts(patient, "name", "given") == ["A", "B"]
    assert wire.text(patient, "extension", "url") == "urn:x"
    assert wire.text(patient, "extension", "valueDecimal") == "1.50", "as it was written"


@pytest.mark.parametrize(
    ("reference", "key"),
    [
        ("Patient/1", ("Patient", "1")),
        ("Patient/1/_history/3", ("Patient", "1")),
        ("https://a.test/fhir/Patient/1", ("Patient", "1")),
        ("https://b.test/fhir/Patient/1", None),
        ("https://a.test/fhirpatient/Patient/1", None),
        ("#inside", None),
        ("urn:uuid:6b8e6f6e-0000-4000-8000-000000000000", None),
        ("Patient/a b", None),
        ("Patient/../Organization/1", None),
    ],
)
def test_references_to_this_server(reference: str, key: wire.Key | None) -> None:
    assert wire.pointed_at(reference, ["https://a.test/fhir"]) == key


def _patient() -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": "1",
        "meta": {"security": [{"code": "TURVAKIELTO", "display": "x"}], "source": "y"},
        "identifier": [
            {"system": wire.HENKILOTUNNUS, "value": "131052-9074", "period": {}},
            {"system": "urn:other", "value": "7"},
        ],
        "name": [{"family": "Keksitty"}],
        "address": [{"city": "Turku"}],
    }


def test_of_a_patient_only_the_label_is_kept() -> None:
    assert wire.slim(_patient(), keep_identity=False) == {
        "resourceType": "Patient",
        "id": "1",
        "meta": {"security": [{"code": "TURVAKIELTO"}]},
    }


def test_identity_is_kept_where_it_will_be_sealed() -> None:
    kept = wire.slim(_patient(), keep_identity=True)
    assert kept["identifier"] == [{"system": wire.HENKILOTUNNUS, "value": "131052-9074"}]
    assert kept["name"] == [{"family": "Keksitty"}]
    assert "address" not in kept


def test_things_of_the_wrong_shape_are_passed_over() -> None:
    odd = {
        "resourceType": "EpisodeOfCare",
        "id": "1",
        "patient": "Patient/1",
        "status": {"x": 1},
        "team": [["a"], 3, None],
    }
    thin = wire.slim(odd, keep_identity=False)
    assert list(wire.followed(thin)) == []
    assert wire.text(thin, "status") is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"client_certificate": "a.pem"}, "client_certificate and client_key go together"),
        ({"token_url": "https://a.test/token", "client_id": "x"}, "token_url needs client_id and client_secret"),
        ({"token_url": "https://a.test/token", "bearer_token": "x"}, "bearer_token or token_url, not both"),
        ({"reading": {"extensions": {"other": "urn:x"}}}, "Input should be"),
    ],
)
def test_settings_that_do_not_fit_together(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Fhir(base_url="https://a.test/fhir", **settings)
