"""The fold: rights, conflicts, revocation, and one state whatever the order of reading."""

import itertools
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from AnnotationQACore.errors import ProjectError
from AnnotationQACore.project.chains import read_chain
from AnnotationQACore.project.events import Kind
from AnnotationQACore.project.folder import Project
from AnnotationQACore.project.folding import fold
from AnnotationQACore.project.ordering import MustStartOver, in_order
from AnnotationQACore.project.state import Action, CaseStatus, Role, State, TaskStatus


def events_of(study) -> list:
    return [e for path in (study.folder / "ledger").glob("*.jsonl") for e in read_chain(path).events]


def hide(study, name: str) -> bytes:
    """What others see of a share whose news have not arrived: nothing of this writer's file."""
    path = study.ledger_of(name)
    content = path.read_bytes()
    path.unlink()
    return content


def decide_apart(study, item: str = "", other_item: str = "") -> list[str]:
    readings = [study.submit("anna"), study.submit("ben")]
    study.as_("adam").decide("case-1", Action.ADJUDICATE, readings[:1], item=item)
    hidden = hide(study, "adam")
    study.as_("ada").decide("case-1", Action.ADJUDICATE, readings[1:], item=other_item)
    study.ledger_of("adam").write_bytes(hidden)
    return readings


def test_decisions_without_knowledge_of_each_other_are_a_conflict_until_one_has_seen_both(study) -> None:
    readings = decide_apart(study)
    state = Project.open(study.folder).state
    [(first, second)] = state.conflicts("case-1")
    assert {first.actor, second.actor} == {"adam", "ada"}
    assert {first.readings, second.readings} == {(readings[0],), (readings[1],)}
    assert state.case_status("case-1") == CaseStatus.CONFLICT
    study.as_("adam").decide("case-1", Action.ADJUDICATE, readings[:1], reason="we spoke")
    state = Project.open(study.folder).state
    assert state.conflicts("case-1") == ()
    assert state.case_status("case-1") == CaseStatus.DECIDED
    assert len(state.decisions["case-1"]) == 1


@pytest.mark.parametrize(("item", "other", "conflicts"), [("a", "a", 1), ("a", "b", 0), ("a", "", 1), ("", "b", 1)])
def test_conflicts_by_item(study, item: str, other: str, conflicts: int) -> None:
    decide_apart(study, item, other)
    state = Project.open(study.folder).state
    assert len(state.conflicts("case-1")) == conflicts
    assert len(state.decisions["case-1"]) == 2


def test_a_decision_that_saw_the_former_replaces_it(study) -> None:
    readings = [study.submit("anna"), study.submit("ben")]
    study.as_("rita").decide("case-1", Action.ACCEPT, readings[:1])
    study.as_("adam").decide("case-1", Action.ADJUDICATE, readings[1:])
    state = Project.open(study.folder).state
    assert [d.actor for d in state.decisions["case-1"]] == ["adam"]
    with pytest.raises(ProjectError, match="by adjudicators only"):
        study.as_("rita").decide("case-1", Action.ACCEPT, readings[:1])


ACTS = {
    Kind.MEMBER_ADDED: {"member": "x", "name": "X", "roles": ["lead"]},
    Kind.CASES_ADDED: {"cases": [{"id": "case-9", "patient": "p"}]},
    Kind.CASE_EXCLUDED: {"case": "case-1", "reason": "blurred"},
    Kind.ASSIGNED: {"assignments": [{"case": "case-1", "reader": "anna", "round": 2}]},
    Kind.KEY_REVOKED: {"key": "", "from": 0, "reason": "x"},
    Kind.RELEASED: {"name": "1.0", "manifest sha256": "ab" * 32},
    Kind.REVIEW_DECIDED: {"case": "case-1", "action": "accept", "readings": ["case-1/anna/round-1/revision-1"]},
    Kind.READING_STARTED: {"case": "case-2", "reader": "anna", "round": 1},
}
ALLOWED = {
    "lead": set(ACTS) - {Kind.REVIEW_DECIDED, Kind.READING_STARTED},
    "anna": {Kind.READING_STARTED},
    "ben": set(),
    "rita": {Kind.REVIEW_DECIDED},
    "adam": {Kind.REVIEW_DECIDED},
}


@pytest.mark.parametrize("kind", ACTS)
def test_roles_limit_who_may_do_what(study, kind: Kind) -> None:
    study.submit("anna")
    payload = dict(ACTS[kind])
    if kind is Kind.KEY_REVOKED:
        payload["key"] = study.people["ben"].fingerprint
    for name, allowed in ALLOWED.items():
        if kind not in allowed:
            before = {p.name: p.read_bytes() for p in (study.folder / "ledger").iterdir()}
            with pytest.raises(ProjectError, match="is refused"):
                study.as_(name).append(kind, payload)
            assert {p.name: p.read_bytes() for p in (study.folder / "ledger").iterdir()} == before
    for name, allowed in ALLOWED.items():
        if kind in allowed:
            study.as_(name).append(kind, payload)
            break


def test_only_the_founder_revokes_the_founder(study) -> None:
    lead = study.as_("lead")
    lead.change_member("rita", "Rita", [Role.LEAD])
    with pytest.raises(ProjectError, match="founder"):
        study.as_("rita").revoke_key(study.people["lead"].fingerprint, "mutiny")
    with pytest.raises(ProjectError, match="founder stays"):
        study.as_("rita").change_member("lead", "L", [Role.READER])


def test_a_revocation_reaches_back_behind_what_was_done(study) -> None:
    study.submit("anna", "case-1")
    study.submit("anna", "case-2")
    study.as_("lead").revoke_key(study.people["anna"].fingerprint, "stolen", from_sequence=1)
    state = Project.open(study.folder).state
    assert [r.case for r in state.all_readings()] == ["case-1"]
    assert state.task("case-2", "anna", 1).status == TaskStatus.ASSIGNED


def test_a_new_key_continues_where_the_revoked_one_ended(study, people) -> None:
    study.submit("anna")
    lead = study.as_("lead")
    lead.revoke_key(study.people["anna"].fingerprint, "new laptop")
    lead.add_key("anna", people["mallory"].public_key, "laptop 2")
    from AnnotationQACore.project.identities import Identity

    study.people = dict(study.people) | {"anna": Identity("anna", people["mallory"].private_key)}
    assert study.submit("anna", revision=2).endswith("revision-2")


def test_the_lead_submits_for_models_and_imported_readers_only(study) -> None:
    lead = study.as_("lead")
    lead.add_member("model:net", "A network", [Role.READER])
    lead.add_member("radiologist-1", "Radiologist 1", [Role.READER])
    for reader in ("model:net", "radiologist-1"):
        assert lead.submit_reading(study.reading(reader)).actor == "lead"
    with pytest.raises(ProjectError, match="in the name of 'ben'"):
        lead.submit_reading(study.reading("ben"))


def test_consensus_and_adjudicated_readings(study) -> None:
    sources = [study.submit("anna"), study.submit("ben")]
    vote = study.as_("lead").add_consensus(study.reading("consensus:vote"), sources)
    assert vote.sources == tuple(sources)
    own = study.as_("adam").submit_reading(study.reading("adjudicated:adam"))
    study.as_("adam").decide("case-1", Action.ADJUDICATE, [own.id])
    assert Project.open(study.folder).state.case_status("case-1") == CaseStatus.DECIDED
    with pytest.raises(ProjectError, match="in the name of"):
        study.as_("ben").submit_reading(study.reading("adjudicated:adam", "case-2"))


def test_the_order_of_reading_does_not_matter(study) -> None:
    decide_apart(study)
    chains = [read_chain(p).events for p in sorted((study.folder / "ledger").glob("*.jsonl"))]
    states = [
        fold(itertools.chain(*permutation), State(Project.open(study.folder).id))
        for permutation in itertools.permutations(chains)
    ]
    assert all(state == states[0] for state in states)


def test_causes_come_before_effects_though_clocks_are_wrong(study) -> None:
    study.submit("anna")
    study.clock.time = study.clock.time.replace(year=2019)
    study.as_("rita").decide("case-1", Action.ACCEPT, ["case-1/anna/round-1/revision-1"])
    ordered = in_order(events_of(study)).events
    place = {event.hash: index for index, event in enumerate(ordered)}
    by_place = {(e.key, e.sequence): e for e in ordered}
    for event in ordered:
        for key, head in event.seen.items():
            assert place[by_place[key, head.sequence].hash] < place[event.hash]
    assert Project.open(study.folder).state.decisions["case-1"]


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_folding_piece_by_piece_is_folding_at_once(study, seed: int) -> None:
    if not (study.folder / "readings/case-1").exists():
        decide_apart(study)
        study.submit("anna", "case-2")
        study.as_("lead").exclude_case("case-3", "motion")
    identifier = Project.open(study.folder).id
    events = events_of(study)
    whole = fold(events, State(identifier))
    ordered = in_order(events).events
    cuts = sorted(random.Random(seed).sample(range(len(ordered)), 3))
    state = State(identifier)
    for start, stop in itertools.pairwise([0, *cuts, len(ordered)]):
        state = fold(ordered[start:stop], state)
    assert state == whole


def test_late_news_are_not_put_behind_what_was_folded(study) -> None:
    decide_apart(study)
    ordered = in_order(events_of(study)).events
    before = fold(ordered[:-2] + ordered[-1:], State(ordered[0].project))
    with pytest.raises(MustStartOver):
        fold([ordered[-2]], before)


DECIDERS = ("adam", "ada", "rita")


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=st.lists(st.tuples(st.sampled_from(DECIDERS), st.sets(st.sampled_from(DECIDERS)), st.sampled_from("ab-"))))
def test_no_decision_is_ever_lost(study, plan) -> None:
    """Whoever decides, and whatever news are late: a decision stands until one that has seen it replaces it."""
    if not (study.folder / "readings/case-1").exists():
        study.submit("anna")
        study.as_("lead").change_member("rita", "Rita", [Role.ADJUDICATOR])
    for name in DECIDERS:
        study.ledger_of(name).unlink(missing_ok=True)
    for name, unseen, item in plan:
        hidden = {other: hide(study, other) for other in unseen - {name} if study.ledger_of(other).exists()}
        project = study.as_(name)
        project.decide("case-1", Action.ADJUDICATE, ["case-1/anna/round-1/revision-1"], item=item.strip("-"))
        for other, content in hidden.items():
            study.ledger_of(other).write_bytes(content)
    events = events_of(study)
    state = fold(events, State(Project.open(study.folder).id))
    made = [event for event in events if event.kind is Kind.REVIEW_DECIDED]
    standing = {decision.hash for decision in state.decisions.get("case-1", ())}
    in_conflict = {frozenset((a.hash, b.hash)) for a, b in state.conflicts("case-1")}
    assert len(made) == len(plan)
    assert not state.rejected

    def had_seen(later, former) -> bool:
        if later.key == former.key:
            return later.sequence > former.sequence
        heads = [
            e.seen[former.key].sequence
            for e in made
            if e.key == later.key and e.sequence <= later.sequence and former.key in e.seen
        ]
        return max(heads, default=-1) >= former.sequence

    def item_of(event) -> str:
        return event.payload.get("item", "")

    for event in made:
        replaced = any(had_seen(other, event) and item_of(other) in ("", item_of(event)) for other in made)
        assert (event.hash in standing) != replaced
    for a, b in itertools.combinations([event for event in made if event.hash in standing], 2):
        overlap = item_of(a) == item_of(b) or "" in (item_of(a), item_of(b))
        apart = not had_seen(a, b) and not had_seen(b, a)
        assert (frozenset((a.hash, b.hash)) in in_conflict) == (overlap and apart)
