"""The commands of a release, as a lead types them, with the real exporters."""

import json
from pathlib import Path
from typing import Any

import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.project.reference_standard import reference_standard


@pytest.fixture
def command(study: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run ``annotation-qa release STEP ...`` and return exit code, output and errors."""

    def run(*words: object, who: str = "lead") -> tuple[int, str, str]:
        signed = {"accept", "split", "sign-off", "make", "redo", "rereads"}
        actor = ["--as", who, "--key-dir", str(tmp_path / "keys")] if words[0] in signed else []
        code = main(["release", *map(str, words), *actor])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def write_sheet(path: Path, study: Any) -> Path:
    sheet = study.request().sheet
    names = [name for name in sheet.__slots__ if getattr(sheet, name)]
    values = {name: getattr(sheet, name) for name in names}
    path.write_text(json.dumps({name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}))
    return path


def test_the_whole_way_from_sheet_to_verification(study: Any, command: Any, tmp_path: Path) -> None:
    project, out = study.folder, tmp_path / "dataset"
    code, _, _ = command("sheet", project, "-o", tmp_path / "empty.json")
    assert code == 0
    sheet = write_sheet(tmp_path / "sheet.json", study)
    code, said, _ = command("split", project, "--parts", "train=0.6", "validation=0.1", "test=0.3", "--seed", 1)
    assert (code, "7 cases placed, 0 stay" in said) == (0, True)
    request = ["--sheet", sheet, "--formats", "bids", "nnunet", "tables", "--deidentification", study.report]
    code, said, _ = command("check", project, *request)
    assert code == 1
    assert "REFUSED  thumbnails were signed off" in said
    code, said, _ = command("look", project, "-o", tmp_path / "look", *request)
    assert code == 0
    assert "7 images to look at" in said
    code, said, _ = command("sign-off", project, "--texts", "--thumbnails", "--reason", "looked at all", *request)
    assert (code, "7 images signed off" in said) == (0, True)
    code, said, error = command("make", project, out, *request)
    assert code == 0, said + error
    key = said.strip().splitlines()[-1]
    assert command("verify", out, "--key", key)[0] == 0
    code, said, _ = command("check", out)
    assert code == 0
    assert "passed   no patient and no duplicate is in two parts" in said
    assert {path.name for path in (out / "data").iterdir()} == {"bids", "nnunet", "tables"}
    (out / "cases.csv").write_text((out / "cases.csv").read_text().replace(",train,", ",test,", 1))
    code, said, _ = command("verify", out, "--key", key)
    assert code == 1
    assert "CHANGED  cases.csv: was changed." in said


def test_a_received_release_in_which_a_patient_crosses_is_found_out(
    ready_study: Any, command: Any, tmp_path: Path
) -> None:
    sheet = write_sheet(tmp_path / "sheet.json", ready_study)
    request = ["--sheet", sheet, "--formats", "tables", "--deidentification", ready_study.report]
    assert command("make", ready_study.folder, tmp_path / "out", *request)[0] == 0
    table = tmp_path / "out" / "cases.csv"
    table.write_text(table.read_text().replace("case-1,PA,train", "case-1,PA,test"))
    code, said, _ = command("check", tmp_path / "out")
    assert code == 1
    assert "cases 'case-1' and 'case-2': are of one patient and in 'test' and 'train'" in said


def test_a_split_is_kept_when_cases_are_added(study: Any, command: Any) -> None:
    lead = study.as_("lead")
    lead.exclude_case("case-6", "later")
    lead.exclude_case("case-7", "later")
    assert command("split", study.folder, "--folds", 3, "--seed", 4)[0] == 0
    before = dict(study.as_("lead").state.splits["main"].assignments)
    lead.include_case("case-6")
    lead.include_case("case-7")
    code, said, _ = command("split", study.folder, "--seed", 99)
    assert (code, "2 cases placed, 5 stay" in said) == (0, True)
    after = study.as_("lead").state.splits["main"].assignments
    assert {case: after[case] for case in before} == before
    assert set(after) - set(before) == {"case-6", "case-7"}


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["split", "PROJECT", "--seed", "1"], "split 'main': is new; give its parts"),
        (["split", "PROJECT", "--parts", "train", "--seed", "1"], "--parts 'train': is not PART=SHARE"),
        (["split", "PROJECT", "--parts", "tain=1", "test=1", "--seed", "1"], "is no part that formats know"),
        (["split", "PROJECT", "--folds", "1", "--seed", "1"], "give 2 folds or more"),
        (["split", "PROJECT", "--folds", "99", "--seed", "1"], "99 parts but only 6 patients"),
        (["split", "PROJECT", "--folds", "3", "--by", "site", "--seed", "1"], "case 'case-1' (and 6 more) has no site"),
        (["check", "PROJECT", "--split", "other"], "split 'other': is not in the ledger (none yet); make it first."),
        (["check", "PROJECT", "--sheet", "/nowhere.json"], "make one with: annotation-qa release sheet."),
        (["check", "PROJECT", "--readings", "nobody"], "'nobody' has no reading in this project"),
        (["check", "/nowhere"], "is not a project"),
        (["verify", "PROJECT", "--key", "abc"], "must be 32 bytes in base64"),
        (["sign-off", "PROJECT"], "say what you looked at"),
        (["sign-off", "PROJECT", "--different", "case-1", "case-9"], "'case-9' is no case of the project"),
        (["sign-off", "PROJECT", "--different", "case-1", "case-3"], "say with --reason"),
        (["drift", "PROJECT", "model:none"], "import its predictions first"),
        (["drift", "PROJECT", "anna"], "'anna': is no model (the project has no readings of models); name one"),
        (["drift", "PROJECT", "consensus:majority"], "'consensus:majority': is no model"),
        (["rank", "PROJECT", "--weights", "model"], "is not REASON=WEIGHT"),
        (["rereads", "PROJECT", "--readers", "rita", "--seed", "1"], "'rita' is no reader"),
    ],
)
def test_wrong_input_gives_one_line_and_exit_code_2(study: Any, command: Any, words: list[str], error: str) -> None:
    code, _, said = command(*[study.folder if word == "PROJECT" else word for word in words])
    assert code == 2
    (line,) = [line for line in said.splitlines() if line.startswith("annotation-qa:")]
    assert error in line


def test_a_refused_release_lists_everything_and_leaves_nothing(study: Any, command: Any, tmp_path: Path) -> None:
    code, said, error = command("make", study.folder, tmp_path / "out", "--formats", "bids")
    assert code == 2
    assert said.count("REFUSED  ") > 10
    assert error.splitlines()[-1].startswith("annotation-qa: refused: ")
    assert not (tmp_path / "out").exists()


def test_a_key_out_of_the_release_is_not_taken(study: Any, command: Any, tmp_path: Path) -> None:
    folder = tmp_path / "received"
    folder.mkdir()
    (folder / "key.txt").write_text("a key\n")
    code, _, error = command("verify", folder, "--key", folder / "key.txt")
    assert code == 2
    assert "a key from the release itself proves nothing" in error


def test_the_rounds_of_a_living_dataset(study: Any, command: Any, tmp_path: Path) -> None:
    for case in ("case-1", "case-2", "case-3"):
        study.read(case, "model:net", shift=3)
    code, said, _ = command("drift", study.folder, "model:net", "--json", tmp_path / "drift.json")
    assert (code, "3 cases of model:net scored" in said) == (0, True)
    assert json.loads((tmp_path / "drift.json").read_text())["n_cases"] == 3
    code, said, _ = command("rank", study.folder, "--decided", "--top", 2, "--json", tmp_path / "rank.json")
    assert code == 0
    assert len(json.loads((tmp_path / "rank.json").read_text())["cases"]) == 7
    code, said, _ = command("redo", study.folder)
    assert (code, "nothing to read again" in said) == (0, True)
    code, _, error = command("drift", study.folder, "net")
    assert (code, "'net': is no model (there are model:net)" in error) == (2, True)
    words = ["rereads", study.folder, "--per-quarter", 1, "--quarters", 2, "--seed", 3, "--washout", 1]
    code, said, _ = command(*words)
    assert code == 0
    assert said.count("anna\tfrom ") == 2
    assert sum(task.purpose == "repeat" for task in study.as_("lead").state.all_tasks()) == 4


def test_the_draft_of_a_card(study: Any, command: Any, tmp_path: Path) -> None:
    code, said, _ = command("card", study.folder, "-o", tmp_path / "card")
    assert (code, "it is a draft" in said) == (0, True)
    assert "# Not named 0.0.0" in (tmp_path / "card" / "README.md").read_text()
    assert command("card", study.folder, "-o", tmp_path / "card")[0] == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my own\n")
    code, _, error = command("card", study.folder, "-o", tmp_path / "mine")
    assert (code, "holds no draft of a card" in error) == (2, True)
    assert [path.read_text() for path in (tmp_path / "mine").iterdir()] == ["my own\n"]
    code, _, error = command("card", study.folder, "-o", tmp_path / "mine" / "README.md")
    assert (code, "is a file" in error) == (2, True)


def test_facts_of_cases_come_from_a_table(study: Any, command: Any, tmp_path: Path) -> None:
    # case-1 and case-2 are of one patient: at two sites they would bind both sites together
    rows = [f"case-{n},site {1 if n == 2 else n % 2},F,{30 + 10 * n}" for n in range(1, 8)]
    table = tmp_path / "facts.csv"
    table.write_text("\n".join(["case,site,sex,age_years", *rows]) + "\n")
    code, _, error = command(
        "split", study.folder, "--parts", "train=0.5", "test=0.5", "--by", "site", "--seed", 1, "--facts", table
    )
    assert code == 0, error
    parts = study.as_("lead").state.splits["main"].assignments
    assert len({parts[f"case-{n}"] for n in (1, 2, 3, 5, 7)}) == 1
    assert len({parts[f"case-{n}"] for n in (4, 6)}) == 1
    assert parts["case-4"] != parts["case-1"]
    table.write_bytes("\ufeffcase;age_years\r\ncase-1;30,5\r\ncase-2;old\r\n".encode())
    code, _, error = command("split", study.folder, "--seed", 1, "--facts", table)
    assert (code, "line 3: age_years must be a number of years" in error) == (2, True)  # line 2 has a decimal comma
    table.write_text("case,sex\ncase-1,X\n")
    code, _, error = command("split", study.folder, "--seed", 1, "--facts", table)
    assert (code, "line 2: sex must be M, F, O or empty" in error) == (2, True)


def test_readings_become_the_reference_standard(study: Any, command: Any) -> None:
    accept = ("accept", study.folder, "--reason", "looked at")
    code, _, error = command(*accept, "--reader", "anna", who="anna")
    assert (code, "without the role of a reviewer" in error) == (2, True)
    code, said, _ = command(*accept, "--reader", "anna", who="rita")
    assert (code, said.splitlines()[-1]) == (0, "0 readings of anna accepted, 0 not")  # all have one already
    code, said, _ = command(*accept, "--reader", "ben", "--cases", "case-1", "case-2", who="rita")
    assert (code, said.splitlines()[-1]) == (0, "2 readings of ben accepted, 0 not")
    state = study.as_("lead").state
    assert [reference_standard(state, f"case-{number}").reader for number in (1, 2, 3)] == ["ben", "ben", "anna"]
    study.read("case-3", "ben", revision=2, quality=3)
    code, said, _ = command(*accept, "--reader", "ben", "--cases", "case-3", "case-4", "--agreed", who="rita")
    assert "case case-3: the readers do not agree on quality" in said
    assert said.splitlines()[-1] == "1 reading of ben accepted, 1 not"
    code, said, _ = command(*accept, "--reader", "model:net", "--cases", "case-5", who="rita")
    assert "case case-5: has no reading of model:net" in said
    assert reference_standard(study.as_("lead").state, "case-5").reader == "anna"
    for wrong in (("--cases", "case-99"), ("--reason", " ")):
        code, _, error = command(*accept, "--reader", "ben", *wrong, who="rita")
        assert (code, len(error.strip().splitlines())) == (2, 1)
