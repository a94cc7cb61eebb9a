"""`annotation-qa power`: how many double reads a wanted width needs."""

import json

import pytest

from AnnotationQACore.agreement.statistics.power import (
    cases_for_icc,
    cases_for_kappa,
    cases_for_limits,
    cases_for_mean,
    clustered,
)
from AnnotationQACore.cli.main import main

WANTED = {
    "kappa": (
        ["--expected", "0.6", "--prevalence", "0.3", "0.7", "--width", "0.2"],
        cases_for_kappa(0.6, 0.2, [0.3, 0.7]),
    ),
    "icc": (
        ["--expected", "0.8", "--width", "0.2", "--readers", "3", "--confidence", "0.9"],
        cases_for_icc(0.8, 0.2, readers=3, level=0.9),
    ),
    "limits": (["--sd", "1.2", "--width", "0.8", "--multiplier", "2"], cases_for_limits(1.2, 0.8, multiplier=2.0)),
    "mean": (
        ["--sd", "0.08", "--width", "0.04", "--per-patient", "3", "--correlation", "0.5"],
        clustered(cases_for_mean(0.08, 0.04), 3, 0.5),
    ),
}


@pytest.mark.parametrize("statistic", list(WANTED))
def test_the_number_of_cases_is_shown_and_written(statistic, tmp_path, capsys):
    options, expected = WANTED[statistic]
    out = tmp_path / "power.json"
    assert main(["power", statistic, *options, "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert (document["cases"], document["readers"]) == (expected.cases, expected.readers)
    shown = capsys.readouterr().out
    assert shown.startswith(f"{expected.cases} cases")
    assert expected.method in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mean", "--expected", "0.5", "--width", "0.1"], "--expected has no meaning for mean"),
        (["kappa", "--expected", "0.5", "--width", "0.1"], "kappa needs --prevalence"),
        (["icc", "--expected", "1.5", "--width", "0.1"], "not in [0, 1)"),
        (["limits", "--sd", "1", "--width", "-1"], "width must be positive"),
        (["limits", "--sd", "1", "--width", "1", "--readers", "3"], "are of two readers"),
        (["mean", "--sd", "1", "--width", "1", "--per-patient", "2"], "go together"),
    ],
)
def test_bad_requests_are_one_line(arguments, message, capsys):
    assert main(["power", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
