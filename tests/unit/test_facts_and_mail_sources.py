"""What a family chooses a provider by, and how a source of e-mails is set up."""

import pytest
from pydantic import ValidationError

from core.i18n import speaking
from core.source_settings import PriceListSource
from services.compare.words import facts_in_words
from services.reference_data.providers import Facts


def test_facts_have_a_shape():
    facts = Facts.model_validate(
        {"areas": ["Pori"], "languages": ["fi", "sv"], "home_visits": False, "earliest_start": "2027-01-11"}
    )
    kept = facts.model_dump(mode="json", exclude_none=True)
    with speaking("en"):
        assert facts_in_words(kept) == "Pori, fi, sv, no home visits, starts on 2027-01-11"
        assert (
            facts_in_words({"home_visits": True, "specialisation": ["ADHD"], "earliest_start_days": 7})
            == "ADHD, home visits, starts in 7 d"
        )
    for wrong in (
        {"colour": "red"},
        {"languages": ["suomi"]},
        {"earliest_start": "2027-01-11", "earliest_start_days": 7},
    ):
        with pytest.raises(ValidationError):
            Facts.model_validate(wrong)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "mail", "provider": "9999997-6", "path": "in"},
        {"kind": "mail", "transport": {"kind": "https", "url": "https://files.example.fi/in"}},
        {"kind": "provider", "path": "in"},
        {"kind": "mail"},
    ],
)
def test_a_mail_source_is_of_all_providers_and_in_a_folder(settings):
    with pytest.raises(ValidationError):
        PriceListSource.model_validate(settings)


@pytest.mark.parametrize(
    ("path", "place"),
    [("in/mail", "in/mail/*.eml"), ("in/mail/", "in/mail/*.eml"), ("in/*.EML", "in/*.EML"), ("a.eml", "a.eml")],
)
def test_a_folder_of_mails_stands_for_its_mails(path, place):
    assert PriceListSource(kind="mail", path=path).place == place
