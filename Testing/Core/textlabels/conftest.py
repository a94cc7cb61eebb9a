import pytest

from AnnotationQACore.protocol.loading import load_shipped
from AnnotationQACore.textlabels.language import load_language
from AnnotationQACore.textlabels.mentions import find_mentions
from AnnotationQACore.textlabels.vocabulary import vocabulary_of


@pytest.fixture(scope="session")
def chest():
    return load_shipped("chest_xray_findings")


@pytest.fixture(scope="session")
def english():
    return load_language("en")


@pytest.fixture(scope="session")
def vocabulary(chest, english):
    return vocabulary_of(chest, english)


@pytest.fixture(scope="session")
def said(vocabulary, english):
    """The different things that a text says about each finding, in their order."""

    def read(text):
        found = {}
        for mention in find_mentions(text, vocabulary, english):
            found.setdefault(str(mention.finding), []).append(str(mention.assertion))
        return {finding: tuple(dict.fromkeys(assertions)) for finding, assertions in found.items()}

    return read
