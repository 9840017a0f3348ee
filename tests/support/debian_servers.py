"""Debian's PostgreSQL behind Debian's PgBouncer, and Debian's Redis, as a county's machine room runs them: for all of tests/integration.

    application ──TLS, SCRAM──▶ PgBouncer (transaction mode) ──TLS, SCRAM──▶ PostgreSQL ◀──socket── owner (migrations)
    application ──TLS, a user that may do little──▶ Redis ◀── the test run's own user, who may empty it

The programs come from `tests/debian/install`. They run as processes of the test run, on 127.0.0.1 and in a folder of its own; what the
machine runs by itself is not touched. Certificates are of a CA made for the run, and verified at every step.
"""

import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import trustme
from redis import Redis
from redis.exceptions import RedisError

from core.embedded import Embedded
from core.embedded.place import locked, private_directory, write_for
from core.embedded.process import Account, end, read_pid
from core.settings import ROOT
from tests.support.installation import free_port

UNPACKED = ROOT / "var" / "debian"
APP, OWNER = "avain_app", "avain_owner"
#: What Avain's user may do in Redis: see docs/servers.md.
MAY = "+@all -@admin -@dangerous +info"
#: How PgBouncer is to be set up; the same page says so.
POOLING = {
    "pool_mode": "transaction",
    "auth_type": "scram-sha-256",
    "default_pool_size": 40,
    "max_client_conn": 1000,
    "client_tls_sslmode": "require",
    "server_tls_sslmode": "verify-full",
}
_PATIENCE = 30.0


@dataclass(frozen=True)
class Debian(Embedded):
    """The servers, as tests know the embedded ones. `redis_admin_url`: of the user who may empty databases."""

    redis_admin_url: str = ""


@dataclass(frozen=True)
class Programs:
    """Where the programs are: `postgres` is the folder of initdb and pg_ctl. `libraries`: what the machine itself lacks."""

    pgbouncer: Path
    redis: Path
    postgres: Path
    libraries: tuple[Path, ...]


def programs(unpacked: Path = UNPACKED) -> Programs | None:
    """What `tests/debian/install` provided, or None where it could not."""
    if not (unpacked / "ready").exists():
        return None
    roots = (unpacked / "root", Path("/"))
    postgres = [found for root in roots for found in sorted(root.glob("usr/lib/postgresql/*/bin/initdb"))]
    pgbouncer = [found for root in roots if (found := root / "usr/sbin/pgbouncer").exists()]
    redis = [found for root in roots if (found := root / "usr/bin/redis-server").exists()]
    if not (postgres and pgbouncer and redis):
        return None
    libraries = sorted({file.parent for file in roots[0].rglob("lib*.so*") if "postgresql" not in file.parts})
    return Programs(pgbouncer[0], redis[0], postgres[-1].parent, tuple(libraries))


def start(home: Path) -> Debian:
    """Have the servers of `home` run and return how to reach them. The first of several processes starts them."""
    found = programs()
    if found is None:
        raise RuntimeError("Debian's PgBouncer, Redis and PostgreSQL are not here: run tests/debian/install")
    with locked(home):
        servers = _Servers.prepared(home, found)
        if not servers.described.exists():
            servers.start()
        return Debian(
            **{**json.loads(servers.described.read_text("utf-8")), "sockets": servers.base, "data": servers.base}
        )


def stop(home: Path) -> None:
    """End the servers of `home` and delete what they kept."""
    base = home / "debian"
    for name, server in (("pgbouncer", "pgbouncer.pid"), ("redis", "redis.pid"), ("postgres", "data/postmaster.pid")):
        pid = read_pid(base / name / server)
        if pid is not None:
            first = signal.SIGINT if name == "postgres" else signal.SIGTERM
            end(pid, base / name, first, signal.SIGQUIT if name == "postgres" else signal.SIGKILL, signal.SIGKILL)
    shutil.rmtree(base, ignore_errors=True)


def admin_url(servers: Embedded) -> str:
    """Redis for the test run itself, which may do there what Avain may not."""
    return servers.redis_admin_url if isinstance(servers, Debian) else servers.redis_url


def part_of_queue(servers: Embedded, number: int) -> Embedded:
    """The same servers with one of Redis' sixteen databases as the queue."""
    if not isinstance(servers, Debian):
        return replace(servers, redis_url=f"{servers.redis_url.split('?')[0]}?virtual_host={number}")
    return replace(
        servers,
        redis_url=servers.redis_url.replace("/0?", f"/{number}?"),
        redis_admin_url=servers.redis_admin_url.replace("/0?", f"/{number}?"),
    )


def _within_reach(base: Path, account: Account, found: Programs) -> Programs:
    """The programs as the account can run them: of a checkout in a closed home, a copy."""
    if not account.switch or account.reaches(UNPACKED / "root"):
        return found
    copy = base / "unpacked"
    if not copy.exists():
        shutil.copytree(UNPACKED, copy, symlinks=True)
    again = programs(copy)
    assert again is not None
    return again


@dataclass(frozen=True)
class _Servers:
    base: Path
    account: Account
    programs: Programs

    @classmethod
    def prepared(cls, home: Path, found: Programs) -> "_Servers":
        account = Account.unprivileged() if os.geteuid() == 0 else Account.own()
        base = home / "debian"
        for folder in (base, *(base / name for name in ("postgres", "pgbouncer", "redis"))):
            private_directory(folder, account)
        return cls(base, account, _within_reach(base, account, found))

    @property
    def described(self) -> Path:
        return self.base / "reached.json"

    def start(self) -> None:
        certificate = trustme.CA()
        certificate.cert_pem.write_to_path(self.base / "ca.pem")
        (self.base / "ca.pem").chmod(0o644)
        issued = certificate.issue_cert("127.0.0.1")
        chain = "".join(one.bytes().decode() for one in issued.cert_chain_pems)
        for name in ("postgres", "pgbouncer", "redis"):
            write_for(self.account, self.base / name / "server.pem", chain)
            write_for(self.account, self.base / name / "server.key", issued.private_key_pem.bytes().decode())
        passwords = {name: secrets.token_hex(12) for name in ("app", "redis", "redis_admin")}
        postgres = self._postgres(passwords["app"])
        bouncer = self._pgbouncer(postgres, passwords["app"])
        redis = self._redis(passwords["redis"], passwords["redis_admin"])
        ca = self.base / "ca.pem"
        reached = {
            "database_url": f"postgresql+psycopg://{APP}:{passwords['app']}@127.0.0.1:{bouncer}/avain?sslmode=verify-full&sslrootcert={ca}",
            "database_owner_url": f"postgresql+psycopg://{OWNER}@/avain?host={self.base / 'postgres'}&port={postgres}",
            "redis_url": f"rediss://avain:{passwords['redis']}@127.0.0.1:{redis}/0?ssl_ca_certs={ca}",
            "redis_admin_url": f"rediss://admin:{passwords['redis_admin']}@127.0.0.1:{redis}/0?ssl_ca_certs={ca}",
        }
        _until(lambda: psycopg.connect(reached["database_url"].replace("+psycopg", "")).close())
        _until(lambda: Redis.from_url(reached["redis_url"]).ping())
        self.described.write_text(json.dumps(reached), "utf-8")

    def _postgres(self, password: str) -> int:
        place, port = self.base / "postgres", free_port()
        self._run(
            self.programs.postgres / "initdb", f"--pgdata={place / 'data'}", f"--username={OWNER}", "--auth-local=trust",
            "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
        )  # fmt: skip
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": place, "max_connections": 300,
            "ssl": "on", "ssl_cert_file": place / "server.pem", "ssl_key_file": place / "server.key",
            # as a server in Finland is set up; Avain's database says UTC for itself
            "timezone": "Europe/Helsinki",
            "fsync": "off", "full_page_writes": "off", "shared_buffers": "256MB", "max_wal_size": "2GB",
        }  # fmt: skip
        with (place / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        write_for(
            self.account,
            place / "data" / "pg_hba.conf",
            "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n",
        )
        self._run(
            self.programs.postgres / "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--pgdata={place / 'data'}",
            f"--log={place / 'log'}",
        )
        with psycopg.connect(host=str(place), port=port, user=OWNER, dbname="postgres", autocommit=True) as owner:
            owner.execute(f"CREATE ROLE {APP} LOGIN PASSWORD '{password}' NOSUPERUSER NOCREATEDB NOCREATEROLE".encode())
            owner.execute("CREATE DATABASE avain")
        return port

    def _pgbouncer(self, postgres: int, password: str) -> int:
        place, port = self.base / "pgbouncer", free_port()
        settings = {
            **POOLING, "listen_addr": "127.0.0.1", "listen_port": port, "unix_socket_dir": "", "auth_file": place / "userlist.txt",
            "client_tls_cert_file": place / "server.pem", "client_tls_key_file": place / "server.key",
            "server_tls_ca_file": self.base / "ca.pem",
            "pidfile": place / "pgbouncer.pid", "logfile": place / "log", "log_connections": 0, "log_disconnections": 0,
            "autodb_idle_timeout": 300,  # every test has a database of its own; on a slow machine it may rest for a while
        }  # fmt: skip
        write_for(self.account, place / "userlist.txt", f'"{APP}" "{password}"\n')
        lines = ["[databases]", f"* = host=127.0.0.1 port={postgres}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        write_for(self.account, place / "pgbouncer.ini", "\n".join(lines) + "\n")
        self._run(self.programs.pgbouncer, "--daemon", place / "pgbouncer.ini")
        return port

    def _redis(self, password: str, admin: str) -> int:
        place, port = self.base / "redis", free_port()
        settings = {
            "bind": "127.0.0.1", "port": 0, "tls-port": port, "tls-auth-clients": "no",
            "tls-cert-file": place / "server.pem", "tls-key-file": place / "server.key", "tls-ca-cert-file": self.base / "ca.pem",
            "maxmemory": "256mb", "maxmemory-policy": "noeviction", "save": '""', "appendonly": "no",
            "daemonize": "yes", "dir": place, "pidfile": place / "redis.pid", "logfile": place / "log", "set-proc-title": "no",
        }  # fmt: skip
        lines = [f"{name} {value}" for name, value in settings.items()]
        lines += ["user default off", f"user avain on >{password} ~* &* {MAY}", f"user admin on >{admin} ~* &* +@all"]
        write_for(self.account, place / "redis.conf", "\n".join(lines) + "\n")
        self._run(self.programs.redis, place / "redis.conf")
        return port

    def _run(self, program: Path, *arguments: str | Path) -> None:
        libraries = ":".join(map(str, self.programs.libraries))
        done = self.account.run("/usr/bin/env", f"LD_LIBRARY_PATH={libraries}", program, *arguments)
        if done.returncode != 0:
            raise RuntimeError(f"{program.name} did not start: {done.stdout}")


def _until(reached: Callable[[], object]) -> None:
    """Wait for a server that has been started to take connections."""
    end_of_patience = time.monotonic() + _PATIENCE
    while True:
        try:
            reached()
        except (psycopg.OperationalError, RedisError):
            if time.monotonic() > end_of_patience:
                raise
            time.sleep(0.05)
        else:
            return
