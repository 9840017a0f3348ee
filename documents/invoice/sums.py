"""From the amounts a document prints to lines that add up to it, to the cent.

VAT is told per rate, and allowances, charges and rounding stand beside the lines. Budgets count by line: so each line gets its share of all
that, by one cumulative rule whose parts always add up to the whole. A document whose figures contradict each other is said to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from core.errors import Message
from core.money import CENT, ZERO, round_half_up
from documents.invoice.values import Kind, Line

#: What a rounding of the payable amount, and the VAT of one rate, may differ by (EN 16931, BR-CO-17: one euro).
_SLACK: Final = Decimal(1)
#: No sum of an invoice is larger: it would not fit the columns of budgets.
_MOST: Final = Decimal(10**9)

#: A rate of VAT as the document tells it apart: category and percent.
Rate = tuple[str, Decimal]


@dataclass(frozen=True)
class Group:
    """What a document says of one rate: what is taxed and the tax. `beside`: its charges less its allowances."""

    base: Decimal
    vat: Decimal
    beside: Decimal = ZERO


@dataclass(frozen=True)
class Totals:
    """The sums of the document. `rounding` is what the payable amount was rounded by."""

    net: Decimal
    vat: Decimal
    gross: Decimal
    rounding: Decimal = ZERO


@dataclass(frozen=True)
class Settled:
    """Lines that add up to `totals`, none of them turned; or why they do not."""

    lines: tuple[Line, ...]
    totals: Totals
    objection: Message | None = None


def settled(lines: Sequence[tuple[Rate, Line]], groups: dict[Rate, Group], totals: Totals) -> Settled:
    """The lines with their VAT and their share of what stands beside them. The lines' `net` is as printed, any decimals; VAT is worked out here."""
    objection = _contradiction(lines, groups, totals)
    if objection:
        return Settled(tuple(_alone(line) for _, line in lines), totals, objection)
    made: dict[int, Line] = {}
    by_rate = grouped(lines)
    for rate, group in groups.items():
        mine = by_rate.get(rate, [])
        nets = allotted(group.base, [line.net for line in mine])
        vats = allotted(group.vat, nets)
        made |= {line.number: replace(line, net=net, vat=vat) for line, net, vat in zip(mine, nets, vats, strict=True)}
    whole = [made[number] for number in sorted(made)]
    whole = _shared(whole, totals)
    return Settled(tuple(whole), totals)


def grouped(lines: Iterable[tuple[Rate, Line]]) -> dict[Rate, list[Line]]:
    """The lines of each rate."""
    found: dict[Rate, list[Line]] = {}
    for rate, line in lines:
        found.setdefault(rate, []).append(line)
    return found


def allotted(total: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """`total` (two decimals) in parts as large as `weights`, two decimals each, that add up to it. Weights of no sum: all to the first."""
    whole = sum(weights, Decimal(0))
    if whole == 0:
        return [total if not number else ZERO for number in range(len(weights))]
    if whole == total and all(weight == round_half_up(weight) for weight in weights):
        return [round_half_up(weight) for weight in weights]
    parts, so_far, given = [], Decimal(0), ZERO
    for weight in weights:
        so_far += weight
        until = round_half_up(total * so_far / whole)
        parts.append(until - given)
        given = until
    return parts


def turned(kind: Kind, found: Settled) -> tuple[Kind, Settled]:
    """The document with amounts above zero: an invoice of less than nothing gives back, and a credit note may be written with minus signs."""
    if found.totals.gross >= 0:
        return kind, found
    lines = tuple(
        replace(
            line,
            net=-line.net,
            vat=-line.vat,
            gross=-line.gross,
            quantity=None if line.quantity is None else -line.quantity,
        )
        for line in found.lines
    )
    totals = Totals(-found.totals.net, -found.totals.vat, -found.totals.gross, -found.totals.rounding)
    return "credit", Settled(lines, totals, found.objection)


def _alone(line: Line) -> Line:
    """The line by itself, where it is only shown."""
    net = round_half_up(line.net)
    vat = round_half_up(line.net * line.vat_rate)
    return replace(line, net=net, vat=vat, gross=net + vat)


def _shared(lines: list[Line], totals: Totals) -> list[Line]:
    """What is of no line's rate goes to all of them by what they cost; the rounding to the largest."""
    nets = [line.net for line in lines]
    left_net = allotted(totals.net - sum(nets, ZERO), nets)
    left_vat = allotted(totals.vat - sum((line.vat for line in lines), ZERO), nets)
    largest = max(range(len(lines)), key=lambda number: abs(nets[number]))
    made = []
    for number, line in enumerate(lines):
        net = line.net + left_net[number] + (totals.rounding if number == largest else 0)
        vat = line.vat + left_vat[number]
        made.append(replace(line, net=net, vat=vat, gross=net + vat))
    return made


def _contradiction(lines: Sequence[tuple[Rate, Line]], groups: dict[Rate, Group], totals: Totals) -> Message | None:
    """What in the figures cannot be: the first thing found."""
    if max(abs(totals.net), abs(totals.gross), *(abs(line.net) for _, line in lines)) >= _MOST:
        return Message("An amount of a thousand million euros or more is too much to be true.")
    for rate, line in lines:
        if rate not in groups:
            return Message("Line {line} has a rate of VAT that the sums of the document do not have.", line=line.number)
    by_rate = grouped(lines)
    for rate, group in groups.items():
        found = _contradiction_of(rate, group, [line.net for line in by_rate.get(rate, [])])
        if found:
            return found
    return _unlike_sums(groups, totals)


def _contradiction_of(rate: Rate, group: Group, nets: Sequence[Decimal]) -> Message | None:
    """The same of one rate. Lines with more decimals than two may be off by half a cent each."""
    come_to = sum(nets, Decimal(0)) + group.beside
    if abs(come_to - group.base) > CENT * len(nets) / 2:
        return Message(
            "The lines and what stands beside them come to {euros} without VAT at {percent} %; the document says {of_euros}.",
            euros=str(come_to),
            percent=str(rate[1]),
            of_euros=str(group.base),
        )
    if abs(group.vat - group.base * rate[1] / 100) > _SLACK:
        return Message(
            "The VAT of {euros} does not belong to {of_euros} at {percent} %.",
            euros=str(group.vat),
            of_euros=str(group.base),
            percent=str(rate[1]),
        )
    return None


def _unlike_sums(groups: dict[Rate, Group], totals: Totals) -> Message | None:
    """Sums of the whole document that differ from those of its rates."""
    if abs(totals.rounding) > _SLACK:
        return Message(
            "The document rounds what is to be paid by {euros}, more than a euro.", euros=str(totals.rounding)
        )
    sums = (
        sum((one.base for one in groups.values()), ZERO),
        sum((one.vat for one in groups.values()), ZERO),
        totals.net + totals.vat,
    )
    for found, said in zip(sums, (totals.net, totals.vat, totals.gross), strict=True):
        if found != said:
            return Message(
                "The sums of the document do not add up: {euros}, but it says {of_euros}.",
                euros=str(found),
                of_euros=str(said),
            )
    return None
