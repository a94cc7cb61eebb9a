"""What a profile keeps and removes, as Markdown: written by the rules, so that it cannot differ from what they do."""

from DeidentifyStudyCore.dicom.standard import method_codes
from DeidentifyStudyCore.profile import OPTIONS, Profile, shipped_profiles
from DeidentifyStudyCore.rules.book import RuleBook

__all__ = ["overview_page", "profile_page"]


def overview_page() -> str:
    """All shipped profiles beside each other: options, then what happens to every row of the table that they treat
    unlike."""
    profiles = list(shipped_profiles().values())
    books = [RuleBook(profile) for profile in profiles]
    lines = [
        "# What the shipped profiles keep and remove",
        "",
        "Written by `deidentify-study profiles --markdown`.",
        "",
    ]
    lines += [f"- **{profile.name}** {profile.version}: {profile.description}" for profile in profiles]
    lines += ["", "## Options of PS3.15 Annex E", "", _row(["Option", "CID 7050", *(p.name for p in profiles)])]
    lines.append(_row(["---"] * (len(profiles) + 2)))
    for option, code in OPTIONS.items():
        marks = ["on" if option in profile.options else "" for profile in profiles]
        lines.append(_row([method_codes()[code].removesuffix(" Option"), code, *marks]))
    lines += ["", "## Elements that the table of PS3.15 does not list", "", _row(["Kind", *(p.name for p in profiles)])]
    lines.append(_row(["---"] * (len(profiles) + 1)))
    for policies in zip(*(book.policies() for book in books), strict=True):
        lines.append(_row([policies[0][0], *(rule.describe() for _, rule in policies)]))
    lines += ["", "## Attributes of PS3.15 Table E.1-1", "", _row(["Tag", "Attribute", *(p.name for p in profiles)])]
    lines.append(_row(["---"] * (len(profiles) + 2)))
    for rows in zip(*(book.table() for book in books), strict=True):
        row = rows[0][0]
        lines.append(_row([f"({row.tag[:4]},{row.tag[4:]})", row.name, *(rule.describe() for _, rule in rows)]))
    return "\n".join(lines) + "\n"


def profile_page(profile: Profile) -> str:
    """One profile: what happens to each row of the table, and to what the table does not list."""
    book = RuleBook(profile)
    lines = [f"# {profile.name} {profile.version}", "", profile.description, "", f"SHA-256: `{profile.digest}`", ""]
    lines += [_row(["Elements", "What happens"]), _row(["---", "---"])]
    lines += [_row([kind, rule.describe()]) for kind, rule in book.policies()]
    lines += ["", _row(["Tag", "Attribute", "What happens"]), _row(["---"] * 3)]
    lines += [_row([f"({row.tag[:4]},{row.tag[4:]})", row.name, rule.describe()]) for row, rule in book.table()]
    return "\n".join(lines) + "\n"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
