"""The installation's secrets among the settings: as they are, or the files that hold them."""

from pathlib import Path
from typing import Any, Final

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from core.errors import Message
from core.i18n import N_
from core.secret_files import credential, read_credential, read_secret
from core.setting_groups import RefusedSettingError

#: The settings that may stand in a file of their own.
IN_FILES: Final = ("hash_key", "seal_keys", "index_key", "database_url", "database_owner_url", "redis_url")


def _file_of(name: str) -> Any:
    return Field(default=None, description=f"a file that holds {name}, readable by its owner alone; instead of {name}")


class SecretSettings(BaseSettings):
    """Secrets and where they are read from: the environment, .env, or files. None is ever in the database, a log or the words of a command."""

    database_url: SecretStr | None = None
    database_owner_url: SecretStr | None = Field(
        default=None, description="for migrations, copies of the database and avain audit purge only; else database_url"
    )
    redis_url: SecretStr | None = None
    hash_key: SecretStr | None = Field(default=None, description="secret of the record hash, at least 32 characters")
    seal_keys: SecretStr | None = Field(
        default=None, description="id:base64 of 32 bytes, comma separated, newest first"
    )
    index_key: SecretStr | None = Field(
        default=None, description="base64 of 32 bytes, for the blind index; comma separated, newest first"
    )

    database_url_file: Path | None = _file_of("database_url")
    database_owner_url_file: Path | None = _file_of("database_owner_url")
    redis_url_file: Path | None = _file_of("redis_url")
    hash_key_file: Path | None = _file_of("hash_key")
    seal_keys_file: Path | None = _file_of("seal_keys")
    index_key_file: Path | None = _file_of("index_key")

    @model_validator(mode="before")
    @classmethod
    def _from_files(cls, data: dict[str, Any]) -> dict[str, Any]:
        """What stands in files. A secret that is said twice is refused: nobody knew which of them counts."""
        found = {}
        for name in IN_FILES:
            file, variable = data.get(f"{name}_file"), f"AVAIN_{name.upper()}"
            handed = credential(variable)
            if sum(bool(one) for one in (data.get(name), file, handed)) > 1:
                raise RefusedSettingError(
                    Message("{name} is set more than once: as it is, as {name}_FILE or by systemd", name=variable)
                )
            if file:
                found[name] = read_secret(Path(file))
            elif handed is not None:
                found[name] = read_credential(handed)
        return {**data, **found}

    @field_validator("hash_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError(N_("at least 32 characters, for example from: openssl rand -hex 32"))
        return value

    @field_validator("redis_url")
    @classmethod
    def _of_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            scheme, _, rest = value.get_secret_value().partition("://")
            if scheme not in {"redis", "rediss", "redis+socket"}:
                raise ValueError(N_("must begin with redis://, rediss:// (encrypted) or redis+socket://"))
            if scheme != "rediss" and "ssl_" in rest.partition("?")[2]:
                raise ValueError(N_("what begins with ssl_ needs an encrypted connection: rediss://"))
        return value
