"""The settings of connections that orders go out by: what can be used, and every mistake said where it stands."""

import json
from pathlib import Path

import pytest

from core.channel_settings import PLACEHOLDERS, HttpsConnection, filled, read_envelope
from core.errors import ConfigurationError
from core.setting_groups import RefusedSettingError
from core.settings import ROOT, Settings, load

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBZjYXIgLWtleSB0aGF0IGlzIGludmVudGVkISEh"
SFTP = f'kind = "sftp"\nhost = "files.test"\nusername = "avain"\nhost_key = "{KEY}"\npassword = "hush"\n'
HTTPS = 'kind = "https"\nurl = "https://point.test/orders"\nbearer_token = "hush"\n'
JSON = HTTPS + 'body = "json"\n'
ENVELOPE = 'envelope = { to = "{receiver}", payload = "{document_base64}" }\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "avain.toml"


def loaded(file: Path, connection: str) -> Settings:
    file.write_text(f"[orders.connections.out]\n{connection}", "utf-8")
    return load(file)


@pytest.mark.parametrize(
    "connection",
    [
        SFTP,
        SFTP.replace('password = "hush"', 'private_key = "id"') + 'folder = "/in/orders/"\npeppol = true',
        HTTPS,
        HTTPS + 'client_certificate = "a"\nclient_key = "b"\nreply_id = "data.0.id"\nheaders = { X-Tenant = "county" }',
        HTTPS.replace("https://", "http://") + "allow_http = true\npeppol = false",
        JSON + ENVELOPE,
        JSON + 'envelope_file = "envelope.json"',
        HTTPS + 'body = "multipart"\nenvelope = { meta = { to = "{receiver}" }, file = "{document}" }',
    ],
)
def test_connections_that_can_be_used(file: Path, connection: str) -> None:
    found = loaded(file, connection).orders.connections["out"]
    assert "hush" not in repr(found)


def test_peppol_is_what_an_access_point_is_for(file: Path) -> None:
    assert loaded(file, HTTPS).orders.connections["out"].peppol
    assert not loaded(file, SFTP).orders.connections["out"].peppol


@pytest.mark.parametrize(
    ("connection", "path", "hint"),
    [
        ('kind = "pigeon"', ".kind", "'sftp', 'https'"),
        (SFTP + 'private_key = "id"', "", "exactly one of: private_key, password"),
        (SFTP.replace(KEY, "AAAA"), "", "the server's public key as one line"),
        (SFTP + 'folder = "/in/../etc"', ".folder", "is a folder at the server"),
        (SFTP.replace("host =", "hots ="), ".hots", "host"),
        (HTTPS.replace("https://", "http://"), "", "must begin with https://"),
        (HTTPS + 'client_key = "a"', "", "client_certificate and client_key go together"),
        (HTTPS + 'headers = { Authorization = "Basic hush" }', ".headers", "none that Avain writes itself"),
        (HTTPS + 'headers = { "X Tenant" = "a" }', ".headers", "is the name of a header"),
        (HTTPS + 'headers = { X-Tenant = "a\\nb" }', ".headers", "goes into a header"),
        (HTTPS + 'idempotency_header = "Host"', ".idempotency_header", "none that Avain writes itself"),
        (HTTPS + 'reply_id = "data[0]"', ".reply_id", "not written as it must be"),
        (HTTPS + "seconds = 900", ".seconds", "must be at most 90"),
        (JSON, "", 'body = "json" and body = "multipart" need envelope'),
        (HTTPS + ENVELOPE, "", 'body = "xml" neither'),
        (JSON + ENVELOPE + 'envelope_file = "a"', "", "need envelope or envelope_file"),
        (JSON + 'envelope = { to = "{receiver}" }', "", "must hold the document: {document_base64}"),
        (JSON + 'envelope = { a = "{document_base64}", to = "{reciever}" }', "", "names {reciever}; it may name"),
        (JSON + 'envelope = { a = "{document_base64}", b = ["{document}"] }', "", "names {document}"),
        (HTTPS + 'body = "multipart"\nenvelope = { a = "<{document}>" }', "", "the whole text of a part of its own"),
        (HTTPS + 'body = "multipart"\nenvelope = { a = { b = "{document}" } }', "", "the whole text of a part"),
    ],
)
def test_a_mistake_is_said_where_it_stands(file: Path, connection: str, path: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        loaded(file, connection)
    said = refused.value.message.text("en")
    assert f"orders.connections.out{path}" in said
    assert hint in said
    assert "hush" not in said


def test_a_secret_comes_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVAIN_ORDERS__CONNECTIONS__OUT__PASSWORD", "from outside")
    found = loaded(file, SFTP.replace('password = "hush"\n', "")).orders.connections["out"]
    assert found.kind == "sftp"
    assert found.password is not None
    assert found.password.get_secret_value() == "from outside"


def test_an_envelope_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "envelope.json"
    configured = HttpsConnection(kind="https", url="https://point.test/", body="json", envelope_file=path)
    for content, said in ((None, "cannot be read"), ("{", "is not JSON"), ("[1]", "is not JSON"), ("{}", "must hold")):
        if content is not None:
            path.write_text(content)
        with pytest.raises(RefusedSettingError, match=said):
            read_envelope(configured)
    path.write_text(json.dumps({"a": "{document_base64}"}))
    assert read_envelope(configured) == {"a": "{document_base64}"}


def test_only_texts_are_filled_in() -> None:
    envelope = {"{number}": ["x-{number}-{number}", 1, None, {"deep": "{sha256}"}], "css": "a{b}"}
    assert filled(envelope, {"number": "T-1", "sha256": "ff"}) == {
        "{number}": ["x-T-1-T-1", 1, None, {"deep": "ff"}],
        "css": "a{b}",
    }


def test_the_docs_say_every_placeholder() -> None:
    docs = (ROOT / "docs/orders/channels.md").read_text("utf-8")
    assert [name for name in PLACEHOLDERS if f"`{{{name}}}`" not in docs] == []
