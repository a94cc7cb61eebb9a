"""What sentences say about findings, on the written test set and as properties."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.textlabels.language import load_language
from AnnotationQACore.textlabels.mentions import find_mentions
from AnnotationQACore.textlabels.vocabulary import vocabulary_of

_spec = importlib.util.spec_from_file_location("report_sentences", Path(__file__).with_name("report_sentences.py"))
report_sentences = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(report_sentences)

ENGLISH = load_language("en")
CHEST = vocabulary_of(load_shipped("chest_xray_findings"), ENGLISH)


def test_every_assertion_is_found_precisely_and_completely(said):
    figures, misread = report_sentences.score(said)
    texts = [sentence.text for sentence in misread]
    for assertion, (precision, recall, count) in figures.items():
        assert count >= 8, f"{assertion}: {count} mentions are too few to judge by"
        assert min(precision, recall) >= 0.98, (assertion, precision, recall, texts)
    assert len(misread) <= 2, texts


def test_the_test_set_covers_what_makes_reports_difficult():
    sentences = report_sentences.read_sentences()
    assert len({sentence.text for sentence in sentences}) == len(sentences) >= 150
    groups = {sentence.group for sentence in sentences}
    assert {"double negation", "pseudo-negation", "lists", "scope ends", "comparison", "someone else"} <= groups


def test_a_reader_that_always_says_present_would_fail(said):
    figures, _ = report_sentences.score(lambda text: dict.fromkeys(said(text), ("present",)))
    assert figures["present"][0] < 0.5
    assert figures["absent"][1] == 0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("No pneumothorax.", "absent"),
        ("NO PNEUMOTHORAX", "absent"),
        ("No\n  pneumothorax", "absent"),
        ("no pneumothoraces or PTX", "absent"),
    ],
)
def test_case_line_breaks_and_synonyms_do_not_matter(said, text, wanted):
    assert set(said(text)["pneumothorax"]) == {wanted}


def test_spellings_and_plurals_are_one_word(said):
    assert said("Pulmonary oedema.") == said("Pulmonary edema.") == {"oedema": ("present",)}
    assert said("Lung nodules and masses.")["nodule_or_mass"] == ("present",)


def test_a_word_that_means_something_else_is_no_finding(said):
    assert said("There is no mass effect on the trachea.") == {}


def test_the_span_is_the_words_and_the_trigger_is_named(vocabulary, english):
    text = "Heart normal. No left pleural effusion."
    (mention,) = find_mentions(text, vocabulary, english)
    assert text[mention.span.start : mention.span.stop] == "pleural effusion"
    assert text[mention.trigger.start : mention.trigger.stop] == "No"
    assert text[mention.sentence.start : mention.sentence.stop] == "No left pleural effusion."


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.text(max_size=300)
    | st.lists(
        st.sampled_from(
            [
                "no",
                "pneumothorax",
                "effusion",
                ",",
                "and",
                "or",
                "but",
                "?",
                "possible",
                "history of",
                ".",
                "\n\n",
                "nor",
                "(",
                ")",
                ":",
                "is not seen",
                "mother",
                "IMPRESSION:",
                "1.",
                "without",
                "there is",
            ]
        ),
        max_size=40,
    ).map(" ".join)
)
def test_any_text_is_read_and_every_span_lies_in_its_sentence(text):
    for mention in find_mentions(text, CHEST, ENGLISH):
        assert (
            0 <= mention.sentence.start <= mention.span.start < mention.span.stop <= mention.sentence.stop <= len(text)
        )
        if mention.trigger:
            assert mention.sentence.start <= mention.trigger.start < mention.trigger.stop <= mention.sentence.stop


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from(["pneumothorax", "pleural effusion", "atelectasis", "pulmonary edema", "consolidation"]),
        min_size=1,
        max_size=5,
        unique=True,
    ),
    st.sampled_from([", ", " or "]),
)
def test_a_list_of_any_length_is_denied_as_a_whole(findings, joint):
    listed = find_mentions(f"No {joint.join(findings)}.", CHEST, ENGLISH)
    assert [mention.assertion for mention in listed] == ["absent"] * len(findings)
    apart = find_mentions(". ".join(f"No {finding}" for finding in findings), CHEST, ENGLISH)
    assert [(m.finding, m.assertion) for m in apart] == [(m.finding, m.assertion) for m in listed]
