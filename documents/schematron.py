"""Runs ISO Schematron rules (ISO/IEC 19757-3, query binding xslt2 or xslt3), such as the official Peppol ones, with Saxon.

Used where a copy of official rules is at hand: in tests, in the demo and in `avain order check`. The schema is turned into an XSLT
stylesheet that answers with JSON. Each pattern becomes a template mode and each rule a template; a rule that stands earlier has the
higher priority, since in a pattern only the first rule that fits a node applies.

All phases run, which is Schematron's default. Not supported, and refused rather than misread: includes, abstract patterns and rules, a
default phase, and one variable name in two patterns.

Saxon (`saxonche`, an optional part) brings a runtime of its own that does not survive a fork. It is started at the first check and must
not have been started before a worker process forks.
"""

import importlib.util
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lxml import etree

from core.errors import ConfigurationError, InputError, Message
from documents import xml
from documents.findings import Finding, Severity, element_at, found

_SCH: Final = "{http://purl.oclc.org/dsdl/schematron}"
_XSL_SPACE: Final = "http://www.w3.org/1999/XSL/Transform"
_XSL: Final = f"{{{_XSL_SPACE}}}"
_BINDINGS: Final = {"xslt2", "xslt3"}
_UNSUPPORTED: Final = ("include", "extends")
_saxon: "_Saxon | None" = None
_saxon_lock: Final = threading.Lock()


@dataclass(frozen=True)
class Schematron:
    """One schema, compiled when it is first used in this process."""

    path: Path
    stylesheet: str = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "Schematron":
        """Read the schema at `path`. Raises InputError if it is not Schematron or uses what is not supported.

        Raises ConfigurationError if Saxon is not installed.
        """
        if importlib.util.find_spec("saxonche") is None:
            raise ConfigurationError(
                "To run Schematron rules, install the optional part {extra} of Avain.", extra="schematron"
            )
        return cls(path=path, stylesheet=_to_stylesheet(xml.parse(path.read_bytes()).getroot(), path))

    def check(self, document: "bytes | etree._ElementTree") -> list[Finding]:
        """What the rules object to, in document order. Raises InputError if the document cannot be evaluated (check its schema first)."""
        tree = xml.parse(document) if isinstance(document, bytes) else document
        root = tree.getroot()
        answer = _processor().run(self.stylesheet, etree.tostring(root, encoding="unicode"))
        hits = [_finding(hit, root) for hit in json.loads(answer)]
        return sorted(hits, key=lambda finding: (finding.line, finding.location, finding.rule))


def _finding(hit: dict[str, str], root: "etree._Element") -> Finding:
    element = element_at(root, hit["path"])
    severity: Severity = "warning" if hit["flag"].lower() in {"warning", "warn", "info", "information"} else "fatal"
    text = Message("{detail}", detail=hit["text"])
    return found(element, hit["rule"], severity, text)


class _Saxon:
    """The Saxon processor of this process and the stylesheets it has compiled."""

    def __init__(self) -> None:
        from saxonche import PySaxonProcessor  # noqa: PLC0415 - optional, and starts a runtime that must not exist before a fork

        self.pid = os.getpid()
        self._processor = PySaxonProcessor(license=False)
        self._compiled: dict[str, Any] = {}

    def run(self, stylesheet: str, document: str) -> str:
        """The stylesheet's output for `document`, as text."""
        from saxonche import PySaxonApiError  # noqa: PLC0415 - see __init__

        try:
            if stylesheet not in self._compiled:
                self._compiled[stylesheet] = self._processor.new_xslt30_processor().compile_stylesheet(
                    stylesheet_text=stylesheet
                )
            source = self._processor.parse_xml(xml_text=document)
            return str(self._compiled[stylesheet].transform_to_string(xdm_node=source))
        except PySaxonApiError as error:
            raise InputError(
                "The Schematron rules cannot be applied to the document ({detail})", detail=str(error)
            ) from error


def _processor() -> _Saxon:
    global _saxon  # noqa: PLW0603 - one per process, made at first use
    with _saxon_lock:
        if _saxon is None:
            _saxon = _Saxon()
    if _saxon.pid != os.getpid():
        raise RuntimeError(
            "Saxon was started before this process was forked; it can only be used in the process that started it"
        )
    return _saxon


def _to_stylesheet(schema: "etree._Element", path: Path) -> str:
    """The schema as an XSLT 3.0 stylesheet whose output is a JSON array of `{rule, flag, path, text}`."""
    _refuse_unsupported(schema, path)
    spaces = {space.get("prefix", ""): space.get("uri", "") for space in schema.iter(_SCH + "ns")}
    sheet = etree.Element(f"{_XSL}stylesheet", {"version": "3.0"}, nsmap={**spaces, "xsl": _XSL_SPACE})
    _add(sheet, "output", method="json")
    for foreign in schema.findall(f"{_XSL}*"):  # functions and keys the rules call
        sheet.append(foreign)
    patterns = schema.findall(_SCH + "pattern")
    _add_variables(
        sheet, [*schema.findall(_SCH + "let"), *(let for pattern in patterns for let in pattern.findall(_SCH + "let"))]
    )

    start = _add(sheet, "template", match="/")
    collected = _add(start, "variable", **{"name": "avain-found", "as": "map(*)*"})
    for number, pattern in enumerate(patterns):
        mode = f"pattern-{number}"
        _add(sheet, "mode", **{"name": mode, "on-no-match": "shallow-skip"})
        _add(collected, "apply-templates", select=".", mode=mode)
        rules = pattern.findall(_SCH + "rule")
        for position, rule in enumerate(rules):
            _add_rule(sheet, rule, mode, priority=len(rules) - position)
    _add(start, "sequence", select="array { $avain-found }")
    return etree.tostring(sheet, encoding="unicode")


def _add_rule(sheet: "etree._Element", rule: "etree._Element", mode: str, priority: int) -> None:
    template = _add(sheet, "template", match=rule.get("context", ""), mode=mode, priority=str(priority))
    _add_variables(template, rule.findall(_SCH + "let"))
    for check in rule.iterchildren(_SCH + "assert", _SCH + "report"):
        test = check.get("test", "")
        broken = _add(template, "if", test=test if check.tag == _SCH + "report" else f"not({test})")
        text = _add(broken, "variable", name="avain-text")
        _add_sentence(text, check)
        hit = _add(broken, "map")
        for key, value in (("rule", check.get("id", "")), ("flag", check.get("flag") or check.get("role") or "fatal")):
            _add(_add(hit, "map-entry", key=f"'{key}'"), "sequence", select=_quoted(value))
        _add(hit, "map-entry", key="'path'", select="path()")
        _add(hit, "map-entry", key="'text'", select="normalize-space($avain-text)")
    _add(template, "apply-templates", select="@* | node()", mode="#current")


def _add_sentence(parent: "etree._Element", check: "etree._Element") -> None:
    """The words of an assertion; `value-of` and `name` in them are evaluated, other markup is dropped."""
    _add(parent, "text").text = check.text
    for part in check.iterchildren(tag=etree.Element):
        if part.tag == _SCH + "value-of":
            _add(parent, "value-of", select=part.get("select", ""))
        elif part.tag == _SCH + "name":
            _add(parent, "value-of", select=f"name({part.get('path', '.')})")
        else:
            _add_sentence(parent, part)
        _add(parent, "text").text = part.tail


def _add_variables(parent: "etree._Element", lets: list["etree._Element"]) -> None:
    for let in lets:
        _add(parent, "variable", name=let.get("name", ""), select=let.get("value", ""))


def _add(parent: "etree._Element", instruction: str, **attributes: str) -> "etree._Element":
    return etree.SubElement(parent, _XSL + instruction, attributes)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _refuse_unsupported(schema: "etree._Element", path: Path) -> None:
    if schema.tag != _SCH + "schema" or schema.get("queryBinding") not in _BINDINGS:
        raise InputError("{file} is not a Schematron schema with query binding xslt2 or xslt3.", file=path.name)
    lets = [let.get("name", "") for let in schema.iterfind(f"{_SCH}let")]
    lets += [let.get("name", "") for let in schema.iterfind(f"{_SCH}pattern/{_SCH}let")]
    unsupported = next((name for name in _UNSUPPORTED if schema.find(f".//{_SCH}{name}") is not None), None)
    if unsupported is None and schema.get("defaultPhase", "#ALL") != "#ALL":
        unsupported = "defaultPhase"
    if unsupported is None and any(
        pattern.get("abstract") or pattern.get("is-a") for pattern in schema.iter(_SCH + "pattern")
    ):
        unsupported = "abstract pattern"
    if unsupported is None and len(set(lets)) < len(lets):
        unsupported = "let"
    if unsupported:
        raise InputError(
            "{file} uses a part of Schematron that Avain does not support: {part}.", file=path.name, part=unsupported
        )
