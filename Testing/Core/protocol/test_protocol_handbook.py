"""The handbook shows everything a reader needs, and nothing of it can break out of the page."""

import base64
import re
from html.parser import HTMLParser

import pytest

from AnnotationQACore.protocol.handbook import sections
from AnnotationQACore.protocol.handbook_html import handbook_html
from AnnotationQACore.protocol.handbook_markdown import handbook_markdown
from AnnotationQACore.protocol.loading import load_shipped, protocol_from_document, shipped_protocols

VOID = {"meta", "img", "br"}


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.tags, self.links, self.ids = [], [], [], [], []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append((tag, values))
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def _parse(html):
    page = _Page()
    page.feed(html)
    page.close()
    assert page.open == []
    return page


@pytest.mark.parametrize("name", shipped_protocols())
def test_every_item_rule_and_picture_is_shown(name):
    protocol = load_shipped(name)
    page = _parse(handbook_html(protocol))
    text = " ".join(page.text)
    markdown = re.sub(r"\\(.)", r"\1", handbook_markdown(protocol))
    for item in protocol.items:
        words = [item.title, item.definition, *item.inclusion, *item.exclusion]
        words += [part for case in item.edge_cases for part in (case.situation, case.resolution)]
        words += [level.title for level in getattr(item, "levels", ())]
        words += [choice.title for choice in getattr(item, "answers", ())]
        for word in words:
            assert word in text, word
            assert word in markdown, word
        assert f"item-{item.id}" in page.ids
    pictures = [values["src"] for tag, values in page.tags if tag == "img"]
    assert pictures == [e.image for s in sections(protocol) for entry in s.entries for e in entry.examples]
    assert protocol.hash in text
    assert protocol.hash in markdown


@pytest.mark.parametrize("name", shipped_protocols())
def test_the_page_needs_nothing_from_elsewhere(name):
    html = handbook_html(load_shipped(name))
    page = _parse(html)
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"}
    for _, values in page.tags:
        assert not any(key.startswith("on") for key in values)
        assert values.get("src", "data:").startswith("data:")
    assert "url(" not in html
    assert "@import" not in html


def test_markup_in_a_protocol_stays_text(small):
    nasty = "<script>alert('1')</script> & | `x` \"quoted\""
    small["title"] = nasty
    small["items"][0] |= {"title": nasty, "definition": nasty, "inclusion": [nasty], "hint": nasty}
    small["items"][3]["edge_cases"] = [{"situation": nasty, "resolution": nasty}]
    svg = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
    small["items"][0]["examples"] = [{"image": f"data:image/svg+xml;base64,{svg}", "caption": nasty}]
    protocol = protocol_from_document(small)
    page = _parse(handbook_html(protocol))
    assert "script" not in {tag for tag, _ in page.tags}
    assert nasty in "".join(page.text)
    markdown = handbook_markdown(protocol)
    assert re.search(r"(?<!\\)<script", markdown) is None


def test_children_stand_below_their_parents():
    protocol = load_shipped("brain_tumour_mr")
    tumour = next(section for section in sections(protocol) if section.id == "tumour")
    depths = [(entry.item.id, entry.depth) for entry in tumour.entries]
    assert depths == [
        ("whole_tumour", 0),
        ("tumour_core", 1),
        ("necrotic_core", 2),
        ("enhancing_tumour", 2),
        ("oedema", 1),
        ("resection_cavity", 0),
    ]


def test_conditions_and_agreement_are_said_in_words():
    protocol = load_shipped("chest_xray_findings")
    entries = {entry.item.id: dict(entry.facts) for section in sections(protocol) for entry in section.entries}
    assert entries["pneumothorax_side"]["Only when"] == "Pneumothorax is present"
    assert entries["consolidation"]["Only when"] == "Lung opacity is present or uncertain"
    assert entries["pneumothorax"]["Readers agree"] == (
        "Gwet's AC1 ≥ 0.8 over all cases; a case is accepted automatically with identical answers"
    )


def test_items_without_a_group_come_last(small):
    small["groups"] = [{"id": "first", "title": "First"}]
    small["items"][4]["group"] = "first"
    assert [(s.id, len(s.entries)) for s in sections(protocol_from_document(small))] == [("first", 1), ("other", 5)]


def test_pet_ct_names_its_series_frames_and_units(small):
    small["imaging"]["series"] += [
        {"id": "pet", "title": "PET", "modalities": ["PT"], "contrast_phase": "none"},
        {
            "id": "cine",
            "title": "Cine",
            "modalities": ["MR"],
            "required": False,
            "frames": [{"id": "systole", "title": "End-systole", "definition": "Smallest cavity."}],
        },
    ]
    small["windows"].append({"id": "suv", "title": "SUV 0 to 7", "center": 3.5, "width": 7, "inverted": True})
    small["view"] = {"background": "ct", "foreground": "pet", "window": "lung", "foreground_window": "suv"}
    small["items"][0] |= {"series": "pet", "limits": {"mean_intensity": {"min": 2.5, "severity": "error"}}}
    small["items"][1] |= {"series": "cine", "frame": "systole"}
    protocol = protocol_from_document(small)
    (section,) = sections(protocol)
    facts = {entry.item.id: dict(entry.facts) for entry in section.entries}
    assert facts["lung"]["Drawn on"] == "PET"
    assert facts["lung"]["Plausible"] == "mean intensity at least 2.5 SUV (must)"
    assert facts["nodule"]["Drawn on"] == "Cine, end-systole"
    assert facts["nodule"]["Plausible"] == "inside Lung"
    assert "centre 3.5, width 7, inverted" in handbook_html(protocol)
