"""The settings of a process that runs for weeks: what avain.toml says now."""

import structlog

from core.errors import ConfigurationError
from core.settings import Settings, follow_configuration, settings

log = structlog.get_logger()


def current_settings() -> Settings:
    """The settings in force. A file that was changed into something unusable is said once and leaves the former ones in force."""
    try:
        follow_configuration()
    except ConfigurationError as unusable:
        log.warning("configuration_not_followed", reason=str(unusable))
    return settings()
