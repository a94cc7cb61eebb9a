"""Private elements whose VR no file tells: it is that of the table of safe ones."""

import contextlib
import json

import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from DeidentifyStudyCore.cleaning.verification import Verifier
from DeidentifyStudyCore.dicom.source import opened
from DeidentifyStudyCore.errors import Quarantined
from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.profile import parse_profile
from DeidentifyStudyCore.rules.model import Subject

SYNTAXES = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]


def profile_with(*options):
    content = {"format": "deidentify-profile/1", "name": "test", "version": "1", "description": "test"}
    return parse_profile(json.dumps(content | {"options": list(options)}), "test")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_retained_private_uid_may_hold_what_is_a_number_elsewhere(syntax, make_dataset, encode, deidentify):
    """A UID within UN is one in an implicit file, too: that it stays is what the option asks for."""
    uid = "1.2.826.0.1.7391846.3"
    image = make_dataset(AccessionNumber="7391846")
    image.private_block(0x0099, "NQHeader", create=True).add_new(0x01, "UI", uid)
    outcome, destination = deidentify({"a": encode(image, syntax)}, profile_with("retain_uids", "retain_safe_private"))
    assert [result.reason for result in outcome.files] == [""]
    (path,) = destination.rglob("*.dcm")
    assert uid.encode() + b"\0" in path.read_bytes()


@pytest.mark.parametrize(("value", "refused"), [(b"1.2.826.0.1.7391846.3\0", False), (b"no 7391846", True)])
def test_what_is_no_uid_is_searched_where_uids_are_retained(value, refused, make_dataset, encode, tmp_path):
    builder = EchoBuilder()
    builder.add_identifier("7391846")
    verifier = Verifier(Subject("P", 0, builder.built()), uids_retained=True)
    image = make_dataset(PatientID="P")
    image.private_block(0x0099, "NQHeader", create=True).add_new(0x01, "UN", value)
    (tmp_path / "a").write_bytes(encode(image))
    identity = tuple(str(image[name].value) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"))
    with opened(tmp_path / "a") as output, pytest.raises(Quarantined) if refused else contextlib.nullcontext():
        verifier.check(output, identity, set())


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("vr", ["LO", "UN"])
def test_text_is_padded_with_a_space_and_a_uid_with_a_zero(syntax, vr, make_dataset, encode, deidentify):
    image = make_dataset()
    acquisition = image.private_block(0x0019, "GEMS_ACQU_01", create=True)
    name = "FSE-XLT Zyxwarth"
    acquisition.add_new(0x9E, vr, name.encode() if vr == "UN" else name)
    header = image.private_block(0x0099, "NQHeader", create=True)
    header.add_new(0x01, "UN" if vr == "UN" else "UI", b"1.2.3.4.5\0" if vr == "UN" else "1.2.3.4.5")
    _, destination = deidentify({"a": encode(image, syntax)}, profile_with("retain_safe_private"))
    (path,) = destination.rglob("*.dcm")
    content = path.read_bytes()
    assert b"FSE-XLT " in content
    assert b"FSE-XLT\0" not in content
    written = pydicom.dcmread(path)
    uid = written[0x00991001].value
    uid = uid if isinstance(uid, str) else uid.decode()
    assert uid.rstrip("\0").startswith("2.25.")
    assert " " not in uid
