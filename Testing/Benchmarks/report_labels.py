"""Precision and recall of each assertion on the written sentences, ours and peers', and the time for 1,000 reports.

python Testing/Benchmarks/report_labels.py [--peers medspacy negspacy] [--environment medspacy=PYTHON ...]

The peers get the same terms, plurals included, and their own rules; negspaCy knows present and absent only. The
sentences were written for this project, and ours was developed on all groups but "held out": the comparison favours
ours, and is there to show what the sentences ask for.
"""

import argparse
import importlib.util
import json
import random
import subprocess
import sys
import time
from pathlib import Path

from peer_environment import peer_python

from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.textlabels.labels import label_report
from AnnotationQACore.textlabels.language import load_language
from AnnotationQACore.textlabels.mentions import find_mentions
from AnnotationQACore.textlabels.vocabulary import vocabulary_of

PACKAGES = {"medspacy": ["medspacy==1.3.1"], "negspacy": ["negspacy==1.0.4", "spacy<3.8"]}
REPORTS, SENTENCES_EACH = 1000, 15

_spec = importlib.util.spec_from_file_location(
    "report_sentences", Path(__file__).parents[1] / "Core" / "textlabels" / "report_sentences.py"
)
report_sentences = importlib.util.module_from_spec(_spec)
sys.modules["report_sentences"] = report_sentences
_spec.loader.exec_module(report_sentences)

ENGLISH = load_language("en")
CHEST = vocabulary_of(load_shipped("chest_xray_findings"), ENGLISH)


def ours(text):
    """The different things that we read out of a text about each finding."""
    found = {}
    for mention in find_mentions(text, CHEST, ENGLISH):
        found.setdefault(str(mention.finding), {})[str(mention.assertion)] = None
    return {finding: tuple(said) for finding, said in found.items()}


def terms_with_plurals():
    """The words for each finding as both we and peers get them."""
    plain = {str(finding): {word.lower() for word in words} for finding, words in CHEST.terms.items()}
    spelt = {finding: {*words, *(w.replace("oedema", "edema") for w in words)} for finding, words in plain.items()}
    return {finding: sorted({*words, *(f"{w}s" for w in words)}) for finding, words in spelt.items()}


def peer(name, python, texts):
    """What a peer reads out of the texts, and its CPU seconds."""
    task = json.dumps({"terms": terms_with_plurals(), "texts": texts})
    script = Path(__file__).with_name("report_labels_peers.py")
    run = subprocess.run([python, script, name], input=task, capture_output=True, text=True, check=True)
    result = json.loads(run.stdout)
    return [{f: tuple(dict.fromkeys(said)) for f, said in one.items()} for one in result["said"]], result["seconds"]


def made_reports(count):
    """Reports put together from the sentences."""
    rng = random.Random(20261121)
    texts = [sentence.text for sentence in report_sentences.read_sentences()]
    return [
        "FINDINGS:\n" + " ".join(rng.choices(texts, k=SENTENCES_EACH)) + "\n\nIMPRESSION:\n" + rng.choice(texts)
        for _ in range(count)
    ]


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="*", default=list(PACKAGES), choices=list(PACKAGES))
    parser.add_argument("--environment", nargs="*", default=[], metavar="PEER=PYTHON")
    arguments = parser.parse_args()
    given = dict(pair.split("=", 1) for pair in arguments.environment)
    pythons = {name: given.get(name) or peer_python(name, PACKAGES[name]) for name in arguments.peers}

    sentences = report_sentences.read_sentences()
    texts = [sentence.text for sentence in sentences]
    readers = {"ours": {text: ours(text) for text in texts}}
    for name, python in pythons.items():
        readers[name] = dict(zip(texts, peer(name, python, texts)[0], strict=True))
    print(f"{len(sentences)} sentences; precision / recall of each assertion")
    print(f"{'':16}{'mentions':>10}" + "".join(f"{name:>18}" for name in readers))
    figures = {name: report_sentences.score(said.__getitem__) for name, said in readers.items()}
    for assertion in report_sentences.ASSERTIONS:
        count = figures["ours"][0][assertion][2]
        cells = "".join("{:>10.3f} / {:.3f}".format(*one[0][assertion][:2]) for one in figures.values())
        print(f"{assertion:16}{count:>10}{cells}")
    print(f"{'misread':16}{'':>10}" + "".join(f"{len(one[1]):>18}" for one in figures.values()))
    for group in dict.fromkeys(sentence.group for sentence in sentences):
        cells = "".join(f"{sum(s.group == group for s in one[1]):>18}" for one in figures.values())
        print(f"  {group:14}{sum(s.group == group for s in sentences):>10}{cells}")

    reports = made_reports(REPORTS)
    start = time.process_time()
    for text in reports:
        label_report(find_mentions(text, CHEST, ENGLISH), CHEST)
    own = time.process_time() - start
    print(f"\n{REPORTS} reports of {SENTENCES_EACH + 1} sentences, CPU seconds: ours {own:.2f}")
    for name, python in pythons.items():
        tenth = peer(name, python, reports[: REPORTS // 10])[1]
        print(f"  {name}: {tenth:.2f} for {REPORTS // 10} of them, {10 * tenth / own:.0f} times ours")


if __name__ == "__main__":
    main()
