"""The papers for reviewers that are made from lists: the lists are right about tables and settings, and what was made of them is theirs."""

import re
from xml.etree.ElementTree import fromstring

import pytest
from sqlalchemy import Column, MetaData, Table, Text

import models
from core.console_settings import Console
from core.mail_settings import Mail
from core.settings import Settings
from deploy.review import flows, stored
from deploy.review.pages import DRAWING, PAGES, filled
from tests.support.settings_paths import setting_exists


def test_every_table_and_every_column_is_named():
    assert stored.faults(models.metadata) == []


def with_one_more(table: str, column: str) -> MetaData:
    metadata = MetaData()
    for one in models.metadata.tables.values():
        one.to_metadata(metadata)
    if table not in metadata.tables:
        Table(table, metadata)
    metadata.tables[table].append_column(Column(column, Text))
    return metadata


def test_a_new_column_and_a_new_table_are_missed():
    """Whoever adds one is asked whether it is about a person."""
    assert stored.faults(with_one_more("client", "street")) == ["client.street: say whether it is about a person"]
    (missed,) = stored.faults(with_one_more("neighbour", "name"))
    assert missed.startswith("neighbour: say in docs/review/stored-data.toml")


def test_identity_stands_where_the_page_says_and_nowhere_else():
    """Names, henkilötunnus and addresses of clients: one sealed column, beside its copy of a reading that waits."""
    tables, _, _ = stored.read()
    clients = [one for one in tables if "client" in one.about]
    telling = re.compile(r"name|hetu|henkilo|address|birth|phone|email|street")
    assert [f"{one.table}.{name}" for one in clients for name in one.named if telling.search(name)] == [
        "incoming_document.file_name",
        "rejected_record.file_name",
    ]


@pytest.mark.parametrize("name", PAGES)
def test_pages_show_what_the_lists_say(name):
    text = (stored.FOLDER / name).read_text("utf-8")
    assert text == filled(text, name), "run: make review"


def test_the_drawing_is_of_the_list():
    assert (stored.FOLDER / DRAWING).read_text("utf-8") == flows.drawing(), "run: make review"


def test_the_drawing_shows_every_flow_and_fetches_nothing():
    drawn = fromstring(flows.drawing())
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    _, all_flows = flows.read()
    assert {str(one.number) for one in all_flows} <= set(texts)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|<script|<image|href", flows.drawing())


def test_every_setting_that_a_flow_names_exists():
    _, all_flows = flows.read()
    for one in all_flows:
        for named in re.findall(r"`([^`]+)`", one.setting):
            assert setting_exists(Settings, named), f"{one.number}: {named}"


def test_ports_are_those_of_the_settings():
    _, all_flows = flows.read()
    ports = {(one.origin.id, one.target.id): one.port for one in all_flows}
    assert ports["proxy", "console"] == str(Console().port)
    assert str(Mail().port) in ports["workers", "mail"]
