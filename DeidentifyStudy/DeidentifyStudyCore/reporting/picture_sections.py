"""Sections of the HTML report on pixels: who may show text, where text was filled, and faces as they are now."""

from collections import Counter
from html import escape
from typing import Any

from DeidentifyStudyCore.counting import count_of
from DeidentifyStudyCore.pixels.risk import RISKS
from DeidentifyStudyCore.report_pictures import PICTURES

__all__ = ["face_section", "redaction_section", "risk_section"]


def risk_section(files: list[dict[str, Any]]) -> str:
    """How many objects may have text in their pixels, why, and how many of them were written."""
    found, written = (
        Counter(risk for row in files if row["output"] or not only_written for risk in row["risks"])
        for only_written in (False, True)
    )
    if not found:
        return ""
    rows = "".join(
        f"<tr><td>{escape(RISKS.get(risk, risk))}</td>"
        f'<td class="number">{count}</td><td class="number">{written[risk]}</td></tr>'
        for risk, count in sorted(found.items())
    )
    return (
        "<h2>Text that may be in pixels</h2><p>An object may have several reasons; what was done with the pixels of "
        "each is in the list of files. Those without a reason were not searched, unless the profile says so.</p>"
        "<table><thead><tr><th>Reason to look</th><th>Objects</th><th>Written</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def redaction_section(files: list[dict[str, Any]]) -> str:
    """Pictures of what was redacted: the written files, with outlines around what was filled."""
    rows = [row for row in files if row.get("picture_sha256")]
    if not rows:
        return ""
    figures = "".join(
        _figure(
            row["picture_sha256"],
            f"object {row['number'] + 1}",
            f"No. {row['number'] + 1}: {'; '.join(row['pixels'])}",
        )
        for row in rows
    )
    written = "Picture of 1 object as it was" if len(rows) == 1 else f"Pictures of {len(rows)} objects as they were"
    return (
        f"<h2>What was redacted in pixels</h2><p>{written} written, one frame each. "
        "Outlines show where text was filled; what was there is in no picture.</p>"
        f"<details open><summary>{count_of(len(rows), 'picture')}</summary>"
        f'<div class="figures">{figures}</div></details>'
    )


def face_section(examined: list[dict[str, Any]] | None) -> str:
    """What was done with faces, frame of reference by frame of reference; empty where none were sought."""
    if examined is None:
        return ""
    parts = ["<h2>Faces</h2>"]
    if not examined:
        parts.append("<p>No images that may show a face were among the objects.</p>")
    for number, row in enumerate(examined, 1):
        parts.append(f"<h3>Frame of reference {number}: {count_of(row['files'], 'object')} {escape(row['done'])}</h3>")
        parts.append(f"<p>{escape(_said(row))}</p>")
        if row["picture_sha256"]:
            caption = "Surface after the alteration, from the front, the left and the right"
            parts.append(_figure(row["picture_sha256"], caption, caption))
        if row["gates"]:
            parts.append(
                "<details><summary>Gates</summary><table><thead><tr><th>Gate</th><th>Value</th><th>Must be</th>"
            )
            parts.append(
                "<th></th></tr></thead><tbody>" + "".join(map(_gate, row["gates"])) + "</tbody></table></details>"
            )
    return "".join(parts)


def _said(row: dict[str, Any]) -> str:
    if row["confirmed_by"]:
        what = "Facial surface altered" if row["alters"] else "No face in the images"
        return f"{what}; confirmed by {row['confirmed_by']}, who saw picture {row['digest'][:12]}."
    return f"{row['reason']}." if not row["reason_code"] else f"{row['reason_code']}: {row['reason']}."


def _gate(gate: dict[str, Any]) -> str:
    low, high = ("" if gate[name] is None else f"{gate[name]:g}" for name in ("least", "most"))
    value = "" if gate["value"] is None else f"{gate['value']:g}"
    said = (
        '<span class="good">passed</span>' if gate["passed"] else f'<span class="bad">{escape(gate["reason"])}</span>'
    )
    return f"<tr><td>{escape(gate['name'])}</td><td>{value}</td><td>{low} to {high}</td><td>{said}</td></tr>"


def _figure(digest: str, alternative: str, caption: str) -> str:
    return (
        f'<figure><img src="{PICTURES}/{escape(digest)}.png" alt="{escape(alternative)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
