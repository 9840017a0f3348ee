"""What a world looks like to an installation: its avain.toml, and what stands at the servers outside on the evening before and on the day."""

import json
from pathlib import Path

from tests.chaos.whole.outside import HOST_KEY, USER, WORD, Outside
from tests.chaos.whole.world import World
from tests.support.order_sinks import SENDER

_CASES, _ABSENCES = "asiakkuudet.xml", "poissaolot.csv"
#: Where e-mails go that were read.
READ = "out/posti/luettu"


def show(world: World, outside: Outside, *, on_the_day: bool) -> None:
    """Have the servers show what they show then."""
    out = outside.sftp.root / "out"
    out.mkdir(parents=True, exist_ok=True)
    (outside.sftp.root / "in").mkdir(exist_ok=True)
    _put(out / _CASES, world.cases_after if on_the_day else world.cases_before)
    _put(out / _ABSENCES, world.absences_after if on_the_day else world.absences_before)
    name, letter = world.mail_after if on_the_day else world.mail_before
    (out / "posti").mkdir(exist_ok=True)
    _put(out / "posti" / name, letter)
    for one in world.lists:
        content = one.after if on_the_day else one.before
        if one.transport == "https":
            outside.http.files[f"/prices/{one.file_name}"] = content
        else:
            _put(out / one.file_name, content)


def _put(path: Path, content: bytes) -> None:
    """Whole at once: a reader finds the file of before or that of now."""
    beside = path.with_suffix(".part")
    beside.write_bytes(content)
    beside.replace(path)


def install(world: World, outside: Outside, home: Path) -> Path:
    """Write what the installation needs into its home; its avain.toml."""
    for name, content in (
        ("services.toml", world.services),
        ("providers.toml", world.providers),
        ("workers.toml", world.workers),
        ("own.csv", world.own_costs),
        ("choices.json", json.dumps(world.choices)),
    ):
        (home / name).write_text(content, "utf-8")
    settings = home / "avain.toml"
    settings.write_text(_settings(world, outside, home), "utf-8")
    return settings


def _settings(world: World, outside: Outside, home: Path) -> str:
    sftp = (
        f'kind = "sftp"\nhost = "127.0.0.1"\nport = {outside.sftp.port}\nusername = "{USER}"\npassword = "{WORD}"\n'
        f'host_key = "{HOST_KEY.export_public_key().decode().strip()}"\n'
    )
    # nobody waits for politeness here, and what is left alone is tried again soon: machine time cannot be moved
    gentle = "gentle = { requests_per_second = 1000, failures = 4, pause_minutes = 0.02 }\n"
    parts = [
        f'[organisation]\nname = "Esimerkin hyvinvointialue (keksitty)"\nbusiness_id = "9999999-2"\nendpoint_id = "003799999992"\n'
        f'[mail]\nport = {outside.mail.port}\nsender = "{SENDER}"\ntimeout_seconds = 5\noperator_email = "paivystys@avain-esimerkki.invalid"\n'
        f'[prices]\nmanager_email = "hinnat@avain-esimerkki.invalid"\n'
        f"[outgoing]\nfirst_pause_seconds = 0.5\nlongest_pause_minutes = 0.05\n"
        f"[orders]\nautomatic = true\nautomatic_up_to = 2000\n"
        f"[orders.connections.files]\n{sftp}folder = '/in'\n"
        f"[orders.connections.point]\nkind = 'https'\nurl = '{outside.http.url('/orders')}'\nallow_private = true\n"
        f"ca_file = '{outside.ca_file}'\nreply_id = 'id'\nseconds = 5\n"
        f"[follow_ups.storm]\nmax_first = 100000\nmax_percent = 100\nnever_below = 100000\n"
        f"[sources.cases.asiakkuudet]\n{gentle}transport.path = '/out/{_CASES}'\n"
        + "".join(f"transport.{line}\n" for line in sftp.splitlines())
        + f"[sources.absences.poissaolot]\n{gentle}transport.path = '/out/{_ABSENCES}'\n"
        + "".join(f"transport.{line}\n" for line in sftp.splitlines())
        + f"[sources.prices.posti]\nkind = 'mail'\n{gentle}transport.path = '/out/posti'\n"
        + "transport.after = 'move'\ntransport.move_to = 'luettu'\n"
        + "".join(f"transport.{line}\n" for line in sftp.splitlines())
        + f"[sources.prices.own]\nkind = 'own'\npath = '{home}/own.csv'\n"
    ]
    for one in world.lists:
        parts.append(f"[sources.prices.{one.name}]\nprovider = '{one.business_id}'\n{gentle}")
        if one.transport == "https":
            parts.append(
                f"transport = {{ kind = 'https', url = '{outside.http.url('/prices/' + one.file_name)}', "
                f"allow_private = true, ca_file = '{outside.ca_file}' }}\n"
            )
        else:
            parts.append("".join(f"transport.{line}\n" for line in sftp.splitlines()))
            parts.append(f"transport.path = '/out/{one.file_name}'\n")
    return "".join(parts)
