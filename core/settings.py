"""Settings: `avain.toml` for what an organisation decides, `AVAIN_*` environment (or `.env`) for URLs and secrets.

Nested groups, validated as a whole; an unknown key or a bad value is refused with the key's path and what is allowed.
Settings are read at the edge (command, worker) and passed in: services never import them.
"""

import difflib
import os
import tomllib
import types
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from core.audit_settings import Audit
from core.budget_settings import Budgets
from core.consistency_settings import Consistency
from core.console_settings import Console
from core.effect_settings import EffectSettings
from core.errors import ConfigurationError, Message
from core.family_settings import Family
from core.follow_up_settings import FollowUps
from core.i18n import N_, _
from core.mail_settings import Mail, one_address
from core.order_settings import Orders
from core.outgoing_settings import Outgoing
from core.reasons import os_reason, toml_reason
from core.retention_settings import Retention
from core.secret_settings import SecretSettings
from core.setting_groups import Group, RefusedSettingError
from core.source_settings import Sources
from core.statement_settings import Statements
from core.toml import parse_toml
from core.worker_settings import Workers

ROOT = Path(__file__).resolve().parent.parent


class Organisation(Group):
    """The buyer on every order, and whom a provider can ask."""

    name: str = "Esimerkin hyvinvointialue (keksitty)"
    business_id: str = "9999999-2"
    endpoint_scheme: Literal["0216", "0088"] = "0216"
    endpoint_id: str = "003799999992"
    country: str = Field(default="FI", pattern="^[A-Z]{2}$")
    einvoice_address: str | None = Field(default=None, description="where providers send invoices; printed on orders")
    einvoice_operator: str | None = None


class Prices(Group):
    """Who answers for price lists, and when that person is to hear of them."""

    manager_email: str | None = Field(
        default=None, description="told at once of lists that wait, and of prices that are missing or will end"
    )
    ending_soon_days: int = Field(default=60, ge=1, le=730)

    @field_validator("manager_email")
    @classmethod
    def _is_one_address(cls, value: str | None) -> str | None:
        return one_address(value)


class Privacy(Group):
    """Whether identity is dropped at the door or kept sealed."""

    identity: Literal["none", "sealed"] = "none"


class Settings(SecretSettings):
    """Everything an installation is told. Environment over .env over avain.toml over defaults."""

    model_config = SettingsConfigDict(
        env_prefix="AVAIN_", env_nested_delimiter="__", env_file=".env", extra="forbid", frozen=True
    )

    environment: Literal["development", "production"] = "development"
    language: Literal["fi", "sv", "en"] = "fi"
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    home: Path = Field(default=ROOT / "var", description="data of embedded services, outbox, demo results")

    organisation: Organisation = Organisation()
    sources: Sources = Sources()
    mail: Mail = Mail()
    budgets: Budgets = Budgets()
    statements: Statements = Statements()
    orders: Orders = Orders()
    outgoing: Outgoing = Outgoing()
    follow_ups: FollowUps = FollowUps()
    prices: Prices = Prices()
    privacy: Privacy = Privacy()
    console: Console = Console()
    family: Family = Family()
    audit: Audit = Audit()
    consistency: Consistency = Consistency()
    retention: Retention = Retention()
    effects: EffectSettings = EffectSettings()
    workers: Workers = Workers()

    @model_validator(mode="after")
    def _production_brings_its_own(self) -> "Settings":
        if self.environment == "production":
            missing = [name for name in ("database_url", "redis_url", "hash_key") if getattr(self, name) is None]
            if missing:
                raise RefusedSettingError(
                    Message(
                        "production mode needs {names}", names=", ".join(f"AVAIN_{name.upper()}" for name in missing)
                    )
                )
        if self.privacy.identity == "sealed" and (self.seal_keys is None or self.index_key is None):
            raise ValueError(N_('privacy.identity = "sealed" needs AVAIN_SEAL_KEYS and AVAIN_INDEX_KEY'))
        if self.family.oidc is not None and self.privacy.identity != "sealed":
            raise ValueError(N_('family.oidc needs privacy.identity = "sealed": else nobody knows whose budget it is'))
        return self

    @property
    def embedded(self) -> bool:
        """Whether Avain runs on its own PostgreSQL and Valkey, because nobody named others."""
        return self.database_url is None or self.redis_url is None

    @property
    def embedded_services(self) -> tuple[str, ...]:
        """Which servers Avain starts itself."""
        named = {"postgres": self.database_url, "valkey": self.redis_url}
        return tuple(service for service, url in named.items() if url is None)

    @property
    def order_outbox(self) -> Path:
        """Where file orders go: one place for every process, whatever folder it was started in."""
        return self.home / self.orders.outbox

    @property
    def mail_templates(self) -> Path | None:
        """The folder of the organisation's own e-mail templates: as it is written in avain.toml, seen from there."""
        folder = self.follow_ups.templates
        return None if folder is None else configuration_file().absolute().parent / folder

    @property
    def audit_anchors(self) -> Path:
        """Where the audit trail is anchored, for every process the same."""
        return self.home / self.audit.anchor_file

    @property
    def effects_journal(self) -> Path:
        """Where it is written down what left, for every process of this host the same."""
        return self.home / self.effects.journal

    @property
    def statement_folder(self) -> Path:
        """Where statements made for many cases go, for every process the same."""
        return self.home / self.statements.folder

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings passes it by name
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, _OurShare(settings_cls, dotenv_settings), init_settings


class _OurShare(PydanticBaseSettingsSource):
    """A .env may serve others too (docker compose): only what begins with AVAIN_ is ours, and of that nothing may be misspelt."""

    def __init__(self, settings_cls: type[BaseSettings], whole: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._whole = whole

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Not used: the whole answers at once."""
        return self._whole.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        """Known settings, and unknown ones that claim to be ours."""
        fields = self.settings_cls.model_fields
        return {name: value for name, value in self._whole().items() if name in fields or name.startswith("avain_")}


def configuration_file() -> Path:
    """AVAIN_CONFIG, or avain.toml in the working directory."""
    return Path(os.environ.get("AVAIN_CONFIG", "avain.toml"))


_read_from: dict[Path, int] = {}


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The process's settings, read once. Raises ConfigurationError with one line per mistake."""
    file = configuration_file()
    _read_from[file] = _changed_at(file)
    return load(file)


def follow_configuration() -> None:
    """Read the settings anew if avain.toml changed since, so that a running worker knows a source that was added to it.

    A file that cannot be used leaves the former settings in force and raises ConfigurationError, once for each change. URLs of the
    database and of Redis are looked up once a process: for those a restart is needed.
    """
    file = configuration_file()
    changed_at = _changed_at(file)
    if _read_from.get(file) == changed_at:
        return
    _read_from[file] = changed_at
    load(file)
    settings.cache_clear()


def _changed_at(file: Path) -> int:
    return file.stat().st_mtime_ns if file.exists() else 0


def load(file: Path) -> Settings:
    """Read `file` (may be absent, unless AVAIN_CONFIG names it) and the environment."""
    if not file.exists():
        if "AVAIN_CONFIG" in os.environ:
            raise ConfigurationError(
                "The configuration file {path} (AVAIN_CONFIG) does not exist. Write one with: avain init",
                path=str(file),
            )
        data: dict[str, Any] = {}
    else:
        try:
            data = parse_toml(file.read_text("utf-8"))
        except OSError as error:
            raise ConfigurationError(
                "{path} cannot be read: {error}", path=str(file), error=os_reason(error)
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                "{path} is not valid TOML: {error}", path=str(file), error=toml_reason(error)
            ) from error
    _refuse_unknown_environment()
    try:
        found = Settings(**data)
    except ValidationError as error:
        lines = "\n".join(f"  {_explain(one)}" for one in error.errors())
        raise ConfigurationError(
            "{path} and the environment (AVAIN_*) hold settings that cannot be used:\n{lines}",
            path=str(file),
            lines=lines,
        ) from error
    if found.environment == "production" and (aids := sorted(_TEST_AIDS & os.environ.keys())):
        raise ConfigurationError(
            "{names}: only for tests; in production mode Avain does not start with it.", names=", ".join(aids)
        )
    return found


#: What moves the clock and kills processes: in production their being set is a mistake or an attack.
_TEST_AIDS = {"AVAIN_TEST_CLOCK", "AVAIN_TEST_FAULTS"}
#: Read directly, outside the settings proper.
_BESIDE_SETTINGS = {"AVAIN_CONFIG", *_TEST_AIDS}


def _refuse_unknown_environment() -> None:
    """A misspelt AVAIN_ variable must not be passed over in silence."""
    known = {f"AVAIN_{name.upper()}" for name in Settings.model_fields} | _BESIDE_SETTINGS
    for name in os.environ:
        if name.startswith("AVAIN_") and name.split("__")[0] not in known:
            raise ConfigurationError(
                "The environment variable {name} is not known. {hint}",
                name=name,
                hint=_did_you_mean(name, sorted(known)),
            )


def _explain(error: Any) -> str:
    """One mistake as `path: what is wrong; what is allowed`."""
    location = [str(part) for part in error["loc"]]
    path = ".".join(_as_written(location)) or "avain.toml"
    if error["type"] == "extra_forbidden":
        allowed = sorted(_fields_at(location[:-1]))
        return _("{path}: unknown key. {hint}").format(path=path, hint=_did_you_mean(location[-1], allowed))
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return _("{path}: {value} is not allowed; allowed: {allowed}").format(
            path=path, value=repr(error["input"]), allowed=context["expected"].replace(" or ", ", ")
        )
    if error["type"] == "value_error":
        refused = context["error"]
        said = refused.message.text() if isinstance(refused, RefusedSettingError) else _(str(refused))
        return f"{path}: {said}" if location else said  # of several settings at once, wherever they stand
    if error["type"] == "union_tag_invalid":
        return _("{path}: {value} is not allowed; allowed: {allowed}").format(
            path=f"{path}.kind", value=repr(context["tag"]), allowed=context["expected_tags"]
        )
    secret = isinstance(error["input"], dict) or any(word in path for word in ("key", "pass", "token", "secret", "url"))
    template = _COMPLAINTS.get(error["type"])
    said = _(template).format_map(context) if template else error["msg"]
    return f"{path}: {said}" + ("" if secret else f" ({error['input']})")


#: What pydantic finds wrong, in words for people; its own words serve for the rest.
_COMPLAINTS = {
    "missing": N_("is missing"),
    "int_parsing": N_("must be a whole number"),
    "int_type": N_("must be a whole number"),
    "int_from_float": N_("must be a whole number"),
    "float_parsing": N_("must be a number"),
    "decimal_parsing": N_("must be a number"),
    "decimal_type": N_("must be a number"),
    "bool_parsing": N_("must be true or false"),
    "string_type": N_("must be text"),
    "path_type": N_("must be a path"),
    "dict_type": N_("must be a table"),
    "model_type": N_("must be a table"),
    "model_attributes_type": N_("must be a table"),
    "union_tag_not_found": N_("`kind` is missing"),
    "greater_than": N_("must be greater than {gt}"),
    "greater_than_equal": N_("must be at least {ge}"),
    "less_than_equal": N_("must be at most {le}"),
    "string_pattern_mismatch": N_("is not written as it must be; see: avain config schema"),
}


def _as_written(location: list[str]) -> list[str]:
    """A location as it stands in avain.toml: pydantic puts the kind of a transport or connection into it (`transport.sftp.host`)."""
    if location[:1] == ["sources"] and location[3:4] == ["transport"]:
        return location[:4] + location[5:]
    return location[:3] + location[4:] if location[:2] == ["orders", "connections"] else location


def _did_you_mean(wrong: str, allowed: list[str]) -> str:
    near = difflib.get_close_matches(wrong, allowed, n=1)
    if near:
        return _("Did you mean {near}?").format(near=near[0])
    return _("Allowed: {allowed}").format(allowed=", ".join(allowed))


def _fields_at(location: list[str]) -> list[str]:
    """The keys a table at `location` may hold; dictionaries keyed by a name are stepped through."""
    model: Any = Settings
    for part in location:
        if get_origin(model) is Annotated:  # tables told apart by their kind, which stands in the location
            model = next((one for one in get_args(get_args(model)[0]) if _kind_of(one) == part), model)
            continue
        fields = getattr(model, "model_fields", {})
        annotation = fields[part].annotation if part in fields else None
        model = _inner(annotation) if annotation is not None else model
    return list(getattr(model, "model_fields", {}))


def _kind_of(model: Any) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


def _inner(annotation: Any) -> Any:
    origin = get_origin(annotation)
    if origin is dict:
        return get_args(annotation)[1]
    if origin in (Union, types.UnionType):
        return next((arg for arg in get_args(annotation) if arg is not type(None)), annotation)
    return annotation
