"""The report as one HTML page without scripts, and without references to anything but the pictures beside it."""

from collections.abc import Iterable
from html import escape
from typing import Any

from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.reporting.choices import choices_of
from DeidentifyStudyCore.reporting.picture_sections import face_section, redaction_section, risk_section

__all__ = ["as_html"]

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1c2530; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.25rem 0.6rem; border-bottom: 1px solid #d9dee5; vertical-align: top; }
th { background: #f3f5f8; position: sticky; top: 0; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
code { font-size: 0.85em; overflow-wrap: anywhere; }
.good { color: #11693b; font-weight: 600; } .bad { color: #a3261a; font-weight: 600; }
figure { display: inline-block; margin: 0 1rem 1rem 0; vertical-align: top; max-width: 100%; }
figure img { max-width: 100%; background: #000; } figcaption { font-size: 0.85rem; max-width: 24rem; }
h3 { font-size: 1rem; }
details summary { cursor: pointer; margin: 0.5rem 0; }
@media print { body { margin: 0; max-width: none; } th { position: static; } }
"""


_SEARCHED_FILES = {"headers": "headers", "whole files": "whole files, pixel data included (--search-pixels)"}
_SEARCHED_PIXELS = {
    "union": "by text recognition and by strokes",
    "classical": "by strokes alone, since text recognition was not installed",
}


def as_html(report: dict[str, Any]) -> str:
    """Render a report; what a person must look at comes first."""
    profile, counts, index = report["profile"], report["counts"], report["index"]
    verdict = _verdict(counts["written"], counts["quarantined"])
    parts = [
        f"<h1>De-identification report</h1>{verdict}",
        "<p>After writing, every file was read again, and its header was searched for the original identifiers. Pixels "
        "count as clean only where the report says that a step looked at them. Files of the source are known by the "
        "SHA-256 of their headers, since their names may identify patients.</p>",
        _table(
            ("", ""),
            [
                ("Standard", f"DICOM {report['standard']}, Basic Application Level Confidentiality Profile"),
                *choices_of(profile),
                ("Key", f"{report['key']} ({'ephemeral, gone' if profile['key'] == 'ephemeral' else 'key file'})"),
                ("Begun", _when(report["started"])),
                ("Finished", _when(report["finished"])),
                (
                    "Source",
                    f"files: {index['files']}; objects: {index['objects']}; patients: {index['patients']}; studies: "
                    f"{index['studies']}; series: {index['series']}; identical copies left out: "
                    f"{counts['copies_left_out']}",
                ),
                (
                    "References between objects",
                    f"{counts['references_kept']} kept, {counts['references_removed_by_rule']} removed by a rule",
                ),
                *_searches(report["search"]),
                ("Conformance (dciodvfy)", _conformance(report["conformance"])),
            ],
        ),
    ]
    if counts["by_reason"]:
        rows = [(reason, row["files"], row["meaning"]) for reason, row in counts["by_reason"].items()]
        parts.append("<h2>Not written</h2>" + _table(("Reason", "Files", "Meaning and remedy"), rows))
    parts.append(face_section(report.get("faces")))
    parts.append(risk_section(report["files"]))
    parts.append(redaction_section(report["files"]))
    strings = [(row["tag"], row["name"], row["text"]) for row in report["retained_strings"]]
    parts.append(
        f"<h2>Texts that stayed: look them over</h2><details open><summary>{_how_many(strings, counts)}</summary>"
        + _table(("Tag", "Attribute", "Text"), strings)
        + "</details>"
    )
    attributes = [
        (
            " / ".join([*row["path"], row["tag"]]),
            row["name"] or "private or unknown",
            row["action"],
            row["rule"],
            row["elements"],
        )
        for row in report["attributes"]
    ]
    parts.append(
        f"<h2>What happened to each attribute</h2><details><summary>{count_of(len(attributes), 'attribute')}</summary>"
        + _table(("Tag", "Attribute", "Action", "Rule", "Elements"), attributes)
        + "</details>"
    )
    parts.append("<h2>Rules</h2>" + _table(("Rule", "What it does"), list(report["rules"].items())))
    files = [
        (
            row["number"] + 1,
            row["output"] or row["reason"],
            row["input_header_sha256"],
            row["output_header_sha256"],
            row["output_pixels_sha256"],
            ", ".join(row["pixels"]),
        )
        for row in report["files"]
    ]
    parts.append(
        f"<h2>Files</h2><details><summary>{count_of(len(files), 'file')}</summary>"
        + _table(
            ("No.", "Written as, or reason", "Input, header", "Output, header", "Output, pixels", "Pixel data"), files
        )
        + "</details>"
    )
    parts.append(
        "<h2>How to check this report</h2><p><code>deidentify-study verify REPORT --key FILE</code> holds this page, "
        "its pictures and every written file against <code>report.json</code>, and that against its signature. Ed25519 "
        f"public key: <code>{escape(report['signature']['public_key'])}</code>.</p>"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>De-identification report</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _verdict(written: int, left_out: int) -> str:
    if not left_out:
        said = "The only object was" if written == 1 else f"All {written} objects were"
        return f'<p class="good">{said} written and verified.</p>'
    return (
        f'<p class="bad">{count_of(written, "object was", "objects were")} written and verified; '
        f"{count_of(left_out, 'file was', 'files were')} not written, for the reasons below.</p>"
    )


def _how_many(strings: list[Any], counts: dict[str, Any]) -> str:
    total = counts["texts_that_stayed"]
    if total != len(strings):
        return f"the first {len(strings)} of {total} texts"
    return count_of(total, "text", "different texts")


def _when(moment: str) -> str:
    return moment.replace("T", " ").replace("+00:00", " UTC")


def _searches(search: dict[str, Any]) -> list[tuple[str, str]]:
    """How written files were searched for what identifies, and pixels for text; a resumed run may have several ways."""
    files = " or ".join(_SEARCHED_FILES[way] for way in search["written_files"]) or "none was written"
    if "whole files" not in search["written_files"]:
        files += "; whole files were searched on request (--search-pixels) only"
    pixels = " or ".join(_SEARCHED_PIXELS[way] for way in search["pixels"]) or "of no object"
    if search["text_recognition"]:
        pixels += f" ({', '.join(search['text_recognition'])})"
    return [
        ("Search of written files for names, numbers and dates", files),
        ("Search of pixels for text", pixels),
    ]


def _conformance(conformance: dict[str, Any]) -> str:
    if not conformance["checked"]:
        return "not checked (dciodvfy is not installed, or was switched off)"
    errors = count_of(len(conformance["new_errors"]), "error")
    return f"{count_of(conformance['checked'], 'object')}, {errors} that their sources do not have"


def _table(header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header) if any(header) else ""
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def _cell(cell: Any) -> str:
    if isinstance(cell, int):
        return f'<td class="number">{cell}</td>'
    text = escape(str(cell))
    return f"<td><code>{text}</code></td>" if len(text) == 64 and text.isalnum() else f"<td>{text}</td>"
