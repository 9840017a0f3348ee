"""Services, providers and workers from files; every mistake named by its path; the demo's own files and prices."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text

from connectors.prices import read_price_list
from core.errors import InputError
from core.settings import ROOT
from core.source_settings import PriceListSource
from demo import make_price_files
from services import prices
from services.reference_data import import_providers, import_services, import_workers, listing
from tests.factories.price import make_run

NOW = datetime(2026, 11, 16, 4, 0, tzinfo=UTC)
DATA = ROOT / "demo" / "data"
SERVICE = '[[service]]\ncode = "A"\nname_fi = "a"\n'
PROVIDER = """
[[provider]]
business_id = "9999996-8"
name = "Esimerkki Oy"
email = "a@b.invalid"
[[provider.contract]]
number = "S"
first = 2026-01-01
last = 2026-12-31
price_rule = { kind = "free" }
[[provider.service]]
service = "A"
vat_basis = "Soteri"
"""


@pytest.fixture
def demo(session):
    """The demo's reference data."""
    return [
        import_services(session, DATA / "services.toml", NOW, "cli:test"),
        import_providers(session, DATA / "providers.toml", NOW, "cli:test"),
        import_workers(session, DATA / "workers.toml", NOW, "cli:test"),
    ]


@pytest.fixture
def write(tmp_path):
    """A file with some content."""

    def write(content: str | bytes) -> Path:
        path: Path = tmp_path / "file.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_importing_again_changes_nothing(session, demo):
    assert [one.to_json() for one in demo] == [
        {"added": 9, "changed": 0, "unchanged": 0},
        {"added": 18, "changed": 0, "unchanged": 0},
        {"added": 5, "changed": 0, "unchanged": 0},
    ]
    session.expire_all()
    for how, name in (
        (import_services, "services"),
        (import_providers, "providers"),
        (import_workers, "workers"),
    ):
        again = how(session, DATA / f"{name}.toml", NOW, "cli:test")
        assert (again.added, again.changed) == (0, 0)
    acts = session.execute(text("SELECT action, subject, actor FROM audit_event ORDER BY id")).all()
    assert [tuple(act) for act in acts] == [
        ("services.imported", "file:services.toml", "cli:test"),
        ("providers.imported", "file:providers.toml", "cli:test"),
        ("workers.imported", "file:workers.toml", "cli:test"),
    ]


def test_what_was_imported_is_listed(session, demo):
    services = {row["code"]: row for row in listing.services(session)}
    assert services["PERHETYO"]["alternatives"] == ["ADHD-VALMENNUS", "MUSIIKKIPAJA", "NEPSY-VALMENNUS", "TUKIHENKILO"]
    providers = {row["business_id"]: row for row in listing.providers(session)}
    assert providers["9999997-6"]["services"] == ["NEPSY-VALMENNUS", "TUKIHENKILO"]
    assert providers["9999997-6"]["contract_until"] == date(2027, 12, 31)
    workers = {row["id"]: row for row in listing.workers(session, NOW.date())}
    assert (workers["W-102"]["language"], workers["W-102"]["supervisor"]) == ("sv", "W-900")
    assert (
        session.execute(text("SELECT endpoint_id FROM provider WHERE business_id = '9999996-8'")).scalar()
        == "003799999968"
    )


def test_a_correction_changes_only_its_rows(session, demo, write):
    changed = (DATA / "providers.toml").read_text("utf-8").replace("toimisto@tukipolku", "tilaukset@tukipolku")
    result = import_providers(session, write(changed), NOW, "cli:test")
    assert (result.changed, result.codes) == (1, ["9999997-6"])
    moved = (DATA / "workers.toml").read_text("utf-8").replace('supervisor = "W-900"', 'supervisor = "W-103"')
    assert import_workers(session, write(moved), NOW, "cli:test").codes == ["U-1"]


@pytest.mark.parametrize(
    ("how", "content", "said"),
    [
        (import_services, "not toml", "TOML"),
        (import_services, b"\xff\xfe", "TOML"),
        (import_services, "", "service"),
        (import_services, SERVICE + 'unit = "kenkä"\n', "service[1] (A).unit"),
        (import_services, SERVICE + 'nmae = "x"\n', "service[1] (A).nmae"),
        (import_services, SERVICE + 'alternatives = ["B"]\n', "B"),
        (import_services, SERVICE + 'alternatives = ["A"]\n', "service[1] (A)"),
        (import_services, SERVICE + SERVICE, "code A"),
        (import_services, '[[service]]\ncode = "A"\n', "service[1] (A).name_fi"),
        (import_providers, PROVIDER.replace("9999996-8", "9999996-7"), "provider[1] (Esimerkki Oy).business_id"),
        (
            import_providers,
            PROVIDER.replace("a@b.invalid", "a@b.invalid, c@d.invalid"),
            "provider[1] (Esimerkki Oy).email",
        ),
        (import_providers, PROVIDER.replace("a@b.invalid", "a@b.invalid\\nBcc: x@y.invalid"), "email"),
        (import_providers, PROVIDER.replace("a@b.invalid", "a@b..invalid"), "email"),
        (import_providers, PROVIDER.replace('email = "a@b.invalid"\n', ""), "email"),
        (import_providers, PROVIDER.replace("2026-12-31", "2025-12-31"), "contract[1].last: is before the first day"),
        (
            import_providers,
            PROVIDER.replace("2026-12-31", "9999-12-31"),
            "contract[1].last: must be at most 2999-12-31",
        ),
        (import_providers, PROVIDER.replace('name = "Esimerkki Oy"', 'name = ""'), "name: is missing"),
        (import_providers, PROVIDER.replace('{ kind = "free" }', '{ kind = "fixed" }'), "price_rule.fixed.until"),
        (import_providers, PROVIDER.replace('vat_basis = "Soteri"', ""), "service[1] (A)"),
        (import_providers, PROVIDER + "vat_rate = 0.255\n", "service[1] (A)"),
        (import_providers, PROVIDER + 'vat_category = "S"\n', "service[1] (A)"),
        (import_providers, PROVIDER, "A"),
        (import_providers, PROVIDER + PROVIDER, "9999996-8"),
        (import_workers, '[[worker]]\nid = "W"\nname = "n"\nunit = "U"\n', "U"),
        (import_workers, '[[unit]]\ncode = "U"\nname = "n"\nsupervisor = "W-1"\n', "W-1"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_written(session, write, how, content, said):
    with pytest.raises(InputError) as refused, session.begin_nested():
        how(session, write(content), NOW, "cli:test")
    assert said in str(refused.value)
    assert session.execute(text("SELECT count(*) FROM audit_event")).scalar() == 0


def test_how_orders_go_out_and_on_what_terms(session, write):
    import_services(session, write(SERVICE), NOW, "cli:test")
    told = PROVIDER.replace(
        "[[provider.contract]]",
        'channel = "sftp"\norder_period = "monthly"\nchannel_settings = { connection = "x", profile = "ordering" }\n'
        '[[provider.contract]]\nno_show_terms = "Puolet."\ncancellation_terms = "Kaksi viikkoa."',
    )
    assert import_providers(session, write(told), NOW, "cli:test").added == 3
    assert import_providers(session, write(told), NOW, "cli:test").changed == 0
    row = session.execute(text("SELECT * FROM provider JOIN contract ON provider_id = provider.id")).mappings().one()
    assert (row["channel"], row["order_period"]) == ("sftp", "monthly")
    assert row["channel_settings"] == {"connection": "x", "profile": "ordering"}
    assert (row["no_show_terms"], row["cancellation_terms"]) == ("Puolet.", "Kaksi viikkoa.")
    with pytest.raises(InputError, match=r"orders cannot reach 9999996-8: .*connection x"):
        import_providers(session, write(told), NOW, "cli:test", connections={})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('{ profile = "orderin" }', r"channel_settings\.profile: 'orderin' is not allowed"),
        ('{ attach_xml = "perhaps" }', r"channel_settings\.attach_xml: must be true or false"),
        ('{ folder = "x" }', r"channel_settings\.folder: is nothing this channel knows"),
        ('{ token = "x" }', r"channel_settings\.token: unknown key"),
    ],
)
def test_a_setting_the_channel_has_not_is_named(session, write, settings, said):
    wrong = PROVIDER.replace("[[provider.c", f"channel_settings = {settings}\n[[provider.c")
    with pytest.raises(InputError, match=said):
        import_providers(session, write(wrong), NOW, "cli:test")


def test_a_file_that_is_not_there_or_too_large(session, tmp_path, monkeypatch):
    with pytest.raises(InputError):
        import_services(session, tmp_path / "nothing.toml", NOW, "cli:test")
    monkeypatch.setattr("services.reference_data.reading.LARGEST_FILE", 3)
    with pytest.raises(InputError):
        import_services(session, DATA / "services.toml", NOW, "cli:test")


def test_the_price_files_are_what_their_script_writes():
    for name, content in make_price_files.files().items():
        assert (make_price_files.FOLDER / name).read_bytes() == content, name


def test_the_demo_lists_are_read_and_one_row_is_rejected(session, demo):
    found = {}
    for name, file, provider in (
        ("esimerkkivalmennus", "esimerkkivalmennus.csv", "9999996-8"),
        ("tukipolku", "tukipolku.xlsx", "9999997-6"),
        ("kaveripaja", "kaveripaja.csv", "9999998-4"),
        ("own", "own.csv", None),
    ):
        path = make_price_files.FOLDER / file
        document = read_price_list(path.read_bytes(), file_name=file)
        source = PriceListSource(kind="provider" if provider else "own", provider=provider, path=str(path))
        found[name] = prices.import_price_list(
            session, name, source, document, run_id=make_run(session).id, now=NOW
        ).outcome
    assert found == {
        "esimerkkivalmennus": "partly",
        "tukipolku": "succeeded",
        "kaveripaja": "succeeded",
        "own": "succeeded",
    }
    assert session.execute(text("SELECT position, reason -> 'params' ->> 'value' FROM rejected_record")).all() == [
        ("7", "“sop.mukaan”")
    ]
    in_force = session.execute(
        text(
            "SELECT coalesce(provider.business_id, 'own'), code, price_key.unit, amount FROM price"
            " JOIN price_key ON price_key.id = price_key_id JOIN service ON service.id = service_id"
            " LEFT JOIN provider ON provider.id = provider_id ORDER BY 1, 2"
        )
    ).all()
    assert [tuple(row) for row in in_force] == [
        ("9999996-8", "ADHD-VALMENNUS", "C62", Decimal(88)),
        ("9999996-8", "NEPSY-VALMENNUS", "C62", Decimal(92)),
        ("9999997-6", "NEPSY-VALMENNUS", "C62", Decimal(95)),
        ("9999997-6", "TUKIHENKILO", "HUR", Decimal(49)),
        ("9999998-4", "MUSIIKKIPAJA", "HUR", Decimal("41.5")),
        ("9999998-4", "TUKIHENKILO", "HUR", Decimal(52)),
        ("own", "PERHETYO", "C62", Decimal("89.5")),
    ]
