"""The demo's step about a list that waits: a provider's e-mailed Excel brings +8 % overnight, and a person looks before it counts."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from core.i18n import HELSINKI, _
from demo.make_price_files import dearer_mail
from demo.order_steps import mails
from demo.story import Story, money_of, money_sum, print_budgets, read_budgets

OVERNIGHT = datetime(2026, 11, 17, 2, 10, 1, tzinfo=HELSINKI)
MORNING = datetime(2026, 11, 17, 9, 0, tzinfo=HELSINKI)
MANAGER = "hinnat@avain-esimerkki.invalid"


def dearer(story: Story) -> None:
    """Tukipolku's new list waits; the prices in force stay until the price manager has looked at what it does to the budgets."""
    place = story.place
    (place.home / "in" / "mail" / "2026-11-16-tukipolku.eml").write_bytes(dearer_mail())
    place.clock(OVERNIGHT)
    held = place.wait(lambda: place.avain("price", "held", "--json"), "held")
    place.settled()
    story.show("price", "held")
    story.check(
        len(held) == 1 and held[0]["counts"]["changed"] == 1,
        _("the Excel that came by e-mail overnight raises a price by 8 per cent, and waits"),
        held[0]["reasons"][0],
    )
    before = read_budgets(story)
    story.check(
        [_figures(one) for one in before] == [_figures(one) for one in story.report["budgets_before"]],
        _("until then the budgets use the prices in force"),
    )
    told = [mail for mail in mails(story) if MANAGER in mail["To"]]
    story.check(
        sum("8" in mail.get_content() for mail in told) == 1,
        _("the price manager was told once, at once"),
        told[-1]["Subject"],
    )
    _mail_nobody_can_place(story)
    calculations = _calculations(story)
    approved = place.avain(
        "price", "approve", str(held[0]["id"]), "--note", "sovittu puhelimessa", "--as", "hintavastaava", "--json"
    )
    place.wait(lambda: _calculations(story) > calculations, "recompute")
    place.settled()
    after = read_budgets(story)
    moved = [
        {"case": new["case"], "planned": [old["planned"], new["planned"]], "free": [old["free"], new["free"]]}
        for old, new in zip(before, after, strict=True)
        if old["planned"] != new["planned"]
    ]
    story.check(
        approved["changed"] == 1 and [one["case"] for one in moved] == [story.cases["LC-1003"]],
        _("approved, it moves the budget of the one case that needs it, and no other"),
        ", ".join(f"{money_of(one['free'][0])} → {money_of(one['free'][1])}" for one in moved),
    )
    story.check(
        all(money_sum(one) for one in after) and Decimal(moved[0]["free"][1]) < Decimal(moved[0]["free"][0]),
        _("the budgets still add up"),
    )
    print_budgets(story, after)
    story.report["dearer"] = {"held": held[0], "moved": moved, "letter": told[-1].get_content()}
    place.clock(MORNING)
    place.settled()


def _mail_nobody_can_place(story: Story) -> None:
    """An advertisement that lay in the same folder: it stopped no list, and a person lets it be."""
    waits: list[dict[str, Any]] = story.place.avain("price", "mail", "list", "--json")
    story.show("price", "mail", "list")
    story.check(
        [one["file_name"] for one in waits] == ["2026-11-12-mainos.eml"],
        _("an e-mail of an unknown sender waits beside it, and stopped nothing"),
        waits[0]["sender"],
    )
    story.place.avain("price", "mail", "discard", str(waits[0]["id"]), "--note", "mainos", "--as", "hintavastaava")


def _figures(budget: dict[str, Any]) -> list[Any]:
    return [budget[name] for name in ("case", "ceiling", "planned", "ordered", "free")]


def _calculations(story: Story) -> int:
    (row,) = story.place.query(
        "SELECT count(*) AS n FROM run WHERE kind = 'recompute_budgets' AND outcome = 'succeeded'"
    )
    return int(row["n"])
