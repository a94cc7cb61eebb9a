"""Croissant metadata (MLCommons, version 1.0, with the RAI vocabulary), which ``mlcroissant validate`` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from AnnotationQACore.release.card.sources import CardSources
from AnnotationQACore.release.composition import parts_in_order
from AnnotationQACore.release.tables import CASE_COLUMNS

__all__ = ["croissant_json"]

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".dcm": "application/dicom",
    ".gz": "application/gzip",
    ".nii": "application/x-nifti",
    ".png": "image/png",
    ".npz": "application/x-npz",
    ".npy": "application/x-npy",
    ".parquet": "application/vnd.apache.parquet",
    ".tfrecord": "application/x-tfrecord",
}
_NUMBERS = frozenset({"slice_thickness_mm"})


def croissant_json(sources: CardSources, files: Mapping[str, tuple[int, str]]) -> str:
    """Metadata of a release, as JSON-LD.

    Parameters
    ----------
    sources : CardSources
    files : mapping of path to (bytes, SHA-256)
        All files of the release but this one and the manifest.
    """
    sheet, dataset = sources.request.sheet, sources.gathered.dataset
    document: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": dataset.name,
        "alternateName": sheet.title,
        "description": sheet.summary or sheet.title,
        "version": sheet.version,
        "license": sheet.licence_url or sheet.licence,
        "url": sheet.url or f"urn:annotation-qa:{sources.project.id}:{dataset.name}",
        "creator": [{"@type": "sc:Organization", "name": creator} for creator in sheet.creators],
        "datePublished": sheet.published or f"{sources.made:%Y-%m-%d}",
        "dateCreated": f"{sources.made:%Y-%m-%d}",
        "citeAs": sheet.citation or f"{'; '.join(sheet.creators)}: {sheet.title}, version {sheet.version}.",
        "keywords": sorted({"medical imaging", dataset.protocol.imaging.body_region.meaning, *_modalities(sources)}),
        **_responsible(sources),
        "distribution": _distribution(files),
        "recordSet": _record_sets(sources),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _modalities(sources: CardSources) -> set[str]:
    return {image.facts.modality for case in sources.gathered.dataset.cases for image in case.images} - {""}


def _responsible(sources: CardSources) -> dict[str, Any]:
    """RAI vocabulary: how the data came about, and what it is not for."""
    sheet, protocol = sources.request.sheet, sources.gathered.dataset.protocol
    analysis = []
    if sources.agreement is not None:
        for item in sources.agreement.summary.items:
            figure = item.figure(item.judged_by) or (item.figures[0] if item.figures else None)
            if figure is not None and figure.value == figure.value:
                analysis.append(f"{item.title}: {figure.title} {figure.value:.3f} over {figure.n} {figure.of}.")
    values = {
        "rai:dataCollection": sheet.collection,
        "rai:dataAnnotationProtocol": (
            f"{protocol.title}, version {protocol.version}, SHA-256 {protocol.hash}; see protocol.json. "
            f"{protocol.design.training}"
        ).strip(),
        "rai:annotationsPerItem": str(protocol.design.readers_per_case),
        "rai:annotatorDemographics": sheet.reader_training,
        "rai:dataAnnotationAnalysis": analysis,
        "rai:dataAnnotationPlatform": "AnnotationQA",
        "rai:dataPreprocessingProtocol": [sheet.preprocessing] if sheet.preprocessing else [],
        "rai:dataLimitations": list(sheet.limitations),
        "rai:dataUseCases": list(sheet.intended_uses),
        "rai:personalSensitiveInformation": "De-identified health information; see provenance/deidentification.json.",
        "rai:dataReleaseMaintenancePlan": sheet.maintenance,
    }
    return {name: value for name, value in values.items() if value}


def _distribution(files: Mapping[str, tuple[int, str]]) -> list[dict[str, Any]]:
    """Files of the release one by one, and those of each format as a set."""
    own = [path for path in files if not path.startswith("data/")]
    entries: list[dict[str, Any]] = [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": path,
            "contentSize": f"{files[path][0]} B",
            "encodingFormat": _media_type(path),
            "sha256": files[path][1],
        }
        for path in own
    ]
    sets: dict[tuple[str, str], int] = {}
    for path in files:
        if path.startswith("data/"):
            key = (path.split("/")[1], PurePosixPath(path).suffix)
            sets[key] = sets.get(key, 0) + 1
    entries += [
        {
            "@type": "cr:FileSet",
            "@id": f"{name}{suffix or '-files'}",
            "name": f"{name}{suffix or '-files'}",
            "description": f"{number} files in data/{name}; manifest.json has the SHA-256 of each.",
            "encodingFormat": _media_type(suffix),
            "includes": f"data/{name}/**/*{suffix}",
        }
        for (name, suffix), number in sorted(sets.items())
    ]
    return entries


def _media_type(path: str) -> str:
    suffix = PurePosixPath(path).suffix if "/" in path or not path.startswith(".") else path
    return _MEDIA_TYPES.get(suffix, "application/octet-stream")


def _record_sets(sources: CardSources) -> list[dict[str, Any]]:
    parts = parts_in_order(sources.gathered.dataset.splits.values())
    sets: list[dict[str, Any]] = []
    if parts:
        sets.append(
            {
                "@type": "cr:RecordSet",
                "@id": "splits",
                "name": "splits",
                "key": {"@id": "splits/name"},
                "dataType": "cr:Split",
                "field": [_field("splits", "name", "Name of the part", None, "sc:Text")],
                "data": [{"splits/name": part} for part in parts],
            }
        )
    fields = []
    for name, description in CASE_COLUMNS:
        kind = "sc:Float" if name in _NUMBERS else "sc:Text"
        field = _field("cases", name, description, name, kind)
        if name == "split" and parts:
            field["references"] = {"field": {"@id": "splits/name"}}
        fields.append(field)
    sets.append(
        {
            "@type": "cr:RecordSet",
            "@id": "cases",
            "name": "cases",
            "description": "One record for each case.",
            "key": {"@id": "cases/case"},
            "field": fields,
        }
    )
    return sets


def _field(record: str, name: str, description: str, column: str | None, kind: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{record}/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
    }
    if column is not None:
        field["source"] = {"fileObject": {"@id": "cases.csv"}, "extract": {"column": column}}
    return field
