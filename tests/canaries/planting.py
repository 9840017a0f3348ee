"""The demo's installation with a canary in every place where something secret can stand."""

import json
import re
import shutil
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import psycopg
import redis
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import make_url

from core import embedded
from core.redis import redis_client_url
from demo import answer_steps, price_sources
from demo.installation import Installation
from demo.price_sources import HttpsServer, SftpServer
from demo.smtp_sink import Recorder
from tests.canaries import planted
from tests.canaries.planted import CODES, NAMES

#: Options by which somebody says why, or adds a word.
_WHY = frozenset({"--reason", "--note", "--not-needed"})
_USER = "avain-postittaja"
#: Links by which a provider answers or reports, in the letters.
_LINK = re.compile(r"/(?:reply|delivered)/([\w.=-]{20,})")
#: What Valkey is told, so that all that is ever written to it lies on its disk, in clear and for good: the append-only file, with each former one.
_ON_DISK = {
    "rdbcompression": "no", "aof-use-rdb-preamble": "no", "auto-aof-rewrite-percentage": "0", "aof-disable-auto-gc": "yes", "appendonly": "yes",
}  # fmt: skip


class Parrot(Recorder):
    """A mail server that asks who is there, and whose refusal, where the script says `parrot`, repeats what it was sent."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """As the recorder, or `parrot`."""
        if self.script[:1] != ["parrot"]:
            return await super().handle_DATA(server, session, envelope)
        self.script.pop(0)
        self._keep(envelope)
        said = " ".join((envelope.original_content or b"").decode("ascii", "replace").split())
        return f"550 5.7.1 {said[:400]}"


class Mirror(HttpsServer):
    """A server of a provider's that, while `mirrors`, answers with what it was asked, as an error page or as the file itself."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.mirrors = 0
        self.heard: list[bytes] = []

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = f"{request.requestline}\r\n{request.headers}".encode()
        self.heard.append(asked)
        if not self.mirrors:
            super()._answer(request)
            return
        said = b"<html><body>" + asked + f" {NAMES['LC-1001']} {CODES['LC-1001']}</body></html>".encode()
        request.send_response(self.mirrors, "Virhe: " + planted.BEARER)
        request.send_header("Content-Length", str(len(said)))
        request.end_headers()
        request.wfile.write(said)

    @property
    def settings(self) -> str:
        """With a token to show."""
        return f'{super().settings}bearer_token = "{planted.BEARER}"\n'


class PlantedInstallation(Installation):
    """What `demo.scenario.run` enters in the place of its own. `heard`: what went over wires and stood on command lines, by place."""

    def __init__(self, results: Path, *, columns: int = 120) -> None:
        self._keep = (price_sources.WORD, answer_steps._LETTERS)
        price_sources.WORD = planted.SFTP_WORD
        super().__init__(results, columns=columns)
        self.sink.recorder = Parrot(results / "mail")
        self.sink._smtp = {"authenticator": self._sign_in, "auth_require_tls": False, "auth_required": True}
        self.https = Mirror(self.home / "in" / "prices" / "nepsypolku.xml", self.home / "ca.pem")
        self.sftp = SftpServer(self.home / "sftp")
        self.heard: dict[str, list[bytes]] = {"wire:smtp": [], "wire:redis": [], "argv": []}
        self.said: list[tuple[str, bytes]] = []
        self.learned: dict[str, str] = {}
        self._ending = threading.Event()
        self._listeners = [threading.Thread(target=one, daemon=True) for one in (self._at_redis, self._at_argv)]
        self._seen: set[bytes] = set()
        (self.home / "tmp").mkdir()
        answer_steps._LETTERS = self.home / "letters"  # type: ignore[misc]
        self._plant()

    @property
    def environment(self) -> dict[str, str]:
        """With every secret there is, and all that can be logged."""
        return {
            **super().environment,
            "AVAIN_HASH_KEY": planted.HASH_KEY,
            "AVAIN_PRIVACY__IDENTITY": "sealed",
            "AVAIN_SEAL_KEYS": f"k1:{planted.SEAL_KEY}",
            "AVAIN_INDEX_KEY": planted.INDEX_KEY,
            "AVAIN_MAIL__USERNAME": _USER,
            "AVAIN_MAIL__PASSWORD": planted.MAIL_WORD,
            "AVAIN_LOG_LEVEL": "DEBUG",
            "AVAIN_SOURCES__CASES__RAPORTOINTI__SQL__URL": _with_word(self.reporting_url),
            "TMPDIR": str(self.home / "tmp"),
        }

    def __enter__(self) -> Self:
        entered = super().__enter__()
        for one in self._listeners:
            one.start()
        self.in_reporting(f"UPDATE asiakas.asiakkuus SET nimi = '{planted.BEHIND_THE_VIEW}'")
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        super().__exit__(kind, error, trace)
        for one in self._listeners:
            one.join(10)
        price_sources.WORD, answer_steps._LETTERS = self._keep  # type: ignore[misc]

    def _run(self, *arguments: str) -> Any:
        """A command; whoever says why says it with a canary. What it says is kept by the command's name."""
        words = list(arguments)
        for place, word in enumerate(words[:-1]):
            if word in _WHY:
                words[place + 1] += f" ({planted.REASON})"
        done = super()._run(*words)
        name = " ".join(word for word in arguments[:2] if word.replace("-", "").isalpha() and word[0] != "-")
        self.said += [(f"cli:{name}", done.stdout.encode()), (f"errors:{name}", done.stderr.encode())]
        self._learn(arguments, done.stdout)
        return done

    def _learn(self, arguments: tuple[str, ...], said: str) -> None:
        """Secrets that Avain itself makes are known from here on."""
        if arguments[:2] in (("family", "link"), ("console", "link")) and "--json" in arguments:
            made = json.loads(said)
            self.learned[(made.get("address") or made["link"]).rpartition("/")[2]] = f"{arguments[0]} link"
            if "code" in made:  # as it is shown and typed: eight digits in a row are too many other things
                self.learned[made["code"]] = "family code"
        if arguments[:2] == ("reminder", "calendar"):
            self.learned[json.loads(said)["address"].rpartition("/")[2].removesuffix(".ics")] = "calendar address"

    def learn_links(self) -> int:
        """Links that providers were sent are known from here on; how many."""
        mails = (
            message_from_bytes(one.read_bytes(), policy=policy.default) for one in (self.results / "mail").glob("*.eml")
        )
        texts = (part.get_content() for mail in mails for part in mail.walk() if part.get_content_maintype() == "text")
        links = {link for text in texts for link in _LINK.findall(text)}
        self.learned.update(dict.fromkeys(links, "provider link"))
        return len(links)

    def _plant(self) -> None:
        """In the files that the demo's sources show and providers send."""
        within = self.home / "in"
        shutil.copytree(Path(self._keep[1]), self.home / "letters")
        cases = next((within / "cases").glob("*.xml"))
        text = cases.read_text("utf-8")
        for case, name in NAMES.items():
            reference = f"AS-5{case[-3:]}"
            said = f"<identity><henkilotunnus>{CODES[case]}</henkilotunnus><name>{name}</name></identity></client>"
            for empty in (f'<client id="{reference}"/>', f'<client id="{reference}" nonDisclosure="true"/>'):
                text = text.replace(empty, f"{empty[:-2]}>{said}")
        _changed(cases, text, "Aamut sujuvat ilman riitoja", planted.GOAL)
        _replaced(within / "workers.toml", "Aino Esimerkki", planted.WORKER)
        _replaced(
            within / "prices" / "esimerkkivalmennus.csv", "ADHD-valmennus, käynti perheen luona", planted.ROW, "cp1252"
        )
        mail = within / "mail" / "2026-11-12-mainos.eml"
        _replaced(mail, "Tarjous (keksitty)", planted.SUBJECT)
        _replaced(mail, "Hei! ", f"{planted.LETTER}. ")
        _replaced(mail, "tarjous.pdf", f"{planted.ATTACHED}.pdf")
        letters = self.home / "letters"
        _replaced(
            letters / "vastaus-peppol.xml",
            "<cbc:OrderResponseCode>AP</cbc:OrderResponseCode>",
            f"<cbc:OrderResponseCode>AP</cbc:OrderResponseCode>\n  <cbc:Note>{planted.RESPONSE}</cbc:Note>",
        )
        _replaced(letters / "lasku-peppol.xml", "Palvelu tilauksen mukaan", planted.INVOICED)
        _replaced(letters / "lasku-finvoice.xml", "Palvelu tilauksen mukaan", planted.INVOICED)
        _replaced(letters / "toteuma.csv", "Loppu;Määrä", "Loppu;Määrä;Huomautus")
        _replaced(letters / "toteuma.csv", "$last;$quantity", f"$last;$quantity;{planted.REMARK}")
        settings = within / "avain.toml"
        _replaced(
            settings,
            "timeout_seconds = 15",
            'timeout_seconds = 15\noperator_email = "operaattori@avain-esimerkki.invalid"',
        )

    def in_reporting(self, sql: str) -> None:
        """As the owner of the reporting database."""
        running = embedded.running(self.home)
        assert running is not None
        owner = make_url(running.database_owner_url).set(drivername="postgresql", database="raportointi")
        with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
            connection.execute(sql.encode())

    def as_owner(self, sql: str) -> None:
        """As the owner of Avain's own database."""
        running = embedded.running(self.home)
        assert running is not None
        owner = make_url(running.database_owner_url).set(drivername="postgresql")
        with psycopg.connect(owner.render_as_string(hide_password=False)) as connection:
            connection.execute(sql.encode())

    def _sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, who: Any) -> AuthResult:
        """The mail server's: whoever knows the word."""
        known = isinstance(who, LoginPassword) and who.password == planted.MAIL_WORD.encode()
        self.heard["wire:smtp"].append(who.password if isinstance(who, LoginPassword) else b"")
        return AuthResult(success=known)

    def _at_redis(self) -> None:
        """Hear everything that is said to Valkey, also after it was started anew."""
        while not self._ending.is_set():
            running = embedded.running(self.home)
            if running is None:
                time.sleep(0.2)
                continue
            with suppress(redis.RedisError, OSError):
                client = redis.Redis.from_url(redis_client_url(running.redis_url), socket_timeout=2.0)
                for name, value in _ON_DISK.items():
                    client.config_set(name, value)
                with client.monitor() as monitor:
                    while not self._ending.is_set():
                        with suppress(redis.TimeoutError):
                            self.heard["wire:redis"].append(monitor.connection.read_response())

    def _at_argv(self) -> None:
        """See every command line that others on this machine could see."""
        while not self._ending.wait(0.5):
            for one in _ours(self.home):
                with suppress(psutil.Error):
                    line = "\n".join(one.cmdline()).encode()
                    if line not in self._seen:
                        self._seen.add(line)
                        self.heard["argv"].append(line)


def _ours(home: Path) -> Iterable[psutil.Process]:
    """This process's descendants, and the servers of the installation, which have left us."""
    family = {one.pid: one for one in psutil.Process().children(recursive=True)}
    for pid in embedded.pids(home).values():
        with suppress(psutil.Error):
            family[pid] = psutil.Process(pid)
    return family.values()


def _with_word(url: str) -> str:
    """The reporting database asks for none; it is kept with the URL as one is that counts."""
    return url and make_url(url).set(password=planted.SQL_WORD).render_as_string(hide_password=False)


def _replaced(file: Path, old: str, new: str, encoding: str = "utf-8") -> None:
    _changed(file, file.read_text(encoding), old, new, encoding)


def _changed(file: Path, text: str, old: str, new: str, encoding: str = "utf-8") -> None:
    """Raises ValueError where what is to be replaced does not stand there: a canary must not stay away in silence."""
    if old not in text:
        raise ValueError(f"{file} does not hold {old}")
    file.write_text(text.replace(old, new), encoding)
