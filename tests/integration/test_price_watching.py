"""Prices that are missing or will end, as the price manager hears of them; and what a family chooses a provider by."""

from datetime import date

import pytest
from pydantic import ValidationError

from cli.labels import facts_in_words
from core.i18n import speaking
from core.source_settings import PriceListSource
from services.prices.watching import ending_soon, missing_years
from services.reference_data.providers import Facts
from tests.factories.price import make_price, make_price_key, make_price_list, make_price_source
from tests.factories.provider import make_contract, make_provider, make_provider_service
from tests.factories.service import make_service

JULY, NOVEMBER = date(2026, 7, 1), date(2026, 11, 16)


def missing(session, today):
    return [(one.provider, one.service, one.year) for one in missing_years(session, today)]


def test_what_is_agreed_and_has_no_price_is_missing(session):
    service, other = make_service(session), make_service(session)
    provider = make_provider(session, services=[service, other])
    make_contract(session, provider)
    make_price(session, service, provider, first=date(2026, 1, 1), last=date(2026, 12, 31))
    assert missing(session, JULY) == [(provider.name, other.code, 2026)]
    assert sorted(missing(session, NOVEMBER)) == sorted(
        [(provider.name, other.code, 2026), (provider.name, other.code, 2027), (provider.name, service.code, 2027)]
    )
    assert missing(session, date(2028, 7, 1)) == [], "no contract is in force then"
    provider.active = False
    session.flush()
    assert missing(session, NOVEMBER) == []


def test_an_extra_is_no_price_of_the_service(session):
    service = make_service(session)
    provider = make_provider(session, services=[service])
    make_contract(session, provider)
    make_price(session, service, provider, key=make_price_key(session, service, provider, extra="travel"))
    assert missing(session, JULY) == [(provider.name, service.code, 2026)]


def test_a_price_ends_only_where_none_comes_after(session):
    service, followed = make_service(session), make_service(session)
    provider = make_provider(session)
    for one in (service, followed):
        make_provider_service(session, provider, one)
    listed = make_price_list(session, make_price_source(session, provider))
    ends = {"first": date(2026, 1, 1), "last": date(2026, 12, 31), "price_list": listed}
    make_price(session, service, provider, **ends)
    key = make_price_key(session, followed, provider)
    make_price(session, followed, provider, key=key, **ends)
    make_price(session, followed, provider, key=key, first=date(2027, 1, 1), price_list=listed)
    make_price(session, service, first=date(2026, 1, 1), last=date(2026, 12, 1))
    assert [(one.provider, one.service, one.last) for one in ending_soon(session, NOVEMBER, 60)] == [
        ("", service.code, date(2026, 12, 1)),
        (provider.name, service.code, date(2026, 12, 31)),
    ]
    assert ending_soon(session, NOVEMBER, 10) == []
    assert ending_soon(session, date(2027, 1, 1), 60) == [], "what has ended is missing, not ending"


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
