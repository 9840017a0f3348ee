"""Every code that a table shows has words."""

import re
from pathlib import Path

import pytest

from connectors.channels.registry import CHANNELS
from core.faults import FAULT_POINTS
from core.i18n import speaking
from services.labels import _FIELDS, action_name, channel_name, counts_in_words, field_name, kind_name
from services.work import KINDS

ROOT = Path(__file__).resolve().parents[2]
ACT = re.compile(
    r"\"((?:budget|case|choice|clock|database|invoice|job|order|price_column|price_list|price_mail|rejected|run|source)\.[a-z_]+)\""
)
#: What is imported is said once for all kinds (services/reference_data/reading.py).
IMPORTED = re.compile(r"return record\(session, actor, \"([a-z]+)\"")
RECORDED = sorted(
    {
        f"{what}.imported"
        for path in (ROOT / "services" / "reference_data").glob("*.py")
        for what in IMPORTED.findall(path.read_text("utf-8"))
    }
    | {
        act
        for folder in ("cli", "services")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "labels.py"
        for act in ACT.findall(path.read_text("utf-8"))
        if act not in FAULT_POINTS
    }
)


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_every_channel_kind_of_work_and_recorded_act_has_words(language):
    assert {"order.approved", "case.viewed", "choice.made", "price_mail.assigned"} <= set(RECORDED)
    assert {"providers.imported", "services.imported", "workers.imported"} <= set(RECORDED)
    with speaking(language):
        assert [code for code in CHANNELS if channel_name(code) == code] == []
        assert [code for code in (*KINDS, "poison") if kind_name(code) == code] == []
        assert [code for code in RECORDED if action_name(code) == code] == []


def test_fields_within_fields_and_figures_are_words():
    with speaking("fi"):
        assert field_name("plan_items.end") == "suunniteltu palvelu: viimeinen päivä"
        assert field_name("decisions.number") == "päätös: numero"
        assert field_name(None) == ""
        assert counts_in_words({"bytes": 10, "files": 2}) == "tiedostoja 2, tavua 10"
        assert counts_in_words({"odd": 1, "gone": 0, "read": 3}) == "luettu 3, poistunut 0, odd 1"


def test_a_code_without_words_is_shown_as_it_is():
    assert (channel_name("pigeon"), kind_name("new_kind"), action_name("a.b"), field_name("x")) == (
        "pigeon",
        "new_kind",
        "a.b",
        "x",
    )


def test_every_field_of_a_case_record_has_words():
    from connectors.cases.record import CaseRecord

    schema = CaseRecord.model_json_schema()
    names = {name for shape in (schema, *schema["$defs"].values()) for name in shape.get("properties", {})}
    with speaking("fi"):
        assert sorted(name for name in names if field_name(name) == name) == []


def test_every_field_of_a_price_has_words():
    from connectors.prices.json.wire import PriceItem, Vat

    assert {*PriceItem.model_fields, *Vat.model_fields} <= _FIELDS.keys()
