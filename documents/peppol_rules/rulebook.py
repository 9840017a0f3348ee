"""A group of rules on the contents of one kind of document: their ids, how grave they are, and what each says in our words."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lxml import etree

from core.errors import Message
from documents.peppol_rules.reading import Document, Objection

_Context = TypeVar("_Context")


@dataclass(frozen=True)
class RuleBook:
    """Rules `prefix` + name, such as `PEPPOL-T76-R001`; the sentences are msgids."""

    prefix: str
    fatal: Mapping[str, str]
    warnings: Mapping[str, str] = field(default_factory=dict)

    def ids(self) -> frozenset[str]:
        """The ids of all its rules."""
        return frozenset(self.prefix + name for name in (*self.fatal, *self.warnings))

    def broken(self, rule: str, element: "etree._Element") -> Objection:
        """The objection of `rule` to `element`."""
        if rule in self.fatal:
            return Objection(element, self.prefix + rule, "fatal", Message(self.fatal[rule]))
        return Objection(element, self.prefix + rule, "warning", Message(self.warnings[rule]))

    def judge(
        self,
        document: Document,
        checks: "Mapping[str, Callable[[etree._Element, _Context], Iterator[str]]]",
        context: _Context,
    ) -> Iterator[Objection]:
        """What `checks`, one for each name of element, object to; each is given an element and `context`, and yields rules that are broken."""
        for tag, check in checks.items():
            for element in document.named(tag):
                for rule in check(element, context):
                    yield self.broken(rule, element)
