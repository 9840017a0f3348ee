"""Settings: what is wrong is refused with the key's path and what is allowed, one line per mistake."""

import re

import pytest

from cli.sample_configuration import SAMPLE
from core.errors import ConfigurationError
from core.settings import load


@pytest.fixture
def file(tmp_path, monkeypatch):
    for name in ("AVAIN_DATABASE_URL", "AVAIN_REDIS_URL", "AVAIN_HASH_KEY", "AVAIN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AVAIN_LANGUAGE", "en")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "avain.toml"


def refused(file, content: str) -> str:
    file.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(file)
    return caught.value.message.params.get("lines") or caught.value.message.text("en")


def test_without_a_file_the_defaults_hold(file):
    assert load(file).embedded
    assert load(file).budgets.tolerance == load(file).budgets.tolerance


def test_the_sample_that_init_writes_is_valid_also_with_its_comments_removed(file):
    file.write_text(SAMPLE, "utf-8")
    assert load(file).privacy.identity == "none"
    body = SAMPLE[SAMPLE.index("[organisation]") :]
    lines = [re.sub(r"^# (?=\[|\w+ = )", "", line) for line in body.splitlines()]
    file.write_text("\n".join(lines), "utf-8")
    assert set(load(file).sources.prices) == {"esimerkkivalmennus", "own"}
    assert set(load(file).sources.cases) == {"lifecare-vienti"}


@pytest.mark.parametrize(
    ("content", "path", "hint"),
    [
        ("[budgets]\ntolerence = 1", "budgets.tolerence", "tolerance"),
        ("[mail]\nport = 99999", "mail.port", "must be at most 65535"),
        ("[mail]\nport = 0", "mail.port", "must be at least 1"),
        ('[mail]\nport = "many"', "mail.port", "whole number"),
        ("[budgets]\ntolerance = 'x'", "budgets.tolerance", "number"),
        ("[sources.cases.x]\n", "sources.cases.x", "exactly one of: path"),
        ('[sources.cases.x]\npath = "a"\nkind = "sql"', "sources.cases.x", "with the table sql"),
        ('[sources.cases.x]\npath = "a"\nkind = "table"', "sources.cases.x", "needs a profile"),
        ('[sources.prices.x]\nprovider = "1"', "sources.prices.x", "exactly one of: path"),
        ('[follow_ups]\nmail_at = "8"', "follow_ups.mail_at", "avain config schema"),
        ("mail = 3", "mail", "table"),
        ('[sources.cases.x]\nmode = "all"\npath = "a"', "sources.cases.x.mode", "snapshot"),
        ('[sources.prices.x]\npath = "a"', "sources.prices.x", "business id"),
        ('log_level = "LOUD"', "log_level", "DEBUG"),
        ("[budgest]\n", "budgest", "budgets"),
        ('[sources.prices.x]\npath = "a"\nkind = "own"\nencodng = "x"', "sources.prices.x.encodng", "encoding"),
        ('[privacy]\nidentity = "sealed"', "privacy.identity", "AVAIN_SEAL_KEYS"),
        ('environment = "production"', "production mode", "AVAIN_REDIS_URL"),
        ('[console]\nhost = "0.0.0.0"', "console", "127.0.0.1 only"),
        ('[console]\npublic_url = "http://avain.test"', "console.public_url", "https address without a path"),
        ('[console]\npublic_url = "https://avain.test/a"', "console.public_url", "https address without a path"),
        ('[console]\ntrusted_proxies = ["proxy.test"]', "console.trusted_proxies", "10.0.0.0/24"),
        ('[console]\nmetrics_from = ["10.0.0.1/24"]', "console.metrics_from", "10.0.0.0/24"),
        ('[console.oidc]\nissuer = "https://a.test"\nclient_id = "a"', "console", "console.public_url"),
        ('[console.oidc]\nissuer = "http://a.test"\nclient_id = "a"', "console.oidc.issuer", "https address"),
        (
            '[console.oidc]\nissuer = "https://a.test"\nclient_id = "a"\nroles = {boss = []}',
            "console.oidc.roles",
            "supervisor",
        ),
    ],
)
def test_a_mistake_is_refused_with_its_path_and_what_is_allowed(file, content, path, hint):
    said = refused(file, content)
    assert path in said
    assert hint in said


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZjYXIgLWtleSB0aGF0IGlzIGludmVudGVkISEh"
HTTPS = 'kind = "https"\nurl = "https://files.test/a.xml"\n'
SFTP = f'kind = "sftp"\nhost = "files.test"\nusername = "avain"\npath = "/out/*.xml"\nhost_key = "{KEY}"\n'
PASSWORD = 'password = "hush"\n'
X_ROAD = '[sources.cases.x.transport.x_road]\nclient = "FI/GOV/1/avain"\nservice = "FI/COM/2/system/cases"\n'


@pytest.mark.parametrize(
    "transport",
    [
        'kind = "local"\npath = "/srv/*.xml"\nafter = "move"\nmove_to = "done"',
        HTTPS + 'client_certificate = "a"\nclient_key = "b"\nbearer_token = "x"',
        HTTPS + 'redirect_hosts = ["store.test"]\nusername = "avain"\n' + PASSWORD,
        HTTPS.replace("https://", "http://") + "allow_http = true",
        HTTPS + X_ROAD,
        SFTP + PASSWORD,
        SFTP + 'private_key = "id"\npassphrase = "x"\nafter = "move"\nmove_to = "/done"',
    ],
)
def test_transports_that_can_be_used(file, transport):
    file.write_text(f"[sources.cases.x.transport]\n{transport}", "utf-8")
    source = load(file).sources.cases["x"]
    assert source.files is source.transport
    assert "hush" not in source.place + repr(source)


@pytest.mark.parametrize(
    ("transport", "path", "hint"),
    [
        ('kind = "ftp"', ".kind", "'local', 'https', 'sftp'"),
        ('path = "a"', "", "`kind` is missing"),
        ('kind = "local"\npath = "a"\nafter = "move"', "", "needs move_to"),
        ('kind = "local"\npath = "a"\nmove_to = "done"', "", 'move_to needs after = "move"'),
        (SFTP + PASSWORD + 'move_to = "done"', "", 'move_to needs after = "move"'),
        (HTTPS.replace("https://", "http://"), "", "must begin with https://"),
        (HTTPS.replace("https://", "ftp://") + "allow_http = true", "", "must begin with https://"),
        (HTTPS.replace("https://", "https://me:hush@"), "", "must not hold a user name"),
        (HTTPS.replace("files.test", ""), "", "not a whole address"),
        (HTTPS.replace("files.test", "files.test:port"), "", "not a whole address"),
        (HTTPS.replace("a.xml", "a .xml"), "", "not a whole address"),
        (HTTPS + 'redirect_hosts = ["https://store.test"]', "", "names of hosts alone"),
        (HTTPS + 'client_certificate = "a"', "", "client_certificate and client_key go together"),
        (HTTPS + 'client_key = "a"', "", "client_certificate and client_key go together"),
        (HTTPS + 'username = "avain"', "", "username and password go together"),
        (HTTPS + PASSWORD, "", "username and password go together"),
        (HTTPS + 'username = "avain"\nbearer_token = "x"\n' + PASSWORD, "", "not both"),
        (HTTPS + 'bearertoken = "hush"', ".bearertoken", "Did you mean bearer_token?"),
        (HTTPS + "bearer_token = 3141", ".bearer_token", "must be text"),
        (HTTPS + 'redirect_hosts = ["store.test"]\n' + X_ROAD, "", "not followed through X-Road"),
        (HTTPS + X_ROAD.replace("/avain", ""), ".x_road.client", "has 4 parts here, this one has 3"),
        (HTTPS + X_ROAD.replace("/cases", ""), ".x_road.service", "has 5 parts here, this one has 4"),
        (HTTPS + X_ROAD.replace("/1/", "/%31/"), ".x_road.client", "names between slashes"),
        (HTTPS + X_ROAD.replace("/2/", "/../"), ".x_road.service", "names between slashes"),
        (HTTPS + X_ROAD.replace("/2/", "//"), ".x_road.service", "names between slashes"),
        (HTTPS + X_ROAD + 'issue = "pää"', ".x_road.issue", "goes into a header"),
        (HTTPS + X_ROAD + 'user_id = "a\\nb"', ".x_road.user_id", "goes into a header"),
        (SFTP, "", "exactly one of: private_key, password"),
        (SFTP + PASSWORD + 'private_key = "id"', "", "exactly one of: private_key, password"),
        (SFTP + PASSWORD + 'passphrase = "x"', "", "opens the private_key"),
        (SFTP.replace(KEY, "AAAA") + PASSWORD, "", "the server's public key as one line"),
        (SFTP.replace("ssh-ed25519 ", "ssh-rsa ") + PASSWORD, "", "the server's public key as one line"),
        (SFTP.replace(KEY, "ssh-ed25519 ää") + PASSWORD, "", "the server's public key as one line"),
        (SFTP.replace("host = ", "hots = ") + PASSWORD, ".hots", "host"),
        (SFTP + PASSWORD + "port = 0", ".port", "must be at least 1"),
    ],
)
def test_a_mistake_in_a_transport_is_said_where_it_stands(file, transport, path, hint):
    said = refused(file, f"[sources.cases.x.transport]\n{transport}")
    assert f"sources.cases.x.transport{path}: " in said
    assert hint in said
    assert "hush" not in said
    assert "3141" not in said


def test_the_place_of_a_source_shows_no_secret(file):
    file.write_text(
        "[sources.cases.a.transport]\n" + HTTPS.replace("a.xml", "a.xml?key=hush") + X_ROAD.replace(".x.", ".a.")
        + "[sources.prices.b]\nkind = 'own'\n[sources.prices.b.transport]\n" + SFTP + PASSWORD,
        "utf-8",
    )  # fmt: skip
    sources = load(file).sources
    assert sources.cases["a"].place == "https://files.test/a.xml (X-Road: FI/COM/2/system/cases)"
    assert sources.prices["b"].place == "sftp://files.test/out/*.xml"


def test_broken_toml_and_missing_named_files_are_said(file, monkeypatch, tmp_path):
    assert "TOML" in refused(file, "a = = 1")
    monkeypatch.setenv("AVAIN_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load(tmp_path / "none.toml")


def test_a_misspelt_environment_variable_is_refused(file, monkeypatch):
    monkeypatch.setenv("AVAIN_DATABSE_URL", "x")
    with pytest.raises(ConfigurationError, match="AVAIN_DATABASE_URL"):
        load(file)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("unix:///run/valkey.sock", r"redis\+socket"),
        ("127.0.0.1:6379", "rediss"),
        ("redis://127.0.0.1:6379/0?ssl_ca_certs=/etc/avain/ca.pem", "encrypted"),
    ],
)
def test_an_address_of_redis_that_celery_or_we_could_not_use_is_refused(file, monkeypatch, url, said):
    monkeypatch.setenv("AVAIN_REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=said):
        load(file)


def test_the_environment_wins_over_the_file(file, monkeypatch):
    file.write_text("[mail]\nport = 26\nhost = 'a.invalid'", "utf-8")
    monkeypatch.setenv("AVAIN_MAIL__PORT", "2525")
    assert (load(file).mail.port, load(file).mail.host) == (2525, "a.invalid")


def test_an_env_file_shared_with_compose_is_read_for_our_part(file, tmp_path):
    (tmp_path / ".env").write_text("OWNER_PASSWORD=x\nAVAIN_HASH_KEY=0123456789abcdef0123456789abcdef\n", "utf-8")
    assert load(file).hash_key is not None
    (tmp_path / ".env").write_text("AVAIN_HASHKEY=x\n", "utf-8")
    assert "hash_key" in refused(file, "")


def test_secrets_are_not_shown(file, monkeypatch):
    monkeypatch.setenv("AVAIN_HASH_KEY", "short-but-secret")
    said = refused(file, "")
    assert "32" in said
    assert "short-but-secret" not in said
    monkeypatch.setenv("AVAIN_HASH_KEY", "0123456789abcdef0123456789abcdef")
    assert "0123456789abcdef" not in load(file).model_dump_json() + repr(load(file))


def test_two_rules_of_one_extra_for_one_service_are_refused(tmp_path):
    rule = '[[budgets.extras]]\nextra = "travel"\nunit = "KMT"\nquantity = "{}"\nservices = ["NEPSY", "ADHD"]\n'
    (tmp_path / "avain.toml").write_text(rule.format(20) + rule.format("0.5"), "utf-8")
    with pytest.raises(ConfigurationError, match="same extra"):
        load(tmp_path / "avain.toml")


@pytest.mark.parametrize("quantity", ["0", "-1", "0.005", "NaN", "10001"])
def test_a_rule_of_extras_has_a_sensible_quantity(tmp_path, quantity):
    rule = f'[[budgets.extras]]\nextra = "travel"\nunit = "KMT"\nquantity = "{quantity}"\n'
    (tmp_path / "avain.toml").write_text(rule, "utf-8")
    with pytest.raises(ConfigurationError, match=r"budgets.extras"):
        load(tmp_path / "avain.toml")
