"""The written sentences, and how often each assertion is found: for the tests and for the benchmark beside peers."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SENTENCES = Path(__file__).with_name("sentences.json")
ASSERTIONS = ("present", "absent", "uncertain", "historical", "of someone else")


@dataclass(frozen=True)
class Sentence:
    """A sentence, and the different things that it says about each finding, in their order."""

    group: str
    text: str
    findings: dict[str, tuple[str, ...]]


def read_sentences() -> list[Sentence]:
    """All sentences of the test set."""
    groups = json.loads(SENTENCES.read_text("utf-8"))
    return [
        Sentence(group, row["text"], {name: _assertions(said) for name, said in row["findings"].items()})
        for group, rows in groups.items()
        for row in rows
    ]


def _assertions(said: str | list[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


Figures = dict[str, tuple[float, float, int]]


def score(read: Callable[[str], dict[str, tuple[str, ...]]]) -> tuple[Figures, list[Sentence]]:
    """Precision, recall and number of true mentions of each assertion, and the sentences that were misread."""
    true, found, right = Counter(), Counter(), Counter()
    misread = []
    for sentence in read_sentences():
        result = read(sentence.text)
        for finding in {*sentence.findings, *result}:
            wanted, got = Counter(sentence.findings.get(finding, ())), Counter(result.get(finding, ()))
            true.update(wanted)
            found.update(got)
            right.update(wanted & got)
        if result != sentence.findings:
            misread.append(sentence)
    figures = {
        one: (right[one] / found[one] if found[one] else 0.0, right[one] / true[one], true[one]) for one in ASSERTIONS
    }
    return figures, misread
