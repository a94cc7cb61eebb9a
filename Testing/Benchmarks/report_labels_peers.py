"""Runs medspaCy or negspaCy on sentences, in the environment of that package: JSON in, JSON out.

In: ``{"terms": {finding: [words]}, "texts": [text]}``; out: ``{"said": [{finding: [assertion]}], "seconds": CPU}``.
Both get the terms as they are, and keep their own rules for English.
"""

import json
import logging
import sys
import time


def medspacy_reader(terms):
    import medspacy
    from loguru import logger
    from medspacy.target_matcher import TargetRule

    logger.remove()
    nlp = medspacy.load(medspacy_enable=["medspacy_pyrush", "medspacy_target_matcher", "medspacy_context"])
    matcher = nlp.get_pipe("medspacy_target_matcher")
    matcher.add([TargetRule(word, finding) for finding, words in terms.items() for word in words])

    def assertion(entity):
        if entity._.is_family:
            return "of someone else"
        if entity._.is_negated:
            return "absent"
        if entity._.is_historical:
            return "historical"
        return "uncertain" if entity._.is_uncertain or entity._.is_hypothetical else "present"

    return nlp, assertion


def negspacy_reader(terms):
    import negspacy.negation  # noqa: F401 - registers the pipe
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    patterns = [
        {"label": finding, "pattern": [{"LOWER": part.lower()} for part in word.split()]}
        for finding, words in terms.items()
        for word in words
    ]
    nlp.add_pipe("entity_ruler").add_patterns(patterns)
    nlp.add_pipe("negex", config={"ent_types": list(terms)})
    return nlp, lambda entity: "absent" if entity._.negex else "present"


def main():
    logging.disable()
    task = json.load(sys.stdin)
    nlp, assertion = {"medspacy": medspacy_reader, "negspacy": negspacy_reader}[sys.argv[1]](task["terms"])
    nlp("No finding.")
    start = time.process_time()
    said = []
    for text in task["texts"]:
        found = {}
        for entity in nlp(text).ents:
            found.setdefault(entity.label_, []).append(assertion(entity))
        said.append(found)
    json.dump({"said": said, "seconds": time.process_time() - start}, sys.stdout)


if __name__ == "__main__":
    main()
