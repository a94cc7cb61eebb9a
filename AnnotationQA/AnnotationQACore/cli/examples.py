"""Command lines that every `--help` shows; together they are one study, which a test runs from top to bottom."""

from __future__ import annotations

__all__ = ["EXAMPLES", "examples_of"]

EXAMPLES: tuple[str, ...] = (
    # images that were de-identified into the folder clean, and a protocol of one's own
    "annotation-qa inspect clean --json series.json",
    "annotation-qa inspect clean --modality CT --duplicates",
    "annotation-qa protocol list",
    "annotation-qa protocol new --from lung_nodule_ct -o mine.json",
    "annotation-qa protocol check mine.json",
    "annotation-qa protocol show mine.json -o handbook.html",
    "annotation-qa protocol diff lung_nodule_ct mine.json",
    "annotation-qa protocol schema -o protocol.schema.json",
    "annotation-qa protocol reference -o reference.md",
    "annotation-qa power kappa --expected 0.7 --prevalence 0.3 0.7 --width 0.2",
    "annotation-qa power icc --expected 0.8 --width 0.2 --readers 3 --json -",
    # a project, its people and cases
    "annotation-qa identity new ana",
    "annotation-qa identity show --as ana",
    "annotation-qa identity list",
    "annotation-qa init study --protocol protocol.json --lead ana --roles lead reviewer",
    "annotation-qa member add study ben --roles reader --as ana",
    "annotation-qa member add study cleo --roles reader --as ana",
    "annotation-qa member add study dora --roles reader --public-key KEY --as ana",
    "annotation-qa member change study dora --roles reader reviewer --as ana",
    "annotation-qa member list study",
    "annotation-qa add-cases study cases.csv --dry-run",
    "annotation-qa add-cases study cases.csv --as ana",
    "annotation-qa exclude study case-4 --reason motion --as ana",
    "annotation-qa exclude study case-4 --undo --as ana",
    "annotation-qa assign study --readers ben cleo --per-case 2 --seed 1 --as ana",
    "annotation-qa status study",
    "annotation-qa status study --json",
    # readings of two readers and a model, made elsewhere
    "annotation-qa import folder study readings --pattern '{case}/{reader}.seg.nrrd' --as ana",
    "annotation-qa import folder study models --table models/files.csv --as ana",
    "annotation-qa history study case-1",
    # how far they agree, and what comes of it
    "annotation-qa agreement study --json agreement.json",
    "annotation-qa agreement readings/case-1/ben.seg.nrrd readings/case-1/cleo.seg.nrrd --tolerance 1 2 --json -",
    "annotation-qa agreement --ratings ratings.csv --case case --reader reader --value value --level ordinal",
    "annotation-qa consensus study --method majority --as ana",
    "annotation-qa consensus readings/case-1/ben.seg.nrrd readings/case-1/cleo.seg.nrrd --method staple "
    "-o both.seg.nrrd",
    "annotation-qa measure clean/case-1 readings/case-1/ben.seg.nrrd --unit HU --json measured.json",
    "annotation-qa measure --landmarks points.fcsv --distance upper lower",
    "annotation-qa report study -o agreement-report --images clean",
    "annotation-qa export study -o objects --format seg csv --all-readers --images clean --quiet",
    "annotation-qa publish https://pacs.example.org/dicom-web objects --check",
    "annotation-qa fetch https://pacs.example.org/dicom-web --patient PSN-000001 -o fetched",
    # a release
    "annotation-qa release accept study --reader consensus:majority --agreed --reason agreed --as ana",
    "annotation-qa release sheet study -o sheet.json",
    "annotation-qa release split study --parts train=0.5 test=0.5 --seed 1 --as ana",
    "annotation-qa release card study -o card --sheet sheet.json --deidentification clean-report/report.json",
    "annotation-qa release look study -o looking --deidentification clean-report/report.json",
    "annotation-qa release sign-off study --texts --thumbnails --reason 'looked at all' "
    "--deidentification clean-report/report.json --as ana",
    "annotation-qa release check study --sheet sheet.json --formats bids nnunet tables "
    "--deidentification clean-report/report.json",
    "annotation-qa release make study dataset-1 --sheet sheet.json --formats bids nnunet tables "
    "--deidentification clean-report/report.json --as ana",
    "annotation-qa release verify dataset-1 --key KEY",
    "annotation-qa release check dataset-1",
    # what is read next
    "annotation-qa release drift study model:net --json drift.json",
    "annotation-qa release rank study --decided --top 3",
    "annotation-qa release rereads study --readers ben cleo --per-quarter 1 --quarters 2 --seed 7 --as ana",
    "annotation-qa adopt study protocol-2.json --as ana",
    "annotation-qa release redo study --send-back --as ana",
    # proof
    "annotation-qa verify study",
    "annotation-qa audit export study acts.csv",
    "annotation-qa audit export study acts.json",
    "annotation-qa verify study --against acts.json",
    # report texts
    "annotation-qa init chest --protocol chest_xray_findings --lead ana",
    "annotation-qa add-cases chest chest-cases.csv --as ana",
    "annotation-qa textlabels read reports --protocol chest_xray_findings --csv labels.csv",
    "annotation-qa textlabels import chest reports --as ana",
    "annotation-qa textlabels check chest reports --against model:report-text --csv compared.csv",
    # real readings of four radiologists
    "annotation-qa init lidc --protocol lung_nodule_ct --lead ana",
    "annotation-qa import lidc lidc --limit 3 --as ana",
    "annotation-qa demo demo-output --scans 3",
)


def examples_of(program: str) -> tuple[str, ...]:
    """Examples of a command, such as ``annotation-qa release``, with its steps."""
    return tuple(line for line in EXAMPLES if line.startswith(f"{program} ") or line == program)
