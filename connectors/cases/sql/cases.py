"""From the results of the queries to records: the reading side of kind `sql`, which groups rows as tables do."""

from collections.abc import Mapping

from connectors.cases.profile import Profile
from connectors.cases.sql.wire import read_result
from connectors.cases.table.client import RowCases
from core.errors import ConfigurationError
from core.source_settings import SqlView


class SqlCases(RowCases):
    """The connector of kind `sql`. A record's position is the number of its row in the result."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile, read_result, file_names(profile))


def file_names(profile: Profile) -> Mapping[str, str | None]:
    """The spooled file of each group; None for one whose columns stand in the query of the cases."""
    parts = {"decisions": profile.decisions, "plan_items": profile.plan_items}
    own = {
        name: f"{name}.ndjson" if group is not None and group.case is not None else None
        for name, group in parts.items()
    }
    return {"cases": "cases.ndjson", **own}


def check_agreement(view: SqlView, profile: Profile) -> None:
    """Raise ConfigurationError unless each group has a query exactly if the profile says which column of it names the case."""
    for name, query in (("decisions", view.decisions), ("plan_items", view.plan_items)):
        if (query is not None) != (file_names(profile)[name] is not None):
            raise ConfigurationError(
                "The query sql.{group} and the key case of [{group}] in the profile {profile} go together: "
                "have both, or neither where the columns stand in the query of the cases.",
                group=name,
                profile=profile.name,
            )
