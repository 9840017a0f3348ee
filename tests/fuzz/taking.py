"""Reading a document as Avain does, from its bytes to the values that are kept: what readers.py names.

Each function takes the bytes and a folder of its own, and gives what it found for outcome.py to judge. Errors pass.
"""

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from joserfc import jwk, jwt
from pydantic import SecretStr

from connectors.cases.base import CaseConnector
from connectors.cases.contract import fetched
from connectors.cases.fhir import wire
from connectors.cases.fhir.cases import FhirCases
from connectors.cases.fhir.client import FhirTransport
from connectors.cases.fhir.server import FhirServer
from connectors.cases.packed import unpacked
from connectors.cases.profile import load_profile
from connectors.cases.rows import SlowWayNeededError
from connectors.cases.sql.cases import SqlCases
from connectors.cases.table.client import TableCases
from connectors.cases.xml.client import XmlCases
from connectors.channels import https
from connectors.oidc import Provider, SignedIn
from connectors.prices import read_price_list
from connectors.prices.mailed import open_list
from connectors.prices.row import Reading
from connectors.transports.base import Visit
from core.console_settings import Oidc
from core.errors import AvainError, RefusedInput
from core.settings import load
from core.source_settings import Fhir
from documents.absence_table import read_absences
from documents.delivered_csv import read_delivered
from documents.delivery_report import read_reports
from documents.invoice import is_invoice, read_invoice
from documents.order_response import read_response
from documents.received_mail import read_mail
from services.orders.sending.reply_links import _serializer, opened
from services.reference_data.providers import ProvidersFile
from services.reference_data.reading import read_file
from services.reference_data.services import ServicesFile
from services.reference_data.workers import WorkersFile
from tests.fuzz import seeds
from tests.support import foreign_xml, tables
from tests.support.fast_xml import fast, rows_of, slow_rows

_TODAY: Final = date(2026, 11, 16)
_ISSUER: Final = "https://login.esimerkki.invalid"


class DisagreementError(Exception):
    """Two ways of reading the same document say different things."""


def case_xml(content: bytes, folder: Path) -> Any:
    """Both ways, which must agree; then with identity."""
    return _both_ways(_canonical(), content)


def case_xml_profile(content: bytes, folder: Path) -> Any:
    """The same by a profile."""
    return _both_ways(_foreign(), content)


def case_packed(content: bytes, folder: Path) -> Any:
    """Unpack, then read what was in it."""
    with fetched({"vienti.zip": content}) as files:
        return list(_canonical().read(unpacked(files), identity="none"))


def case_table(content: bytes, folder: Path) -> Any:
    """CSV or a workbook: the content says which."""
    return _cases(_table(), content, "asiakkuudet.csv")


def fhir_json(content: bytes, folder: Path) -> Any:
    """As a server's answer to whatever is asked."""
    return _fhir_visits(content, "application/fhir+json", folder)


def fhir_xml(content: bytes, folder: Path) -> Any:
    """As a server's answer to whatever is asked."""
    return _fhir_visits(content, "application/fhir+xml", folder)


def fhir_file(content: bytes, folder: Path) -> Any:
    """The copy of a visit."""
    return _cases(FhirCases(), content, "fhir.ndjson")


def sql_file(content: bytes, folder: Path) -> Any:
    """The copy of a query's result."""
    return _cases(_sql(), content, "cases.ndjson")


def prices(content: bytes, folder: Path) -> Any:
    """A price list of whatever form its content shows."""
    return read_price_list(content, file_name="hinnasto")


def price_mail(content: bytes, folder: Path) -> Any:
    """The mail, and each list that came with it."""
    received = read_mail(content)
    return received, [open_list(one, folder, reading=Reading()) for one in received.tables]


def bounces(content: bytes, folder: Path) -> Any:
    """All reports in it."""
    return list(read_reports(content))


def order_response(content: bytes, folder: Path) -> Any:
    """The response."""
    return read_response(content)


def invoice(content: bytes, folder: Path) -> Any:
    """The invoice, and whether it is taken for one."""
    return is_invoice(content), read_invoice(content)


def delivered(content: bytes, folder: Path) -> Any:
    """The report's rows and faults."""
    return read_delivered(content)


def absences(content: bytes, folder: Path) -> Any:
    """The table's rows and faults."""
    return read_absences(content, encoding="cp1252", titles={})


def channel_reply(content: bytes, folder: Path) -> Any:
    """What is kept of an answer to an order."""
    return [https._said(content, path) for path in (None, "data.id", "data.0.id")]


def login(content: bytes, folder: Path) -> Any:
    """Sign in with a provider that answers so: discovery, keys, tokens, userinfo, each told by its name; else with the same to all."""
    provider = _Answering(content)
    claims = provider.exchange("code", redirect_uri="https://avain.esimerkki.invalid/in", nonce="n", verifier="v" * 43)
    person = SignedIn(claims, provider.said)
    return person.subject, person.email, person.name, person.roles


def reply_link(content: bytes, folder: Path) -> Any:
    """Open a link. What begins with a line break is signed here first: a token of ours that says nonsense."""
    said = content.decode("utf-8", "replace")
    if said.startswith("\n"):
        said = _signed(said)
    link = opened(seeds.SECRET, said)
    link.must_open(purpose="reply", today=_TODAY, epoch=1)
    return link


def settings(content: bytes, folder: Path) -> Any:
    """avain.toml."""
    load(_file(folder, "avain.toml", content))


def profile(content: bytes, folder: Path) -> Any:
    """A profile of whatever kind; one for XML is made ready to read, both ways."""
    path, refused = _file(folder, "profiili.toml", content), []
    for kind in ("xml", "table", "sql"):
        try:
            loaded = load_profile(path, cast("Any", kind))
        except AvainError as error:
            refused.append(error)
            continue
        if kind == "xml":
            connector = XmlCases(loaded)
            return _slowly(connector, foreign_xml.export(foreign_xml.record("A")))
    if len(refused) == 3:
        raise refused[0]
    return None


def reference(content: bytes, folder: Path) -> Any:
    """Providers, services or workers: whichever the file is."""
    path, refused = _file(folder, "tiedot.toml", content), []
    for shape in (ProvidersFile, ServicesFile, WorkersFile):
        try:
            return read_file(path, cast("Any", shape))
        except AvainError as error:
            refused.append(error)
    raise refused[-1]


# ---------------------------------------------------------------- how


def _both_ways(connector: XmlCases, content: bytes) -> Any:
    slow: Any = None
    refused: RefusedInput | None = None
    try:
        slow = slow_rows(connector, content)
    except RefusedInput as error:
        refused = error
    try:
        quick = rows_of(connector, fast(connector, content)) if connector.can_read_rows("none") else slow
    except SlowWayNeededError:
        quick = slow
    except RefusedInput:
        if refused is None:
            raise DisagreementError("the fast way refuses what the slow one reads") from None
        quick = None
    if quick != slow:
        raise DisagreementError("the fast way reads what the slow one refuses" if refused else "the two ways differ")
    return _slowly(connector, content)


def _slowly(connector: XmlCases, content: bytes) -> Any:
    return list(connector.read_file(io.BytesIO(content), identity="sealed"))


def _cases(connector: CaseConnector, content: bytes, name: str) -> Any:
    with fetched({name: content}) as files:
        return [one for _, one in connector.read(files, identity="sealed")]


def _fhir_visits(content: bytes, kind: str, folder: Path) -> Any:
    """A visit for everything, then one for what changed; what each brings is read."""

    class Answering(FhirServer):
        asked = 0

        def one_connection(self) -> AbstractContextManager[None]:
            return nullcontext()  # a real one loads certificates first

        def get(self, url: str) -> wire.Resource:
            Answering.asked += 1
            if "/metadata" in url and Answering.asked == 1 and b"CapabilityStatement" not in content:
                return self._parsed(_STATEMENT, "application/fhir+json")
            answer = self._parsed(content, kind)
            self._note(None, wire.text(answer, "meta", "lastUpdated"), answer["resourceType"])
            return answer

    configured = Fhir(base_url="https://fhir.esimerkki.invalid/r4")
    transport = FhirTransport(configured, keep_identity=True, server=Answering)
    found: list[Any] = []
    refused: AvainError | None = None
    for visit in (Visit(folder), Visit(folder, memory={"since": "2026-11-15T00:00:00Z"}, snapshot=False)):
        Answering.asked = 0
        try:
            brought = transport.fetch(visit)
            found += [brought.memory, *FhirCases().read(brought.files, identity="sealed")]
        except AvainError as error:
            refused = error
    if refused is not None and not found:
        raise refused
    return found


_STATEMENT: Final = json.dumps({
    "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1",
    "rest": [{"resource": [{"type": kind, "interaction": [{"code": "history-type"}], "searchInclude": ["*"]} for kind in ("EpisodeOfCare", "CarePlan", "Goal", "CareTeam", "ServiceRequest")]}],
}).encode()  # fmt: skip


class _Answering(Provider):
    """A provider whose answers are the document's."""

    def __init__(self, content: bytes) -> None:
        self.said = Oidc(issuer=_ISSUER, client_id="avain", client_secret=SecretStr("keksitty"))
        super().__init__(self.said)
        self._content = content

    def _door(self, url: str) -> Any:
        return SimpleNamespace(request=lambda *_, **__: (SimpleNamespace(status=200, headers={}), self._body(url)))

    def _body(self, url: str) -> bytes:
        name = {"t": "tokens", "k": "keys", "u": "userinfo"}.get(url.rpartition("/")[2], "discovery")
        try:
            whole = json.loads(self._content)
            answer = dict(whole[name])
        except (ValueError, KeyError, TypeError, RecursionError):
            return self._content
        if name == "keys" and isinstance(answer.get("keys"), list):
            answer["keys"] = [*answer["keys"], _key().as_dict(private=False)]
        if name == "tokens" and isinstance(answer.get("claims"), dict):
            claims = {"iss": _ISSUER, **answer.pop("claims")}
            with suppress(UnicodeEncodeError):  # nobody signs half a character
                answer["id_token"] = jwt.encode({"alg": "RS256", "kid": "own"}, claims, _key())
        return json.dumps(answer).encode()


def _signed(payload: str) -> str:
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = payload
    return str(_serializer(seeds.SECRET).dumps(said))


def _file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@cache
def _key() -> jwk.RSAKey:
    return jwk.RSAKey.generate_key(2048, {"kid": "own", "use": "sig"})


@cache
def _canonical() -> XmlCases:
    return XmlCases()


@cache
def _foreign() -> XmlCases:
    return XmlCases(_loaded(foreign_xml.profile))


@cache
def _table() -> TableCases:
    return TableCases(_loaded(lambda folder: tables.profile(folder, tables.profile_text())))


@cache
def _sql() -> SqlCases:
    return SqlCases(_loaded(lambda folder: tables.profile(folder, tables.profile_text(), "sql")))


def _loaded(load_from: Callable[[Path], Any]) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        return load_from(Path(folder))
