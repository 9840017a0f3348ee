"""How budgets are calculated and judged: cost neutrality as the organisation reads it, and what counts beside a service's price."""

from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from core.i18n import N_
from core.setting_groups import Group


class ExtraRule(Group):
    """How much of what a provider charges beside a service belongs to its price: `quantity` units of the extra for each unit planned.

    Twenty kilometres for every visit: extra "travel", unit "KMT", for_unit "C62", quantity 20. Every twentieth visit is missed: extra
    "no_show", unit "C62", for_unit "C62", quantity 0.05. Where a provider has no price for it, it charges nothing.
    """

    extra: Literal["travel", "no_show"]
    unit: str = Field(pattern=r"^[A-Z0-9]{2,3}$", description="unit of the extra's price, UN/ECE Rec 20")
    for_unit: str = Field(default="C62", pattern=r"^[A-Z0-9]{2,3}$", description="unit the service is planned in")
    # two decimals, so that with the finest step of a plan (0.01) nothing has to be rounded before the money
    quantity: Decimal = Field(gt=0, le=10_000, decimal_places=2, description="units of the extra for each planned unit")
    services: list[str] = Field(
        default_factory=list, description="codes of the services it holds for; none: all others"
    )


class Budgets(Group):
    """`[budgets]`."""

    tolerance: Decimal = Field(
        default=Decimal("0.05"), ge=0, le=1, description="share of the ceiling that may be passed without a reason"
    )
    near_limit: Decimal = Field(
        default=Decimal("0.90"), ge=0, le=1, description="from this share of the ceiling on a budget is near"
    )
    close_after_days: int = Field(
        default=90,
        ge=0,
        le=3650,
        description="days after an order's last day on which what nobody billed is free again",
    )
    extras: list[ExtraRule] = Field(default_factory=list, description="what is counted in beside the service itself")
    parallel: int = Field(default=2, ge=1, le=16, description="processes that calculate at once when much has to be")

    @model_validator(mode="after")
    def _one_rule_each(self) -> Self:
        seen: set[tuple[str, ...]] = set()
        for rule in self.extras:
            for service in rule.services or [""]:
                key = (rule.extra, rule.unit, rule.for_unit, service)
                if key in seen:
                    raise ValueError(N_("two rules say how much of the same extra belongs to the same service"))
                seen.add(key)
        return self
