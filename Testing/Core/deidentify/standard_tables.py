"""Write the data files of the standard's facts that `DeidentifyStudyCore` carries.

    python Testing/Core/deidentify/standard_tables.py SHARED_DATA OUTPUT_FOLDER

Sources: PS3.15 2026d Tables E.1-1 and E.3.10-1 and PS3.16 CID 7050 (tables of facts), the types of attributes by IOD of
PS3.3 as highdicom lists them, and the dictionary of PS3.6 and the code meanings of PS3.16 as pydicom lists them.
`test_standard_tables.py` holds the files that are committed equal to what this script writes.
"""

import csv
import hashlib
import json
import re
import sys
from itertools import groupby
from pathlib import Path

EDITION = "2026d"
OPTIONS = [
    "clean_descriptors",
    "clean_graphics",
    "clean_structured_content",
    "retain_device_identity",
    "retain_institution_identity",
    "retain_longitudinal_full_dates",
    "retain_longitudinal_modified_dates",
    "retain_patient_characteristics",
    "retain_safe_private",
    "retain_uids",
]


def confidentiality_table(source: Path) -> dict[str, object]:
    """Table E.1-1: tag in hexadecimal (``x`` in repeating groups) to name, basic action and options."""
    rows: dict[str, object] = {}
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        found = re.fullmatch(r"\(([0-9A-Fx]{4}),([0-9A-Fx]{4})\)", row["tag"])
        if not found:
            continue  # "gggg is odd": private attributes are a rule, not a row
        options = {option: row[option] for option in OPTIONS if row[option]}
        rows["".join(found.groups())] = [row["name"], row["basic_profile"], options]
    return {"source": f"PS3.15 {EDITION} Table E.1-1", "sha256": digest(source), "rows": rows}


FURTHER_SAFE = {
    "SIEMENS MR HEADER": {"00190A": "US", "00190B": "DS", "001928": "FD", "001929": "FD"},
    "SIEMENS MR SDI 02": {
        "002103": "DS", "002104": "DS", "00211C": "IS", "002142": "IS", "002153": "FD", "0021FE": "SQ",
    },
    "GEMS_ACQU_01": {"0019BB": "DS", "0019BC": "DS", "0019BD": "DS"},
    "GEMS_RELA_01": {"00214F": "SS"},
    "GEMS_PARM_01": {"00432C": "SS", "004383": "DS"},
    "Philips MR Imaging DD 001": {"2005B0": "FL", "2005B1": "FL", "2005B2": "FL"},
    "Philips MR Imaging DD 005": {"20050F": "SQ"},
    "Image Private Header": {"006509": "FD", "006537": "FD", "006550": "DS", "006551": "SQ"},
}  # fmt: skip
"""Numbers of MR acquisitions that PS3.15 does not list, and the sequences in which makers keep them; tags and VRs are
those of the makers' files. Without them mosaics cannot be taken apart, diffusion has no directions and echo-planar
images no slice times."""


def safe_private_table(source: Path) -> dict[str, object]:
    """Table E.3.10-1: private creator to element (group and last two digits) to VR."""
    creators: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        creators.setdefault(row["private_creator"], {})[row["group"] + row["element"]] = row["vr"]
    return {
        "source": f"PS3.15 {EDITION} Table E.3.10-1",
        "sha256": digest(source),
        "creators": creators,
        "further": FURTHER_SAFE,
    }


def method_codes(source: Path) -> dict[str, object]:
    """CID 7050: code value to meaning."""
    codes = {row["code_value"]: row["code_meaning"] for row in json.loads(source.read_text())["rows"]}
    return {"source": f"PS3.16 {EDITION} CID 7050", "sha256": digest(source), "codes": codes}


def attribute_types() -> dict[str, object]:
    """Types 1, 1C, 2 and 2C by module (PS3.3), and the modules of each SOP class; a path of tags leads into
    sequences."""
    from highdicom._iods import IOD_MODULE_MAP, SOP_CLASS_UID_IOD_KEY_MAP
    from highdicom._modules import MODULE_ATTRIBUTE_MAP
    from pydicom.datadict import DicomDictionary, tag_for_keyword

    binary = {"US", "SS", "UL", "SL", "FL", "FD", "OW", "OF", "OD", "OL", "AT", "US or SS"}
    numeric = {"US", "SS", "UL", "SL", "FL", "FD", "OW", "OF", "OD", "OL", "AT", "DS", "IS", "CS", "US or SS"}
    modules: dict[str, dict[str, str]] = {}
    for name, attributes in sorted(MODULE_ATTRIBUTE_MAP.items()):
        types: dict[str, str] = {}
        for attribute in attributes:
            tags = [tag_for_keyword(keyword) for keyword in [*attribute["path"], attribute["keyword"]]]
            kind = attribute["type"]
            if None in tags or kind in {"3", "None", None} or len(tags) > 4:
                continue
            if tags[-1] in SAME_EVERYWHERE or (len(tags) > 1 and tags[-2] in SAME_EVERYWHERE):
                continue
            vr = DicomDictionary[tags[-1]][0]
            if vr in numeric and (len(tags) > 1 or vr in binary) and tags[-1] not in CLEANED_NUMBERS:
                continue
            path = "/".join(f"{tag:08X}" for tag in tags)
            types[path] = min(types.get(path, "9"), kind[0])
        if types:
            modules[name] = types
    iods = {
        uid: [m["key"] for m in IOD_MODULE_MAP[key] if m["key"] in modules]
        for uid, key in sorted(SOP_CLASS_UID_IOD_KEY_MAP.items())
    }
    return {"source": "PS3.3, through highdicom's tables", "modules": modules, "sop_classes": iods}


def coded_words() -> dict[str, object]:
    """Words of the code meanings of PS3.16 by their first letter.

    Common are those that it writes in small letters, as an abbreviation, alone, or beside an isotope, and not only in
    the names of breeds, which are mostly places, nor what people are called; the others are names.
    """
    from pydicom.sr._cid_dict import cid_concepts
    from pydicom.sr._concepts_dict import concepts

    from DeidentifyStudyCore.identity.echo import normalized

    def words_of(meaning: str) -> list[str]:
        return re.findall(r"[a-z]+", normalized(meaning))

    breeds = {(scheme, name) for cid in BREEDS for scheme, names in cid_concepts[cid].items() for name in names}
    eponyms = {(scheme, name) for scheme, names in cid_concepts[PROJECTION_EPONYMS].items() for name in names}
    common: set[str] = set()
    of_breeds: set[str] = set()
    elsewhere: set[str] = set()
    for scheme, codes in concepts.items():
        for name, meanings in codes.items():
            for meaning, *_ in meanings.values():
                (of_breeds if (scheme, name) in breeds else elsewhere).update(words_of(meaning))
                whole = re.findall(r"(?<![A-Za-z])[A-Za-z]+(?!['’A-Za-z])", meaning)
                everything = (len(whole) == 1 and (scheme, name) not in eponyms) or "^" in meaning
                common.update(word.lower() for word in whole if everything or word.islower() or word.isupper())
    words = of_breeds | elsewhere
    common = (common & words) - (of_breeds - elsewhere) - SURNAMES
    return {
        "source": "PS3.16, through pydicom's tables",
        "common": by_first_letter(common),
        "names": by_first_letter(words - common),
    }


def data_dictionary() -> dict[str, object]:
    """VR and keyword of each attribute of PS3.6, the words of their names, and the registered UIDs."""
    from pydicom._uid_dict import UID_dictionary
    from pydicom.datadict import DicomDictionary, RepeatersDictionary
    from pydicom.uid import AllTransferSyntaxes

    from DeidentifyStudyCore.identity.echo import normalized

    words = {word for entry in DicomDictionary.values() for word in re.findall(r"[a-z]+", normalized(entry[2]))}
    words |= {entry[4].lower() for entry in DicomDictionary.values() if entry[4]}
    return {
        "source": "PS3.6, through pydicom's tables",
        "attributes": {f"{tag:08X}": [vr, keyword] for tag, (vr, _, _, _, keyword) in sorted(DicomDictionary.items())},
        "repeating": {tag: [vr, keyword] for tag, (vr, _, _, _, keyword) in sorted(RepeatersDictionary.items())},
        "words": by_first_letter(words),
        "transfer_syntaxes": sorted({*map(str, AllTransferSyntaxes), *RETIRED, *SINCE, *UNCOMPRESSED}),
        "uids": sorted({*UID_dictionary, *SINCE}),
    }


def by_first_letter(words: set[str]) -> dict[str, str]:
    return {letter: " ".join(group) for letter, group in groupby(sorted(words), key=lambda word: word[0])}


RETIRED = {f"1.2.840.10008.1.2.4.{number}" for number in (52, 53, 54, 55, 56, 58, *range(59, 67))}
"""Processes of JPEG that PS3.5 retired, and archives still hold."""

UNCOMPRESSED = {"1.2.840.10008.1.2.1.98"}
"""Frames in fragments that are not compressed, which pydicom does not count among those it decodes."""

SINCE = {f"1.2.840.10008.1.2.{number}" for number in ("4.110", "4.111", "4.112", "8.1")}
"""JPEG XL and Deflated Image Frame Compression (2024), which pydicom's table lacks until pynetdicom adds them."""

BREEDS = (7480, 7481, 7486)
"""Context groups of PS3.16: breeds, their registries, mixed breeds."""

CLEANED_NUMBERS = {
    *(0x00100040, 0x00101020, 0x00101030, 0x001021C0, 0x001021A0, 0x00102203, 0x00181042),
    0x30060036,  # ROI Generation Algorithm, where planning systems write what is no term
}
"""Numbers and codes that profiles remove: their types matter too."""

SAME_EVERYWHERE = {
    *range(0x00080100, 0x00080124),  # codes
    0x00081150,
    0x00081155,
    0x00081160,
    0x00081199,
}
"""The macros for codes and references have the same types everywhere: `attribute_types.py` knows them."""
PROJECTION_EPONYMS = 4012
"""Context group of projections that are called by whoever described them."""
SURNAMES = frozenset(
    [
        "alexander",
        "berlin",
        "bismark",
        "boak",
        "brown",
        "celestine",
        "collie",
        "crystal",
        "euler",
        "fouchet",
        "friend",
        "garnet",
        "haigis",
        "hansel",
        "holladay",
        "horn",
        "janus",
        "little",
        "long",
        "marsh",
        "meldola",
        "merino",
        "mountain",
        "nadir",
        "nash",
        "nile",
        "olinda",
        "olsen",
        "pace",
        "petit",
        "prem",
        "purkinje",
        "rose",
        "sandy",
        "steppe",
        "stone",
        "taylor",
        "trendelenburg",
        "trotter",
        "victoria",
        "violet",
        "walker",
        "waters",
        "wayson",
        "wicket",
        "wild",
        "wright",
    ]
)
"""Words of code meanings that are common names as well: kept in the meanings of standard schemes only."""


def digest(source: Path) -> str:
    return hashlib.sha256(source.read_bytes()).hexdigest()


def tables(shared: Path) -> dict[str, dict[str, object]]:
    """All data files by name."""
    return {
        "confidentiality_profile.json": confidentiality_table(shared / "deid" / "ps3_15_table_e1_1_2026d.csv"),
        "safe_private.json": safe_private_table(shared / "deid" / "ps3_15_table_e3_10_1_2026d.csv"),
        "method_codes.json": method_codes(shared / "deid" / "cid_7050_2026d.json"),
        "attribute_types.json": attribute_types(),
        "coded_words.json": coded_words(),
        "dictionary.json": data_dictionary(),
    }


def encoded(table: dict[str, object]) -> str:
    """JSON with one row a line at the second level, so that a change of edition can be read in a diff."""
    lines = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in value.items())
            lines.append(f" {json.dumps(key)}: {{\n{rows}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    for name, table in tables(Path(sys.argv[1])).items():
        (Path(sys.argv[2]) / name).write_text(encoded(table), encoding="utf-8")
