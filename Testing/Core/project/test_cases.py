"""Cases from tables and folders, and tables that cannot be used."""

import json
from pathlib import Path

import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.project.cases import Case, SeriesReference, cases_from_folder, cases_from_table, hash_series


def test_a_table_with_a_row_for_each_series(tmp_path: Path) -> None:
    (tmp_path / "a/ct").mkdir(parents=True)
    (tmp_path / "a/ct/1.dcm").write_bytes(b"1")
    (tmp_path / "pet.nrrd").write_bytes(b"2")
    table = tmp_path / "cases.csv"
    table.write_text(
        "case,patient,time_point,role,series_uid,location\n"
        "a,P1,baseline,CT,1.2.3,a/ct\na,P1,baseline,PET,,pet.nrrd\nb,P2,,,,\n"
    )
    a, b = cases_from_table(table, tmp_path / "project")
    assert (a.id, a.patient, a.time_point) == ("a", "P1", "baseline")
    assert [(s.role, s.uid, s.files) for s in a.series] == [("CT", "1.2.3", 1), ("PET", "", 1)]
    assert b.series == ()
    assert Case.from_json(json.loads(json.dumps(a.to_json()))) == a
    (tmp_path / "cases.json").write_text(json.dumps({"cases": [a.to_json(), b.to_json()]}))
    assert cases_from_table(tmp_path / "cases.json", tmp_path / "project") == (a, b)
    (tmp_path / "pet.nrrd").write_bytes(b"3")
    with pytest.raises(InputError, match="not those of the table"):
        cases_from_table(tmp_path / "cases.json", tmp_path / "project")


def test_images_inside_the_project_are_named_relative_to_it(tmp_path: Path) -> None:
    (tmp_path / "images/c1").mkdir(parents=True)
    (tmp_path / "images/c1/x.nii").write_bytes(b"1")
    [case] = cases_from_folder(tmp_path / "images", tmp_path)
    assert case.series == (SeriesReference("image", "images/c1", "", 1, hash_series(tmp_path / "images/c1")[1]),)


def test_a_folder_is_found_from_where_one_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images/c1/ct").mkdir(parents=True)
    (tmp_path / "images/c1/ct/x.nii").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    assert cases_from_folder(Path("images"), Path()) == cases_from_folder(tmp_path / "images", tmp_path)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_table_as_spreadsheets_save_it(tmp_path: Path, delimiter: str) -> None:
    table = tmp_path / "cases.csv"
    rows = ("case,patient,time_point", "a,P1,baseline", "b,P2,")
    table.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(rows).replace(",", delimiter).encode())
    assert [(case.id, case.patient, case.time_point) for case in cases_from_table(table, tmp_path)] == [
        ("a", "P1", "baseline"),
        ("b", "P2", ""),
    ]


def test_the_hash_of_a_series_is_of_its_contents_only(tmp_path: Path) -> None:
    for folder, names in (("x", "ab"), ("y", "qp")):
        (tmp_path / folder).mkdir()
        for name, content in zip(names, (b"1", b"2"), strict=True):
            (tmp_path / folder / name).write_bytes(content)
    assert hash_series(tmp_path / "x") == hash_series(tmp_path / "y")
    (tmp_path / "y/p").write_bytes(b"3")
    assert hash_series(tmp_path / "x") != hash_series(tmp_path / "y")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"case,name\n1,2\n", "columns must be"),
        ("t.csv", b"case,patient\na\n", "line 2 has not as many"),
        ("t.csv", b"case,patient\na,b,c\n", "line 2 has not as many"),
        ("t.csv", b'case,patient\n"a,b', "is not CSV"),
        ("t.csv", b"case,patient\na/b,p\n", "identifier"),
        ("t.csv", b"case,patient\na,\n", "has no patient"),
        ("t.csv", b"case,patient,role\na,p,CT\na,q,MR\n", "two values of patient"),
        ("t.csv", b"case,patient,role\na,p,CT\na,p,CT\n", "two series of role 'CT'"),
        ("t.csv", b"case,patient,location\na,p,gone\n", "cannot be read"),
        ("t.csv", b"\xff\xfe\x00", "UTF-8"),
        ("t.json", b"{", "is not JSON"),
        ("t.json", b"{}", "must be a list of cases"),
        ("t.json", b'[{"id": "a"}]', r"cases\[0\]\.patient: is missing"),
        ("t.json", b'[{"id": "a", "patient": "p", "age": 7}]', "unknown field 'age'"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        cases_from_table(tmp_path / name, tmp_path)
    assert "\n" not in str(caught.value)


def test_folders_without_cases(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no folders"):
        cases_from_folder(tmp_path, tmp_path)
    (tmp_path / "c1").mkdir()
    with pytest.raises(InputError, match="holds no files"):
        cases_from_folder(tmp_path, tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        cases_from_folder(tmp_path / "gone", tmp_path)
