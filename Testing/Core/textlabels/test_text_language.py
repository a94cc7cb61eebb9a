"""The file of a language: wrong ones are refused with the place; another language is only a file."""

import json
from importlib import resources

import pytest

from AnnotationQACore.errors import InputError
from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.textlabels.language import load_language, shipped_languages
from AnnotationQACore.textlabels.mentions import find_mentions
from AnnotationQACore.textlabels.vocabulary import vocabulary_of


@pytest.fixture
def document():
    return json.loads((resources.files("AnnotationQACore.textlabels") / "languages" / "en.json").read_text("utf-8"))


@pytest.fixture
def load(document, tmp_path):
    def write():
        path = tmp_path / "own.json"
        path.write_text(json.dumps(document), "utf-8")
        return load_language(str(path))

    return write


def test_no_phrase_stands_in_two_lists_that_exclude_each_other(english):
    for phrase, rules in english.triggers.phrases.items():
        meanings = {(rule.meaning, rule.direction) for rule in rules}
        assert len(meanings) == len(rules), f"{' '.join(phrase)} is listed twice"
        if any(rule.direction is None for rule in rules):
            assert len(rules) == 1, f"{' '.join(phrase)} has a scope and has none"


def test_a_language_of_ones_own(document, load, chest):
    document["id"], document["title"] = "nl", "Nederlands"
    document["triggers"][0]["phrases"] = ["geen", "zonder"]
    language = load()
    (mention,) = find_mentions("Geen pneumothorax.", vocabulary_of(chest, language), language)
    assert mention.assertion == "absent"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("title"), "title: must be a text"),
        (lambda d: d.update(extra=1), "'extra' is unknown"),
        (lambda d: d["triggers"][2].update(kind="maybe"), r"triggers\[2\].kind: 'maybe' is none of"),
        (lambda d: d["triggers"][1].update(direction="up"), r"triggers\[1\].direction: 'up'"),
        (lambda d: d["triggers"][1].update(reach=-1), r"triggers\[1\].reach: -1"),
        (lambda d: d["triggers"][0].update(phrases=["..."]), r"triggers\[0\].phrases: must be a list of phrases"),
        (lambda d: d["sections"].update(plan=["plan"]), "sections.plan: is none of"),
        (lambda d: d.update(endings=[["s"]]), "endings: must be a list of pairs"),
        (lambda d: d.update(pseudo="no"), "pseudo: must be a list of phrases"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(document, load, change, message):
    change(document)
    with pytest.raises(InputError, match=message):
        load()


def test_unknown_languages_and_files_that_are_none(tmp_path):
    assert shipped_languages() == ("en",)
    with pytest.raises(InputError, match="there is none; shipped: en"):
        load_language("tlh")
    with pytest.raises(InputError, match="cannot be read"):
        load_language(str(tmp_path / "gone.json"))
    (tmp_path / "broken.json").write_text("{\n\n,", "utf-8")
    with pytest.raises(InputError, match="no valid JSON in line 3"):
        load_language(str(tmp_path / "broken.json"))
    (tmp_path / "list.json").write_text("[]", "utf-8")
    with pytest.raises(InputError, match="is no JSON object"):
        load_language(str(tmp_path / "list.json"))


def test_terms_come_from_titles_synonyms_and_codes(vocabulary, english):
    terms = {str(finding): words for finding, words in vocabulary.terms.items()}
    assert {"Nodule", "mass", "coin lesion"} <= set(terms["nodule_or_mass"])
    assert "Gastric tube" in terms["device_kinds/feeding_tube"]
    assert "Device" not in terms["device_misplaced"]
    liver = {str(f): w for f, w in vocabulary_of(load_shipped("liver_tumour_response_ct"), english).terms.items()}
    assert "Lesion" not in liver.get("lesion", ())
