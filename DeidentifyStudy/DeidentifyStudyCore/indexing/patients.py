"""Which objects are of one patient: by number and issuer, else by name and birth date, else by study."""

from dataclasses import replace

from DeidentifyStudyCore.identity.echo import EchoBuilder
from DeidentifyStudyCore.indexing.index import FileFacts

__all__ = ["with_issuers"]


def with_issuers(files: list[FileFacts], patients: dict[str, EchoBuilder]) -> list[FileFacts]:
    """Take objects that leave out the issuer of the patient's number for those of the same study that name it.

    Derived objects and reports often leave it out. Objects of other studies are no evidence, since hospitals give the
    same numbers to different people.

    Parameters
    ----------
    patients : dict of str to EchoBuilder
        What was found of each patient; what such an object repeats is added to its patient's.
    """
    if not any(issuer for _, issuer in map(_parts, patients)):
        return files
    named: dict[tuple[str, str], set[str]] = {}
    for facts in files:
        number, issuer = _parts(facts.patient)
        if issuer:
            named.setdefault((facts.study, number), set()).add(facts.patient)
    result = []
    for facts in files:
        number, issuer = _parts(facts.patient)
        known = named.get((facts.study, number), set())
        if number and not issuer and len(known) == 1:
            (patient,) = known
            patients[patient].merge(patients[facts.patient])
            facts = replace(facts, patient=patient)
        result.append(facts)
    return result


def _parts(patient: str) -> tuple[str, str]:
    """Number and issuer in the key of a patient; empty where it is known by other means."""
    kind, _, rest = patient.partition("\0")
    number, _, issuer = rest.partition("\0")
    return (number, issuer) if kind == "id" else ("", "")
