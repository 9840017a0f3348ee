"""The profile of a foreign export: a TOML file that says which path or column holds what (docs/sources/profiles.md).

XML, tables and SQL views share the language, so what a county learns for one source serves the next. A profile is checked whole when it is
loaded: what can be wrong in it is a ConfigurationError with file and key, never a surprise in the middle of a night's run.
"""

from connectors.cases.profile.convert import FieldFaultError, convert, convert_all, read_part
from connectors.cases.profile.loading import load_profile
from connectors.cases.profile.paths import XmlPath
from connectors.cases.profile.rules import FieldRule, GoneRule, GroupRule, Profile, TableShape, XmlShape

__all__ = [
    "FieldFaultError",
    "FieldRule",
    "GoneRule",
    "GroupRule",
    "Profile",
    "TableShape",
    "XmlPath",
    "XmlShape",
    "convert",
    "convert_all",
    "load_profile",
    "read_part",
]
