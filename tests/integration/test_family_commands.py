"""`avain family link|list|revoke`, and what is found of families' page: settings that do not go together, doctor's lines."""

import json

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner, Result

from cli import family
from core.errors import InputError, NotFound
from core.family_settings import Family
from core.i18n import speaking
from models.case import Client
from services.health import Ground, families
from tests.factories.case import make_case
from tests.support.browsing import settings_for
from tests.support.oidc_provider import OidcProvider

BROKER = {"issuer": "https://127.0.0.1:1/realms/county", "client_id": "avain"}


def avain(*arguments: str) -> Result:
    with speaking("en"):
        result = CliRunner().invoke(family.app, [*arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_while_it_is_off_the_command_says_how_to_turn_it_on(here):
    for arguments in (("link", "HB-2026-000001"), ("list", "HB-2026-000001"), ("revoke", "HB-2026-000001", "1")):
        with pytest.raises(InputError, match=r"enabled = true under \[family\]"):
            avain(*arguments)


def test_a_link_is_made_listed_and_taken_back(here):
    here.configure(family__enabled="true", family__public_url="https://oma.avain.test")
    with here.transaction() as session:
        number, hidden = make_case(session).number, make_case(session)
        session.get_one(Client, hidden.client_id).non_disclosure = True
        hidden_number = hidden.number
    tried = avain("link", number, "--dry-run").output
    assert "Dry run" in tried
    assert "/my/in/" not in tried, "nobody shall hand over what opens nothing"
    assert here.rows("SELECT FROM family_link") == []
    printed = avain("link", number, "--language", "sv", "--as", "aino").output
    assert "https://oma.avain.test/my/in/" in printed
    made = json.loads(avain("link", number, "--json").stdout)
    assert set(made) == {"link", "case", "address", "code", "until"}
    listed = json.loads(avain("list", number, "--json").stdout)
    assert [(one["link"], one["holder"], one["state"]) for one in listed] == [
        (made["link"], "client", "open"), (made["link"] - 1, "client", "open"),
    ]  # fmt: skip
    assert listed[1]["made_by"] == "cli:aino"
    assert made["code"] not in avain("list", number).stdout
    assert json.loads(avain("revoke", number, str(made["link"]), "--json").stdout)["ended"] == [made["link"]]
    assert "had ended already" in avain("revoke", number, str(made["link"])).stdout
    with pytest.raises(NotFound):
        avain("revoke", number, "999")
    with pytest.raises(NotFound):
        avain("list", "HB-1999-000001")
    with pytest.raises(InputError, match="turvakielto"):
        avain("link", hidden_number)
    with pytest.raises(InputError, match="these languages"):
        avain("link", number, "--language", "de")
    actors = [
        row.actor for row in here.rows("SELECT actor FROM audit_event WHERE action = 'family.link_made' ORDER BY id")
    ]
    assert actors[0] == "cli:aino"
    assert len(actors) == 2


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"public_url": "http://oma.avain.test"}, "https address without a path"),
        ({"public_url": "https://oma.avain.test/my"}, "https address without a path"),
        ({"enabled": True, "oidc": BROKER}, "where families reach"),
        ({"wrong_codes": 50}, "less than or equal"),
        ({"oidc": {**BROKER, "issuer": "http://a.test"}, "public_url": "https://a.test"}, "https address"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values, sentence):
    with pytest.raises(ValidationError, match=sentence):
        Family(**values)


def test_doctor_says_where_families_come_in_and_whether_they_can(here):
    def found(**values):
        ground = Ground(settings_for().model_copy(update={"family": Family(**values)}))
        return [(one.state, str(one.found)) for one in (*families.page(ground), *families.login(ground))]

    with speaking("en"):
        assert found() == []
        assert found(enabled=True) == [("warning", "reached on this machine only")]
        assert found(enabled=True, public_url="https://oma.avain.test") == [("ok", "https://oma.avain.test")]
        states = [one for one, _ in found(enabled=True, public_url="https://oma.avain.test", oidc=BROKER)]
        assert states == ["ok", "broken"]
        with OidcProvider() as provider:
            told = found(enabled=True, public_url="https://oma.avain.test", oidc=provider.settings)
            assert told[1] == ("warning", "any way of identifying oneself is taken")
            strong = {**provider.settings, "acr_values": ["high"]}
            assert found(enabled=True, public_url="https://oma.avain.test", oidc=strong)[1] == ("ok", provider.issuer)
