"""The command line: exit codes, messages of one line, progress for programs, nothing that identifies anybody."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from DeidentifyStudyCore.cli.main import COMMANDS, main
from DeidentifyStudyCore.pixels import ocr
from DeidentifyStudyCore.profile import load_profile
from DeidentifyStudyCore.quarantine import REASONS
from DeidentifyStudyCore.reporting.profile_page import overview_page

PASSPHRASE = "correct horse battery"
SECRET_WORDS = ("Zyxwarth", "Quillon", "7391846", "19570312", "Vandermeersch", "1.2.826.0.1.3680043.2.1143")


@pytest.fixture
def folder(tmp_path, monkeypatch, make_dataset, encode) -> Path:
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", PASSPHRASE)
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "Zyxwarth_Quillon"
    source.mkdir()
    for number in (1, 2):
        (source / f"7391846_{number}").write_bytes(encode(make_dataset(number=number)))
    assert main(["key", "new", "key.json"]) == 0
    return tmp_path


def run(*arguments: str) -> int:
    return main(["run", "Zyxwarth_Quillon", "out", "--conformance", "none", *arguments])


def test_a_clean_run_ends_with_0_and_verifies(folder, capsys):
    assert run("--profile", "research-shifted-dates", "--key", "key.json") == 0
    out, err = capsys.readouterr()
    assert "2 objects written and verified, 0 quarantined" in out
    assert main(["verify", "out-report", "--key", "key.json"]) == 0
    out2, err2 = capsys.readouterr()
    assert "2 files checked, 0 problems" in out2
    assert not [word for word in SECRET_WORDS if word in out + err + out2 + err2]
    html = (folder / "out-report" / "report.html").read_text()
    assert "All 2 objects were written" in html
    assert not [word for word in SECRET_WORDS if word in html]


def test_quarantine_ends_with_3_and_the_file_can_be_found(folder, capsys):
    (folder / "Zyxwarth_Quillon" / "notes of Quillon.txt").write_text("Zyxwarth " * 40)
    assert run("--profile", "hipaa-safe-harbor", "--key", "key.json") == 3
    text = (folder / "out-report" / "report.json").read_text()
    report = json.loads(text)
    lines = [json.loads(line.rstrip(",")) for line in text.splitlines() if "input_header_sha256" in line]
    assert lines == report["files"]  # one to a line, so that reports can be searched and compared
    assert report["counts"]["by_reason"]["not-dicom"]["files"] == 1
    (row,) = [row for row in report["files"] if row["reason"]]
    out, err = capsys.readouterr()
    assert "      1  not-dicom: the file is not DICOM; it is never copied\n" in out
    assert not [word for word in SECRET_WORDS if word in out + err]
    assert main(["index", "Zyxwarth_Quillon", "--find", row["input_header_sha256"]]) == 0
    assert capsys.readouterr().out == "notes of Quillon.txt\n"


@pytest.mark.parametrize("recognizes", [True, False])
def test_who_waits_for_a_person_is_told_how_to_decide(recognizes, folder, make_dataset, encode, capsys, monkeypatch):
    monkeypatch.setattr(ocr, "is_installed", lambda: recognizes)
    declared = make_dataset(number=3, BurnedInAnnotation="YES")
    (folder / "Zyxwarth_Quillon" / "declared").write_bytes(encode(declared))
    options = ("--profile", "hipaa-safe-harbor", "--key", "key.json", "--option", "clean_pixel_data=off")
    assert run(*options) == 3
    out = capsys.readouterr().out
    assert f"      1  burned-in-risk: {REASONS['burned-in-risk']}\nRun again with --review QUEUE" in out
    assert ("pip install 'annotation-qa[ocr]'" in out) is not recognizes
    monkeypatch.setattr(ocr, "is_installed", lambda: False)  # the queue's boxes are searched for from here on
    assert run(*options, "--review", "queue") == 3
    out = capsys.readouterr().out
    assert "--review QUEUE" not in out
    assert "1 waits for a decision: deidentify-study review queue page" in out
    assert "Run again as before" in out
    assert run("--profile", "gdpr-anonymous", "--report", "other-report", "--review", "queue") == 2  # not empty
    capsys.readouterr()
    arguments = ("Zyxwarth_Quillon", "other", "--conformance", "none", "--profile", "gdpr-anonymous")
    assert main(["run", *arguments, "--review", "queue"]) == 3
    assert "Run again into a new folder, since the key is gone" in capsys.readouterr().out


def test_a_cancelled_run_whose_key_is_gone_is_not_said_to_be_resumable(folder, capsys):
    (folder / "stop").touch()
    assert run("--profile", "gdpr-anonymous", "--cancel-file", "stop") == 130
    assert capsys.readouterr().err.endswith("its key is gone; remove what was written, and run again.\n")


def test_the_page_and_its_pictures_are_held_against_the_signed_report(folder, make_dataset, encode, capsys):
    profile = json.loads(json.dumps(load_profile("research-shifted-dates").as_json()))
    profile |= {"name": "house", "attributes": {"0008,0070": "X"}, "burned_in_risk": "accept"}
    (folder / "house.json").write_text(json.dumps(profile))
    dataset = make_dataset(number=9, ReferringPhysicianName="", AccessionNumber="ACC7391846")
    (folder / "Zyxwarth_Quillon" / "more").write_bytes(encode(dataset))
    assert run("--profile", "house.json", "--key", "key.json") == 0
    report = json.loads((folder / "out-report" / "report.json").read_text())
    done = {(row["tag"], row["action"]) for row in report["attributes"] if not row["path"]}
    assert ("0008,0090", "kept empty") in done
    assert ("0008,0090", "kept") not in done
    assert {action for tag, action in done if tag == "0008,0050"} <= {"emptied", "replaced", "kept empty"}
    page = (folder / "out-report" / "report.html").read_text()
    for said in (
        "0008,0070 removed",
        "Clean Descriptors Option (113105)",
        "the profile accepts the risk",
        "SUBJ-{n:05}",
    ):
        assert said in page
    assert main(["verify", "out-report"]) == 0
    assert "--key FILE" in capsys.readouterr().out
    (folder / "out-report" / "report.html").write_text(page.replace("verified", "certified"))
    assert main(["verify", "out-report", "--key", "key.json"]) == 3
    assert "report.html: differs from what was signed" in capsys.readouterr().out
    (folder / "out-report" / "report.html").unlink()
    assert main(["verify", "out-report"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--profile", "nothing", "--key", "key.json"), "no profile"),
        (("--profile", "hipaa-safe-harbor"), "needs --key"),
        (("--profile", "hipaa-safe-harbor", "--key", "absent.json"), "cannot be read"),
        (("--profile", "gdpr-anonymous", "--key", "key.json"), "ephemeral"),
        (("--profile", "hipaa-safe-harbor", "--key", "key.json", "--workers", "0"), "--workers"),
        (("--profile", "hipaa-safe-harbor", "--key", "key.json", "--ids", "absent.csv"), "cannot be read"),
        (
            ("--profile", "research-shifted-dates", "--key", "key.json", "--option", "retain_longitudinal_full_dates"),
            "choose one",
        ),
        (("--profile", "hipaa-safe-harbor", "--key", "key.json", "--option", "retain_nothing"), "no option"),
        (("--profile", "hipaa-safe-harbor", "--key", "key.json", "--option", "retain_uids=no"), "neither on nor off"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line(folder, capsys, arguments, message):
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (folder / "out").exists()


def test_an_option_can_be_switched_off_and_the_report_says_so(folder):
    profile = "research-shifted-dates"
    off = "retain_longitudinal_modified_dates"
    assert run("--profile", profile, "--key", "key.json", "--option", f"{off}=off") == 0
    reported = json.loads((folder / "out-report" / "report.json").read_text())["profile"]
    assert off not in reported["options"]
    assert set(reported["options"]) == load_profile(profile).options - {off}
    assert reported["sha256"] == load_profile(profile, (f"{off}=off",)).digest != load_profile(profile).digest
    dataset = pydicom.dcmread(next((folder / "out").rglob("*.dcm")))
    assert dataset.LongitudinalTemporalInformationModified == "REMOVED"
    assert dataset.StudyDate == ""


def test_output_that_nobody_reads_any_more_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    script = "import sys; from DeidentifyStudyCore.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "profiles", "--markdown"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        (["correct horse battery", "correct horse battery"], 0, ""),
        (["correct horse battery", "correct horse batery"], 2, "not the same"),
        ([], 2, "no passphrase was typed"),
    ],
)
def test_a_new_passphrase_is_asked_for_twice(typed, code, said, tmp_path, monkeypatch, capsys):
    def answer(_question: str) -> str:
        if not typed:
            raise EOFError
        return typed.pop(0)

    monkeypatch.delenv("DEIDENTIFY_PASSPHRASE", raising=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", answer)
    assert main(["key", "new", str(tmp_path / "new.key")]) == code
    assert (tmp_path / "new.key").exists() is (code == 0)
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == (code != 0)


def test_the_json_of_no_profile_is_refused(capsys):
    assert main(["profiles", "--json"]) == 2
    assert "name the profile" in capsys.readouterr().err


def test_a_wrong_passphrase_writes_nothing(folder, capsys, monkeypatch):
    monkeypatch.setenv("DEIDENTIFY_PASSPHRASE", "something else")
    assert run("--profile", "hipaa-safe-harbor", "--key", "key.json") == 2
    error = capsys.readouterr().err
    assert "wrong passphrase" in error
    assert "something else" not in error
    assert not (folder / "out").exists()


def test_a_key_is_never_overwritten_and_never_shown(folder, capsys):
    before = (folder / "key.json").read_bytes()
    assert main(["key", "new", "key.json"]) == 2
    assert (folder / "key.json").read_bytes() == before
    assert (folder / "key.json").stat().st_mode & 0o077 == 0
    assert "never overwritten" in capsys.readouterr().err


def test_an_ephemeral_run_leaves_no_crosswalk(folder):
    assert run("--profile", "gdpr-anonymous") == 0
    assert not list(folder.rglob("*.crosswalk"))


def test_progress_for_programs_is_one_object_a_line(folder, capsys):
    assert run("--profile", "hipaa-safe-harbor", "--key", "key.json", "--progress", "json") == 0
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {row["stage"] for row in rows} == {"indexing", "writing"}
    assert rows[-1] == {"stage": "writing", "done": 2, "total": 2, "seconds_left": rows[-1]["seconds_left"]}


def test_a_cancel_file_stops_and_the_run_resumes(folder, capsys):
    (folder / "stop").write_text("")
    arguments = ("--profile", "hipaa-safe-harbor", "--key", "key.json", "--cancel-file", "stop")
    assert run(*arguments) == 130
    (folder / "stop").unlink()
    assert run(*arguments) == 0


def test_tampering_is_seen(folder, capsys):
    run("--profile", "hipaa-safe-harbor", "--key", "key.json")
    path = next((folder / "out").rglob("*.dcm"))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b"\1")
    assert main(["verify", "out-report"]) == 3
    assert "differs from what was written" in capsys.readouterr().out
    path.write_bytes(content)
    (folder / "out" / "extra").write_text("x")
    assert main(["verify", "out-report"]) == 3
    (folder / "out" / "extra").unlink()
    path.unlink()
    assert main(["verify", "out-report"]) == 3
    report = folder / "out-report" / "report.json"
    report.write_text(report.read_text().replace('"written": 2', '"written": 3'))
    assert main(["verify", "out-report"]) == 2
    assert "changed after it was signed" in capsys.readouterr().err


def test_the_directory_and_links_are_verified(folder, make_dataset, encode, capsys):
    directory = make_dataset(sop_class="1.2.840.10008.1.3.10", number=9)
    (folder / "Zyxwarth_Quillon" / "DICOMDIR").write_bytes(encode(directory))
    run("--profile", "hipaa-safe-harbor", "--key", "key.json")
    assert main(["verify", "out-report"]) == 0
    written = folder / "out" / "DICOMDIR"
    content = written.read_bytes()
    written.write_bytes(content + b" ")
    assert main(["verify", "out-report"]) == 3
    assert "DICOMDIR: differs" in capsys.readouterr().out
    written.write_bytes(content)
    path = next((folder / "out").rglob("IM*"))
    path.rename(folder / "elsewhere")
    path.symlink_to(folder / "elsewhere")
    assert main(["verify", "out-report"]) == 3
    assert "is a link" in capsys.readouterr().out
    path.unlink()
    (folder / "elsewhere").rename(path)
    written.unlink()
    assert main(["verify", "out-report", "--key", "key.json"]) == 3
    assert "DICOMDIR: differs from what was written, or is missing" in capsys.readouterr().out


def test_another_key_did_not_sign_the_report(folder, capsys):
    run("--profile", "hipaa-safe-harbor", "--key", "key.json")
    main(["key", "new", "other.json"])
    assert main(["verify", "out-report", "--key", "other.json"]) == 3
    assert "signed with another key" in capsys.readouterr().out


def test_explain_says_what_and_why_and_shows_values_only_when_asked(folder, capsys):
    file = "Zyxwarth_Quillon/7391846_1"
    assert main(["explain", file]) == 0
    out = capsys.readouterr().out
    assert "(0010,0010) PN PatientName: replaced" in out
    assert "(0028,0010) US Rows: kept" in out
    assert not [word for word in SECRET_WORDS if word in out]
    assert main(["explain", file, "--values", "--json", "--profile", "research-shifted-dates"]) == 0
    rows = {row["tag"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["0010,0010"]["before"] == "Zyxwarth^Quillon"
    assert rows["0010,0010"]["after"] == "PSEUDONYM"
    (folder / "text").write_text("x" * 300)
    assert main(["explain", "text"]) == 3
    assert "not-dicom" in capsys.readouterr().out
    assert main(["explain", pydicom.data.get_testdata_file("DICOMDIR")]) == 2
    assert "a DICOMDIR is made anew" in capsys.readouterr().err


def test_index_prints_numbers_only(folder, make_dataset, encode, capsys):
    capture = make_dataset(sop_class="1.2.840.10008.5.1.4.1.1.7", number=7, Modality="OT", ConversionType="DV")
    (folder / "Zyxwarth_Quillon" / "capture").write_bytes(encode(capture))
    (folder / "Zyxwarth_Quillon" / "own").write_bytes(encode(make_dataset(sop_class="1.2.276.0.7230010.3.1.0.1")))
    assert main(["index", "Zyxwarth_Quillon", "--json"]) == 3  # the private one has the UID of another
    text = capsys.readouterr().out
    counts = json.loads(text)
    assert (counts["objects"], counts["risks"], counts["reasons"]) == (
        3,
        {"secondary-capture": 1},
        {"duplicate-uid": 1},
    )
    assert main(["index", "Zyxwarth_Quillon"]) == 3
    out = capsys.readouterr().out
    assert out.startswith(
        "      4  files\n      1  patient\n      1  study\n      1  series\n      3  objects that can"
    )
    assert "Kinds of objects:\n      2  CT Image Storage\n      1  Secondary Capture Image Storage\n" in out
    assert "several reasons:\n      1  secondary-capture: a secondary capture or a screen shot\n" in out
    assert out.endswith(f"need not be:\n      1  duplicate-uid: {REASONS['duplicate-uid']}\n")
    assert not [word for word in SECRET_WORDS if word in text + out]


def test_index_does_not_mind_copies_and_names_no_private_class(folder, make_dataset, encode, capsys):
    own = encode(make_dataset(sop_class="1.2.276.0.7230010.3.1.0.1", number=3))
    for name in ("own", "copy"):
        (folder / "Zyxwarth_Quillon" / name).write_bytes(own)
    assert main(["index", "Zyxwarth_Quillon"]) == 0
    out = capsys.readouterr().out
    assert "      1  private or unknown kind\n" in out
    assert "      1  duplicate-copy: the same bytes as another file; copies are left out\n" in out
    assert "1.2.276" not in out


def test_commands_are_listed_and_unknown_ones_refused(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out for name in COMMANDS)
    assert main([]) == main(["nothing"]) == 2


def test_the_documentation_is_what_the_rules_say(repository, capsys):
    assert main(["profiles", "--markdown"]) == 0
    printed = capsys.readouterr().out
    assert printed == overview_page()
    assert (repository / "Documentation" / "deidentification-profiles.md").read_text(encoding="utf-8") == printed
    manual = (repository / "Documentation" / "deidentification.md").read_text(encoding="utf-8")
    assert all(f"deidentify-study {name}" in manual for name in COMMANDS)
    assert all(f"`{reason}`" in manual for reason in REASONS)


def test_one_profile_is_described_by_its_rules(capsys):
    assert main(["profiles", "hipaa-safe-harbor"]) == 0
    assert "| (0010,0010) | Patient's Name | replaced by the pseudonymous ID" in capsys.readouterr().out
    assert main(["profiles"]) == 0
    assert capsys.readouterr().out.count("\n") == 4


def test_a_wrong_source_leaves_nothing_and_the_right_one_may_follow(folder, capsys):
    (folder / "letters").mkdir()
    (folder / "letters" / "note.txt").write_text("no image\n")
    options = ("--profile", "research-shifted-dates", "--key", "key.json", "--conformance", "none")
    assert main(["run", "letters", "out", *options]) == 2
    assert "holds no DICOM object" in capsys.readouterr().err
    assert not (folder / "out").exists()
    assert not (folder / "out-report").exists()
    assert main(["run", "Zyxwarth_Quillon", "out", *options]) == 0


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("index empty", "the folder is empty; name the folder"),
        ("index empty --json", "the folder is empty"),
        ("index nowhere", "not a folder"),
        ("index key.json", "not a folder"),
        ("index empty --find 12ab", "64 hexadecimal digits"),
        (f"index empty --find {'0' * 64}", "no file of the folder has this digest"),
        ("run empty out --profile hipaa-safe-harbor --key key.json", "holds no DICOM object"),
        ("run letters out --profile hipaa-safe-harbor --key key.json", "'deidentify-study index' says why"),
        ("run key.json out --profile hipaa-safe-harbor --key key.json", "not a folder"),
        ("run letters out --profile letters/note.txt --key key.json", "not JSON"),
        ("run letters out --profile letters --key key.json", "no profile"),
        ("explain empty", "that is a folder"),
        ("explain nowhere", "no such file"),
        ("verify empty", "is not a report of this program"),
        ("verify letters/note.txt", "is not a report of this program"),
        ("verify nowhere", "is not a report of this program"),
        ("review empty list", "'run --review' makes it"),
        ("review letters/note.txt list", "is not a review queue"),
        ("review nowhere accept 12ab", "'run --review' makes it"),
        ("profiles letters/note.txt", "not JSON"),
        ("profiles nothing", "no profile 'nothing'"),
        ("device-rules letters", "cannot be read"),
        ("device-rules letters/note.txt", "not JSON"),
        ("key new key.json", "never overwritten"),
        ("key new nowhere/key.json", "its folder is not there"),
        ("key new letters", "is a folder"),
        ("deface empty out --review queue", "holds no files"),
        ("deface letters out --review queue", "holds no DICOM object"),
        ("deface nowhere out --review queue", "not a folder"),
        ("deface letters out --review letters/note.txt", "is not a review queue"),
    ],
)
def test_what_is_empty_or_of_another_kind_is_said_in_one_line_and_nothing_is_written(command, message, folder, capsys):
    (folder / "letters").mkdir()
    (folder / "letters" / "note.txt").write_text("no image\n")
    (folder / "empty").mkdir()
    before = sorted(folder.rglob("*"))
    capsys.readouterr()
    assert main(command.split()) == 2
    printed = capsys.readouterr()
    *progress, said = printed.err.splitlines()
    assert message in said
    assert all(line.startswith(("indexing: ", "reading: ")) for line in progress)
    assert not progress or "empty" not in command
    assert printed.out == ""
    assert sorted(folder.rglob("*")) == before


def test_a_directory_alone_is_no_study(folder, capsys):
    (folder / "disc").mkdir()
    shutil.copyfile(pydicom.data.get_testdata_file("DICOMDIR"), folder / "disc" / "DICOMDIR")
    assert main(["run", "disc", "out", "--profile", "hipaa-safe-harbor", "--key", "key.json"]) == 2
    assert "holds no DICOM object" in capsys.readouterr().err
    assert not (folder / "out").exists()


@pytest.mark.parametrize("action", ["list", "show", "accept", "reject", "reopen", "add", "remove", "page"])
def test_every_action_of_the_review_has_help(action, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["review", "queue", action, "--help"])
    assert ended.value.code == 0
    assert f"QUEUE {action}" in capsys.readouterr().out


def test_a_box_that_lacks_numbers_is_named(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["review", "queue", "add", "4f2a", "10", "20"])
    assert ended.value.code == 2
    assert "HEIGHT, WIDTH are missing" in capsys.readouterr().err
