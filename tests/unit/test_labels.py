"""Every code that a table shows has words. (Actions of the audit trail: test_audit_purposes.py.)"""

import pytest

from connectors.channels.registry import CHANNELS
from core.i18n import speaking
from services.audit_actions import action_name
from services.labels import _FIELDS, channel_name, counts_in_words, field_name, kind_name
from services.work import KINDS


@pytest.mark.parametrize("language", ["fi", "sv"])
def test_every_channel_and_kind_of_work_has_words(language):
    with speaking(language):
        assert [code for code in CHANNELS if channel_name(code) == code] == []
        assert [code for code in (*KINDS, "poison") if kind_name(code) == code] == []


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
