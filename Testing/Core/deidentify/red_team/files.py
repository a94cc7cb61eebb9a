"""A folder of studies in which everything is planted: objects, side files, a directory, damage, names of files."""

import contextlib
from collections.abc import Iterator

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from red_team.bases import add, encoded, image, item
from red_team.documents import document_objects
from red_team.headers import header_objects
from red_team.planting import Person, Plants, free_text

__all__ = ["NOT_OBJECTS", "planted_folder"]

NOT_OBJECTS = ("DICOMDIR", ".txt", ".pdf", ".hidden", ".json", "truncated")
"""How the names end of files that are no whole DICOM objects, and so cannot be produced."""

_CHARSETS = (
    ("ISO_IR 100", "Örnskölth^Brännvid^^Dr.^Jr", ("örnskölth", "ornskolth", "oernskoelth", "brännvid", "braennvid")),
    ("ISO_IR 101", "Žluťoučkin^Řehořvid", ("žluťoučkin", "zlutouckin", "řehořvid", "rehorvid")),
    ("ISO_IR 144", "Жмыховский^Лютобор", ("жмыховский", "лютобор")),
    ("ISO_IR 126", "Παπαδρολος^Ξενοκρις", ("παπαδρολος", "ξενοκρις")),
    ("ISO_IR 192", "Ćwiklińszczak^Żdzisław=寶鑾殿^鑫鑫", ("ćwiklińszczak", "cwiklinszczak", "żdzisław", "寶鑾殿")),
    (["", "ISO 2022 IR 87"], "Yamagutchi^Tarozo=山獅^太鷲=やまがち^たろぞ", ("yamagutchi", "tarozo", "山獅", "太鷲",
    "やまがち")),
    (["ISO 2022 IR 13", "ISO 2022 IR 87"], "ﾔﾏｸﾞﾂ^ﾀﾛｿﾞ=山獅^太鷲=やまがち^たろぞ", ("ﾔﾏｸﾞﾂ", "山獅", "たろぞ")),
    (["", "ISO 2022 IR 149"], "Hongg^Gildongo=洪廐^吉洞=홍굉^길둥", ("gildongo", "홍굉", "길둥")),
    (["", "ISO 2022 IR 58"], "Zhangg^Xiaodongg=张驫^小栋", ("zhangg", "xiaodongg", "张驫")),
    ("GB18030", "Wangxiaodd^Donggzz=王曉棟^", ("wangxiaodd", "donggzz", "王曉棟")),
    ("GBK", "Zhaoxx^Minminn=赵闵旻", ("zhaoxx", "minminn", "赵闵旻")),
)  # fmt: skip


def planted_folder(seed: int) -> tuple[dict[str, bytes], Plants]:
    """Make every file by its name, and what was planted in them."""
    with _unchecked():
        return _planted(Plants(seed))


@contextlib.contextmanager
def _unchecked() -> Iterator[None]:
    """Keep pydicom from mending or refusing what is planted."""
    settings = pydicom.config.settings
    before = pydicom.config.replace_un_with_known_vr, settings.writing_validation_mode, settings.reading_validation_mode
    pydicom.config.replace_un_with_known_vr = False
    settings.writing_validation_mode = settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        yield
    finally:
        pydicom.config.replace_un_with_known_vr, settings.writing_validation_mode, settings.reading_validation_mode = (
            before
        )


def _planted(plants: Plants) -> tuple[dict[str, bytes], Plants]:
    files: dict[str, bytes] = {}
    person = Person.made(plants)
    folder = f"{person.given} {person.family} {person.birth:%d.%m.%Y}/MRN {person.mrn}"
    for name, dataset, syntax in (*header_objects(plants, person), *document_objects(plants, person)):
        files[f"{folder}/{len(files)} {name} {plants.word('name of a file')}"] = encoded(dataset, plants, syntax)
    for charset, name, spellings in _CHARSETS:
        files |= _of_charset(plants, Person.made(plants, charset, name, spellings))
    files |= _elsewhere(plants, Person.made(plants))
    files |= _damaged(plants, Person.made(plants))
    files["DICOMDIR"] = _directory(plants, person)
    return files, plants


def _of_charset(plants: Plants, person: Person) -> dict[str, bytes]:
    files = {}
    whole = person.name.replace("^", " ").replace("=", " / ").strip()
    for number in range(2):
        dataset = image(plants, person)
        dataset.ImageComments = f"Chest of {whole}, DOB {person.birth:%Y-%m-%d}, {plants.word('relative')}"
        dataset.StudyDescription = f"CHEST {person.name.split('=')[-1].split('^')[0]}"
        dataset.SeriesDescription = f"thorax {person.name.split('^')[0].split('=')[0]}"
        dataset.PatientComments = f"Chest {whole}; stable"
        dataset.OtherPatientNames = person.name
        if number:  # the second object knows the alphabetic group only, and repeats a part where technical text stays
            dataset.PatientName = person.name.split("=")[0]
            dataset.SoftwareVersions = f"VB {person.name.split('^')[1].split('=')[0]}"
            dataset.SpecificCharacterSet = "ISO_IR 192"
        syntax = ImplicitVRLittleEndian if number else ExplicitVRLittleEndian
        files[f"{whole.replace('/', '_')}/{number}.dcm"] = encoded(dataset, plants, syntax)
    return files


def _elsewhere(plants: Plants, person: Person) -> dict[str, bytes]:
    """One object tells who the people are; the other repeats it where technical text and terms stay."""
    relative, physician, street = (
        plants.word(f"told in another file: {who}") for who in ("relative", "physician", "street")
    )
    telling = image(plants, person)
    telling.OtherPatientNames, telling.NameOfPhysiciansReadingStudy = relative, physician
    telling.PatientAddress, telling.OtherPatientIDs = f"12 {street} road", f"000{person.phone[:7]}"
    telling.MilitaryRank, telling.ResponsiblePerson = plants.word("rank"), plants.word("responsible person")
    plants.note(person.phone[:7] + "0", "other number")
    repeating = image(plants, person)
    repeating.SoftwareVersions, repeating.ConvolutionKernel, repeating.Manufacturer = relative, physician[:16], street
    repeating.BodyPartExamined = relative.upper()[:16]
    repeating.ImageType = ["ORIGINAL", "PRIMARY", street.upper()[:16]]
    repeating.ScanOptions = [person.family.upper()[:16], person.given.upper()[:16]]
    repeating.SequenceName, repeating.FilterType = "".join(reversed(physician))[:16], "_".join(relative)[:16]
    repeating.ProtocolName = f"CHEST^{person.family}{person.given}"
    add(repeating, 0x00181152, "IS", person.phone[:7])
    return {"b/1": encoded(telling, plants), "b/2": encoded(repeating, plants)}


def _damaged(plants: Plants, person: Person) -> dict[str, bytes]:
    """Slack, padding, text after the data set, files without preamble, truncated ones, and files that are no DICOM."""

    def made(**attributes: object) -> Dataset:
        dataset = image(plants, person)
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dataset

    text = free_text(plants, person, "slack")
    whole = encoded(made(), plants)
    bare, bare_data = encoded(made(), plants), encoded(made(), plants)
    return {
        "c/slack": encoded(made(), plants) + text.encode(),
        "c/short slack": encoded(made(), plants) + person.family[:6].encode(),
        "c/slack of zeros": encoded(made(), plants) + bytes(64) + plants.word("slack").encode(),
        "c/slack that parses": encoded(made(),
        plants) + b"\x10\x00\x10\x00PN\x08\x00" + person.family.ljust(8)[:8].encode(),
        "c/no preamble": bare[132:],
        "c/no meta": bare_data[144 + int.from_bytes(bare_data[140:144], "little") :],
        "c/uids": encoded(made(PatientID=f"  {person.mrn} "), plants),
        "c/truncated": whole[:-100],
        f"c/{person.family}.txt": text.encode(),
        "c/report.pdf": b"%PDF " + person.family.encode(),
        "c/.hidden": person.family.encode(),
        f"c/{person.mrn}.json": f'{{"name": "{person.name}"}}'.encode(),
    }  # fmt: skip


def _directory(plants: Plants, person: Person) -> bytes:
    record = item(
        OffsetOfTheNextDirectoryRecord=0, RecordInUseFlag=0xFFFF, OffsetOfReferencedLowerLevelDirectoryEntity=0,
        DirectoryRecordType="PATIENT", PatientName=plants.word("name in the directory"),
        PatientID=plants.number("ID in the directory"),
    )  # fmt: skip
    directory = item(
        SOPClassUID="1.2.840.10008.1.3.10", SOPInstanceUID=person.uid(), FileSetConsistencyFlag=0,
        FileSetID=plants.word("file-set ID").upper()[:16], DirectoryRecordSequence=[record],
        OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity=0,
        OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity=0,
    )  # fmt: skip
    return encoded(directory, plants)
