"""`make sbom`: what an installation consists of, as a CycloneDX 1.6 document that the county's tools read.

    python -m deploy.supply_chain.sbom dist/avain.cdx.json

Made from requirements/production.txt alone: every package with its version, the sha256 of every file that may be installed for it, and what
needs it; beside it the images that docker-compose.yml and the Dockerfile name. The same lock gives the same bytes: there is no moment in it, and its
serial number is taken from its contents. Licences are those the packages state, of packages that are installed here in just that version.
Checked against the standard's own schema before it is written.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from deploy.supply_chain import lock
from deploy.supply_chain.exceptions import ROOT

#: Of our own, so that equal contents have equal serial numbers and nobody else's have ours.
_NAMESPACE: Final = UUID("7f4a3c6e-52b1-4e0b-9a53-2c0f6d1b8e70")
_LONGEST_LICENCE: Final = 80


def bill_of_materials(root: Path = ROOT) -> str:
    """The document of the checkout `root`, as text. Raises ValueError where it breaks the standard's schema."""
    bom = Bom(metadata=BomMetaData(component=_avain(root)))
    packages = [(one, _package(one)) for one in lock.read(root / "requirements" / "production.txt")]
    main = bom.metadata.component
    if main is None:  # for mypy: it was given above
        raise ValueError("a bill of materials is of something")
    images = [_image(name) for name in sorted(set(_images(root)))]
    for component in (*(made for _, made in packages), *images):
        bom.components.add(component)
    for package, made in packages:
        bom.register_dependency(made, [other for one, other in packages if package.name in one.wanted_by])
    bom.register_dependency(main, [*(made for package, made in packages if package.direct), *images])
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the standard does not ask for one
    bom.serial_number = uuid5(_NAMESPACE, "")
    bom.serial_number = uuid5(_NAMESPACE, _written(bom))
    written = _written(bom)
    if errors := JsonStrictValidator(SchemaVersion.V1_6).validate_str(written):
        raise ValueError(f"the bill of materials breaks the schema: {errors}")
    return written


def _written(bom: Bom) -> str:
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _avain(root: Path) -> Component:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=project["version"],
        bom_ref="avain",
        description=project["description"],
        licenses=[LicenseFactory().make_from_string(project["license"]["text"])],
    )


def _package(one: lock.Locked) -> Component:
    purl = PackageURL("pypi", name=one.name, version=one.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=one.name,
        version=one.version,
        bom_ref=purl.to_string(),
        purl=purl,
        scope=ComponentScope.OPTIONAL if one.condition else ComponentScope.REQUIRED,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=value) for value in one.hashes],
        licenses=list(_licence(one)),
        properties=[Property(name="avain:installed-where", value=one.condition)] if one.condition else [],
    )


def _licence(one: lock.Locked) -> Iterator[License]:
    try:
        stated: PackageMetadata = metadata(one.name)
    except PackageNotFoundError:
        return
    if stated["Version"] != one.version:
        return
    written = _first(stated, "License-Expression") or _first(stated, "License")
    if not written or "\n" in written or len(written) > _LONGEST_LICENCE:
        classifiers = [value for value in stated.get_all("Classifier") or () if value.startswith("License ::")]
        written = " AND ".join(value.rpartition(" :: ")[2] for value in classifiers)
    if written:
        yield LicenseFactory().make_from_string(written)


def _first(stated: PackageMetadata, field: str) -> str:
    return next(iter(stated.get_all(field) or ()), "")


def _images(root: Path) -> Iterator[str]:
    """Names of the images that are not built here."""
    yield from re.findall(r"^FROM (\S+)", (root / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"^ +image: (\S+)", (root / "docker-compose.yml").read_text("utf-8"), re.MULTILINE)
    yield from (one for one in named if not one.startswith("avain:"))


def _image(name: str) -> Component:
    plain, _, version = name.partition(":")
    return Component(type=ComponentType.CONTAINER, name=plain, version=version, bom_ref=f"image:{name}")


def main(target: Path) -> None:
    """Write the document to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(bill_of_materials(), "utf-8")
    print(f"{target}: CycloneDX 1.6, valid")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
