"""`annotation-qa agreement` from files to JSON, and its errors."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from AnnotationQACore.cli.main import main
from AnnotationQACore.cli.output import figure
from AnnotationQACore.geometry import Grid
from AnnotationQACore.interchange.label_images import write_segmentation
from AnnotationQACore.interchange.markups import Markup, MarkupKind, MarkupPoint, PointStatus, write_markups
from AnnotationQACore.segmentation import Segment, Segmentation

GRID = Grid((12, 20, 20), (2.0, 1.0, 1.0), (-10.0, 5.0, 30.0))


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command and returns exit code, JSON document (or None), and what was printed."""

    def command(*arguments):
        out = tmp_path / "out.json"
        out.unlink(missing_ok=True)
        code = main(["agreement", *map(str, arguments), "--json", str(out)])
        printed = capsys.readouterr()
        if code:
            assert not out.exists()
            assert printed.out == ""
        return code, json.loads(out.read_text()) if out.exists() else None, printed

    return command


@pytest.fixture
def refused(run):
    """Runs the command and returns its one line of error."""

    def command(*arguments):
        code, _, printed = run(*arguments)
        assert code == 2
        lines = [line for line in printed.err.splitlines() if line.startswith("annotation-qa: ")]
        assert len(lines) == 1, printed.err
        return lines[0]

    return command


def cube(start, size, value=1, shape=GRID.shape):
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(s, s + size) for s in start)] = value
    return labels


@pytest.fixture
def write(tmp_path):
    def save(name, labels, grid=GRID, segments=None):
        path = tmp_path / name
        values = [int(value) for value in np.unique(labels) if value]
        segments = segments or [Segment(f"label-{value}", f"Label {value}", value) for value in values]
        write_segmentation(path, Segmentation(np.asarray(labels)[np.newaxis], grid, tuple(segments)))
        return path

    return save


@pytest.fixture
def table(tmp_path):
    def save(text, name="table.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return save


def test_label_files_of_three_readers(run, write):
    a = write("ann.nrrd", cube((3, 3, 3), 4) + cube((3, 12, 12), 3, 2))
    b = write("bob.nii.gz", cube((3, 3, 4), 4) + cube((3, 12, 12), 3, 2))
    c = write("cem.mha", cube((3, 3, 3), 4))
    code, document, printed = run(a, b, c, "--tolerance", "1", "2.5")
    assert code == 0
    assert document["definition"] == "surfel"
    assert document["readers"] == ["ann", "bob", "cem"]
    first = {(pair["a"], pair["b"]): pair for pair in document["labels"]["1"]["pairs"]}
    assert first["ann", "bob"]["dice"] == pytest.approx(0.75)
    assert first["ann", "bob"]["jaccard"] == pytest.approx(0.6)
    assert first["ann", "bob"]["volume_a_mm3"] == pytest.approx(128.0)
    assert first["ann", "bob"]["hd"] == pytest.approx(1.0)
    assert set(first["ann", "bob"]["nsd"]) == {"1.0", "2.5"}
    assert first["ann", "cem"]["dice"] == 1.0
    second = {(pair["a"], pair["b"]): pair for pair in document["labels"]["2"]["pairs"]}
    assert second["ann", "cem"]["state"] == "only a"  # a bare label image without the value says that it is absent
    assert second["ann", "cem"]["dice"] == 0.0
    assert second["ann", "cem"]["hd"] == "inf"
    required = {"a", "b", "dice", "jaccard", "volume_similarity", "hd", "hd95", "assd", "masd", "nsd", "state"}
    assert required | {"volume_a_mm3", "volume_b_mm3"} <= set(first["ann", "bob"])
    assert "ann – bob" in printed.out


def notes(printed):
    return [line for line in printed.err.splitlines() if line.startswith("note: ")]


def test_labels_that_nobody_has_are_both_absent_and_it_is_said(run, write):
    a = write("a.nrrd", cube((3, 3, 3), 4) + cube((3, 12, 12), 3, 10))
    b = write("b.nrrd", cube((3, 3, 3), 4) + cube((3, 12, 12), 3, 2))
    code, document, printed = run(a, b, "--labels", "1", "7")
    assert code == 0
    (pair,) = document["labels"]["7"]["pairs"]
    assert pair["state"] == "both absent"
    assert pair["dice"] is None
    assert document["messages"] == []
    assert notes(printed) == ["note: --labels: no reader has label 7; there are 1, 2, 10."]
    _, _, printed = run(a, b, "--labels", "8", "2", "9")
    assert notes(printed) == ["note: --labels: no reader has labels 8, 9; there are 1, 2, 10."]
    assert notes(run(a, b, "--labels", "1", "2")[2]) == []
    assert notes(run(a, b)[2]) == []


def test_of_many_labels_the_first_are_named(run, write):
    many = np.arange(np.prod(GRID.shape), dtype=np.uint16).reshape(GRID.shape) % 300
    files = [write("a.nrrd", many), write("b.nrrd", many)]
    (note,) = notes(run(*files, "--labels", "300")[2])
    assert note.endswith(
        "there are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 and 279 more."
    )


def test_a_label_of_empty_files_is_said_to_be_nowhere(run, write):
    files = [write("a.nrrd", cube((3, 3, 3), 0)), write("b.nrrd", cube((3, 3, 3), 0))]
    (note,) = notes(run(*files, "--labels", "1")[2])
    assert note == "note: --labels: no reader has label 1; their files hold no label at all."
    code, document, printed = run(*files)
    assert (code, document["labels"]) == (0, {})
    assert document["messages"] == ["no reader has any label: there was nothing to compare."]
    assert document["messages"][0] in printed.out


def test_label_files_load_no_statistics_of_tables(write):
    """What is loaded is most of what a user waits for with small files."""
    files = [str(write(name, cube((3, 3, 3), 4))) for name in ("a.nrrd", "b.nrrd")]
    program = (
        "import sys; from AnnotationQACore.cli.main import main; assert main(sys.argv[1:]) == 0; "
        "print(*sorted({'scipy.stats', 'scipy.optimize', 'cryptography'} & set(sys.modules)), file=sys.stderr)"
    )
    call = [sys.executable, "-c", program, "agreement", *files]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr.splitlines()[-1] == ""


def test_instances_are_those_of_the_labels_asked_for(run, write):
    lesion, vessel = Segment("lesion", "Lesion", 1), Segment("vessel", "Vessel", 2)
    labels = cube((1, 1, 1), 3) + cube((6, 10, 10), 4, 2)
    a = write("a.seg.nrrd", labels, segments=[lesion, vessel])
    b = write("b.seg.nrrd", labels, segments=[lesion, vessel])
    for label, size in (("lesion", 27), ("vessel", 64)):
        (found,) = run(a, b, "--instances", "connected", "--labels", label)[1]["instances"]
        assert [match["volume_a_mm3"] for match in found["matches"]] == [size * 2.0]
    (found,) = run(a, b, "--instances", "connected")[1]["instances"]
    assert len(found["matches"]) == 2


def test_named_segments_are_matched_by_id_and_may_be_unread(run, write):
    liver, lesion = Segment("liver", "Liver", 1), Segment("lesion", "Lesion", 2)
    a = write("a.seg.nrrd", cube((3, 3, 3), 4), segments=[liver, lesion])
    b = write("b.seg.nrrd", cube((3, 3, 3), 4, 5), segments=[Segment("liver", "Liver", 5)])
    _, document, printed = run(a, b)
    assert document["labels"]["liver"]["pairs"][0]["dice"] == 1.0
    assert document["labels"]["lesion"]["pairs"] == []
    assert "label lesion (Lesion); not read by b\nread by one alone: nothing to compare" in printed.out
    plain = write("plain.nrrd", cube((3, 3, 3), 4))
    _, mixed, _ = run(a, plain)
    assert mixed["labels"]["1"]["pairs"][0]["dice"] == 1.0


def test_reference_consensus_and_subvoxel(run, write):
    files = [write(f"r{i}.nrrd", cube((3, 3, 3 + i), 5)) for i in range(3)]
    code, document, _ = run(*files, "--reference", files[1], "--readers", "x", "y", "z", "--consensus")
    assert code == 0
    against = {pair["a"]: pair["dice"] for pair in document["labels"]["1"]["against_reference"]}
    assert against["y"] == 1.0
    assert against["x"] == pytest.approx(0.8)
    assert len(document["labels"]["1"]["against_consensus"]) == 3


def test_instances_are_matched(run, write):
    a = cube((1, 1, 1), 3) + cube((6, 10, 10), 4)
    b = cube((1, 1, 1), 3) + cube((8, 1, 15), 2)
    _, document, printed = run(write("a.nrrd", a), write("b.nrrd", b), "--instances", "connected")
    (found,) = document["instances"]
    assert (len(found["matches"]), len(found["missed"]), len(found["extra"])) == (1, 1, 1)
    assert found["detection"]["f1"] == 0.5
    assert found["panoptic_quality"] == 0.5
    assert "IoU > 0.5, unique" in printed.out
    third = write("c.nrrd", cube((1, 1, 1), 3))
    _, document, printed = run(write("a.nrrd", a), write("b.nrrd", b), third, "--instances", "connected")
    assert document["lesions"]["found_by"] == [2, 0, 1]
    assert "3 instances in all: found 2 by 1 reader, 0 by 2 readers, 1 by 3 readers" in printed.out
    _, document, _ = run(write("b.nrrd", b), "--reference", write("a.nrrd", a), "--instances", "connected")
    assert [(pair["a"], pair["b"]) for pair in document["instances"]] == [("reference", "b")]


def test_other_grids_are_refused_or_resampled(run, refused, write):
    a = write("a.nrrd", cube((3, 3, 3), 4))
    finer = Grid((24, 20, 20), (1.0, 1.0, 1.0), (-10.0, 5.0, 29.5))
    b = write("b.nrrd", np.repeat(cube((3, 3, 3), 4), 2, axis=0), finer)
    assert "b" in refused(a, b)
    code, document, _ = run(a, b, "--resample")
    assert code == 0
    assert document["labels"]["1"]["pairs"][0]["dice"] == 1.0
    assert document["messages"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give label files"),
        (["{a}"], "one reader cannot be compared"),
        (["{a}", "{a}"], "more than once"),
        (["{a}", "{b}", "--readers", "x"], "1 name for 2 files"),
        (["{a}", "{b}", "--readers", "x", "x"], "'x' appears more than once"),
        (["{a}", "{folder}"], "is a folder"),
        (["{a}", "{folder}/none.nrrd"], "none.nrrd"),
        (["{a}", "{b}", "--tolerance", "-1"], "tolerance"),
        (["{a}", "{b}", "--landmarks", "{a}"], "only one of these"),
        (["{a}", "{b}", "--instances", "given", "--iou", "1.5"], "IoU threshold"),
    ],
)
def test_bad_label_files_are_one_line(refused, write, tmp_path, arguments, message):
    paths = {"a": write("a.nrrd", cube((3, 3, 3), 4)), "b": write("b.nrrd", cube((3, 3, 3), 4)), "folder": tmp_path}
    assert message in refused(*[argument.format(**paths) for argument in arguments])


def test_matrix_of_published_measurements(run, shared_data, table):
    examples = json.loads((shared_data / "agreement" / "measurements.json").read_text())
    data = examples[0]["data"]
    path = table("target,j1,j2,j3,j4\n" + "".join(f"{i},{','.join(map(str, row))}\n" for i, row in enumerate(data)))
    code, document, printed = run("--matrix", path)
    assert code == 0
    assert list(document["icc"].values()) == pytest.approx(list(examples[0]["digits6"].values()))
    assert (document["n_cases"], document["n_readers"], document["case_column"]) == (6, 4, "target")
    assert "icc.2,1" in printed.out
    again = run("--ratings", path, "--matrix", "--level", "interval")[1]
    assert again["icc"] == document["icc"]


def test_matrix_with_missing_readers(run, shared_data, table):
    examples = json.loads((shared_data / "agreement" / "categorical.json").read_text())
    example = next(e for e in examples if e["id"] == "krippendorff_C_data")
    rows = "".join(",".join("NA" if v is None else str(v) for v in row) + "\n" for row in example["data"])
    path = table("A,B,C,D\n" + rows)
    for level, expected in example["expected"].items():
        document = run("--matrix", path, "--level", level)[1]
        assert document["krippendorff"] == pytest.approx(expected, abs=example["tol"])
        assert (document["n_readers"], document["case_column"]) == (4, None)


def test_real_quality_ratings(run, shared_data):
    path = shared_data / "agreement" / "ratings" / "y_abide_two_raters_41d9827f.csv"
    document = run("--matrix", path)[1]
    assert document["cohen"]["rater_1|rater_2"] == pytest.approx(0.3858, abs=5e-5)
    assert document["overlap"] == [[601, 100], [100, 601]]
    assert document["case_column"] == "subject_id"


def test_long_table_equals_its_matrix(run, shared_data, table):
    path = shared_data / "lidc" / "ratings.csv"
    columns = ["--case", "nodule", "--reader", "reader_slot", "--value", "malignancy", "--patient", "patient_id"]
    long = run("--ratings", path, *columns, "--level", "ordinal", "--categories", *"12345")[1]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    cells = {(row["nodule"], row["reader_slot"]): row["malignancy"] for row in rows}
    nodules = list(dict.fromkeys(row["nodule"] for row in rows))
    text = "nodule,1,2,3,4\n" + "".join(
        f"{nodule},{','.join(cells.get((nodule, str(slot)), '') for slot in range(1, 5))}\n" for nodule in nodules
    )
    options = ["--level", "ordinal", "--categories", *"12345", "--patient", "nodule"]
    matrix = run("--matrix", table(text), *options)[1]
    chosen = run("--matrix", table(text), "--reader", *"1234", *options)[1]
    assert chosen == matrix
    for name in ("percent_agreement", "fleiss", "krippendorff", "gwet_ac1", "gwet_ac2", "n_cases", "n_clusters"):
        assert matrix[name] == pytest.approx(long[name]), name
    assert long["n_clusters"] == 40
    assert matrix["icc"] == pytest.approx(long["icc"])


def test_words_with_an_order(run, table):
    path = table("case;reader;finding\n1;a;absent\n1;b;absent\n2;a;present\n2;b;uncertain\n3;a;present\n3;b;present\n")
    columns = ["--case", "case", "--reader", "reader", "--value", "finding"]
    document = run("--ratings", path, *columns, "--level", "ordinal", "--categories", "absent", "uncertain", "present")[
        1
    ]
    assert document["categories"] == ["absent", "uncertain", "present"]
    assert document["weighted"]["linear"]["a|b"] > document["cohen"]["a|b"]
    assert document["icc"]["1,1"] is None


def test_the_text_says_which_intervals_it_has(run, table):
    path = table("case,a,b,who\n" + "".join(f"{i},{i % 3},{(i + i // 5) % 3},p{i // 2}\n" for i in range(12)))
    printed = run("--matrix", path, "--patient", "who", "--seed", "4", "--confidence", "0.9")[2].out
    words = (
        "90 %: large-sample, of ICC by the F distribution; bootstrap of 6 patients: 2000 resamples, seed 4, percentile"
    )
    assert words in printed
    assert "note: Patients have several cases: only the intervals of the bootstrap" in printed
    printed = run("--matrix", path, "--reader", "a", "b", "--resamples", "0")[2].out
    assert "F distribution; no bootstrap" in printed
    assert "Patients" not in printed
    assert "bias: first minus second reader" in printed


def test_an_interval_without_width_is_not_taken_for_certainty(run, table):
    path = table("case,a,b\n" + "".join(f"{i},1,1\n" for i in range(10)))
    _, document, printed = run("--matrix", path, "--categories", "1", "2")
    interval = document["intervals"]["percent_agreement"]
    assert (interval["low"], interval["high"]) == (1.0, 1.0)
    (note,) = [note for note in document["notes"] if "no width" in note]
    assert note.startswith("percent_agreement, brennan_prediger, gwet_ac1, gwet_ac2: ")
    assert note in printed.out
    one = run("--matrix", path)[2].out
    assert "undefined: fleiss; conger; brennan_prediger; gwet_ac1; gwet_ac2: the scale has one category; name" in one


def test_one_case_has_no_interval(run, table):
    _, document, printed = run("--matrix", table("case,a,b\n1,1,2\n"))
    assert printed.out.startswith("1 case, 2 readers (a, b), 2 ratings; 1 case read by two or more")
    assert document["percent_agreement"] == 0.0
    assert {interval["low"] for interval in document["intervals"].values()} == {None}


def test_numbers_with_a_word_among_them_are_words_and_it_is_said(run, table):
    path = table("case,a,b\n1,1,2\n2,x,2\n3,1,1\n")
    document = run("--matrix", path)[1]
    assert any(note.startswith("'x' is no number, other values are") for note in document["notes"])
    assert run("--matrix", path, "--categories", "1", "2", "x")[1]["notes"] == document["notes"][:1]


def test_zero_has_no_sign():
    assert figure(-0.00001) == figure(0.0) == "0.0000"
    assert figure(-0.0001) == "-0.0001"


LONG = ["--ratings", "{t}", "--case", "case", "--reader", "reader", "--value", "v"]


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("case,a,a\n1,1,2\n", ["--matrix", "{t}"], "heading"),
        ("case,a\n1,1\n2,2\n", ["--matrix", "{t}"], "at least two readers"),
        ("case,a,b\n", ["--matrix", "{t}"], "no rows"),
        ("", ["--matrix", "{t}"], "empty"),
        ("case,a,b\n1,,\n", ["--matrix", "{t}"], "no rating"),
        ("case,a,b\n1,1,x\n", ["--matrix", "{t}", "--level", "interval"], "row 2, column 'b': 'x' is no number"),
        ("case,a,b\n1,1,x\n", ["--matrix", "{t}", "--level", "ordinal"], "--categories"),
        ("case,a,b\n1,-1,2\n2,3,4\n", ["--matrix", "{t}", "--level", "ratio"], "not negative"),
        ("case,a,b\n1,1,2\n2,1,inf\n", ["--matrix", "{t}"], "row 3, column 'b': 'inf' is no finite number"),
        ("case,a,b\n1,1e400,2\n2,1,1\n", ["--matrix", "{t}", "--level", "ratio"], "'1e400' is no finite number"),
        ("case,a,b\n1,1,2\n1,2,2\n", ["--matrix", "{t}"], "row 3 repeats a case"),
        ("7,8\n1,2\n", ["--matrix", "{t}"], "begin with a row of readers' names"),
        ("case,a,b\n1,1,9\n", ["--matrix", "{t}", "--categories", "1", "2"], "'9' is not one of"),
        ("case,reader,v\n1,a,1\n1,a,2\n", LONG, "row 3 rates a case that its reader rated"),
        ("case,reader,v\n1,a,1\n2,a,2\n", LONG, "at least two readers"),
        ("case,reader,v\n1,,1\n", LONG, "row 2 names no case or no reader"),
        ("case,reader,w\n1,a,1\n", LONG, "no column 'v'"),
        ("case,reader,v\n1,a,1\n1,b,2\n", LONG[:-2], "--value"),
        ("case,reader,v\n1,a,x\n1,b,2\n", [*LONG, "--level", "ratio"], "'x' is no number"),
        ("case,reader,v\n1,a,1\n1,b,2\n", [*LONG, "--confidence", "95"], "--confidence 95 is not between 0 and 1"),
        ("case,reader,v\n1,a,1\n1,b,2\n", [*LONG, "--resamples", "-1"], "--resamples -1 is too few"),
        ("case,reader,v,p\n1,a,1,x\n1,b,2,y\n", [*LONG, "--patient", "p"], "another patient"),
    ],
)
def test_bad_tables_are_one_line(refused, table, text, arguments, message):
    path = table(text)
    assert message in refused(*[argument.format(t=path) for argument in arguments])


def landmarks(path, points):
    markup = Markup(
        MarkupKind.FIDUCIAL,
        "F",
        tuple(
            MarkupPoint(name, point, PointStatus.DEFINED if point else PointStatus.MISSING)
            for name, point in points.items()
        ),
    )
    write_markups(path, [markup])
    return path


def test_landmark_files(run, shared_data):
    case = json.loads((shared_data / "agreement" / "landmarks.json").read_text())["cases"][3]
    files = sorted((shared_data / "agreement" / "landmarks" / case["subject"]).glob("*.fcsv"))
    code, document, printed = run("--landmarks", *files, "--readers", *case["raters"])
    assert code == 0
    assert document["mean_error_mm"] == pytest.approx(case["afle_mean_mm"])
    assert (document["n_readers"], document["n_landmarks"]) == (5, 32)
    assert {row["reader"]: row["mean_mm"] for row in document["per_reader"]} == pytest.approx(case["afle_per_rater"])
    assert "mean error" in printed.out


def test_landmarks_that_are_not_visible_and_a_reference(run, tmp_path):
    a = landmarks(tmp_path / "a.mrk.json", {"apex": (0.0, 0.0, 0.0), "base": None})
    b = landmarks(tmp_path / "b.mrk.json", {"apex": (0.0, 0.0, 3.0), "base": (1.0, 1.0, 1.0)})
    document = run("--landmarks", a, b, "--reference", a)[1]
    assert document["centre"] == "reference"
    assert document["per_reader"][1]["mean_mm"] == pytest.approx(3.0)
    assert document["pairs"][0]["disputed"] == ["base"]


def test_landmarks_of_one_reader_have_errors_to_a_reference(run, tmp_path):
    a = landmarks(tmp_path / "a.mrk.json", {"apex": (0.0, 0.0, 0.0), "base": (0.0, 0.0, 1.0)})
    b = landmarks(tmp_path / "b.mrk.json", {"apex": (0.0, 0.0, 3.0), "base": (0.0, 0.0, 4.0)})
    code, document, printed = run("--landmarks", a, "--reference", b)
    assert (code, document["n_readers"], document["pairs"]) == (0, 1, [])
    assert document["per_reader"][0]["mean_mm"] == pytest.approx(3.0)
    assert document["per_reader"][0]["shift"] == [0.0, 0.0, -3.0]
    assert document["mean_pairwise_mm"] is None
    assert printed.out.startswith("2 landmarks, 1 reader; errors in mm to the reference\nmean error 3.0000 mm")


def test_landmarks_without_a_common_name_are_said_to_be_so(run, tmp_path):
    a = landmarks(tmp_path / "a.mrk.json", {"apex": (0.0, 0.0, 0.0)})
    b = landmarks(tmp_path / "b.mrk.json", {"Apex": (0.0, 0.0, 0.0)})
    code, document, printed = run("--landmarks", a, b)
    assert (code, document["mean_error_mm"]) == (0, None)
    assert "note: no landmark has anything to be compared with: do the names in the files agree?" in printed.out


def test_bad_landmark_files_are_one_line(refused, tmp_path):
    a = landmarks(tmp_path / "a.mrk.json", {"apex": (0.0, 0.0, 0.0)})
    assert "one reader cannot be compared" in refused("--landmarks", a)
    assert "--confidence 1.2 is not between 0 and 1" in refused("--landmarks", a, a, "--confidence", "1.2")
    line = tmp_path / "line.mrk.json"
    write_markups(line, [Markup(MarkupKind.LINE, "L", (MarkupPoint("1", (0, 0, 0)), MarkupPoint("2", (1, 0, 0))))])
    assert "no landmarks" in refused("--landmarks", a, line)
    twice = tmp_path / "twice.mrk.json"
    write_markups(twice, [Markup(MarkupKind.FIDUCIAL, "F", (MarkupPoint("x", (0, 0, 0)), MarkupPoint("x", (1, 0, 0))))])
    assert "two points called 'x'" in refused("--landmarks", a, twice)


def test_the_seed_makes_it_repeatable(run, table):
    path = table("case,a,b\n1,1,1\n2,2,1\n3,2,2\n4,1,1\n5,1,2\n")
    one, two, other = (run("--matrix", path, "--seed", seed)[1] for seed in (1, 1, 2))
    assert one == two
    assert one["intervals"]["fleiss"] != other["intervals"]["fleiss"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing-project"], "missing-project: is no project and no label file; check the path."),
        (["--seed", "3"], "agreement: --seed has no meaning for label files; leave it out."),
        (["--resamples", "0"], "agreement: --resamples has no meaning for label files; leave it out."),
        (["--within", "3"], "agreement: --within says how instances are matched; add --instances, or leave it out."),
        (["--iou", "0.3"], "agreement: --iou says how instances are matched; add --instances, or leave it out."),
        (
            ["--instances", "connected", "--iou", "0.3", "--within", "3"],
            "agreement: --iou and --within are two ways to match instances; give one of them.",
        ),
        (
            ["--instances", "given", "--connectivity", "6"],
            "agreement: --connectivity finds instances, and these are given; leave it out.",
        ),
        (
            ["--instances", "given", "--resample"],
            "agreement: instances are matched on one grid, unresampled; leave out --resample.",
        ),
        (["--labels", "1", "lung"], "--labels: no reader has a label 'lung'; there is 1."),
    ],
)
def test_a_useless_option_or_label_is_refused(refused, tmp_path, arguments, message):
    files = []
    if arguments != ["missing-project"]:
        files = [tmp_path / "a.nrrd", tmp_path / "b.nrrd"]
        for file in files:
            write_segmentation(file, Segmentation(cube((2, 3, 3), 4)[np.newaxis], GRID, (Segment("x", "x", 1),)))
    assert refused(*files, *arguments) == f"annotation-qa: {message}"
