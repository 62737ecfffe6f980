"""Presidio's pattern recognisers over the documents of `accuracy --dump`: `kind found wrong` a line.

No language model: names and addresses, which need one, are not looked for. Every seventh document, since it reads some
hundred a second; the counts are scaled.

    pip install presidio-analyzer
    python3 presidio.py DOCUMENTS > RESULTS
"""

import collections
import json
import logging
import sys

EVERY = 7

# Its entities by the kinds here.
KINDS = {
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip",
    "CREDIT_CARD": "bank_card",
    "IBAN_CODE": "iban",
    "US_SSN": "ssn",
    "PHONE_NUMBER": "mobile",
    "US_PASSPORT": "passport",
    "DATE_TIME": "birth_date",
    "MAC_ADDRESS": "mac",
}


def main(path):
    logging.disable(logging.CRITICAL)
    from presidio_analyzer import RecognizerRegistry, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import PhoneRecognizer

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    wanted = set(KINDS)
    recognisers = [
        each
        for each in registry.recognizers
        if isinstance(each, PatternRecognizer) and wanted & set(each.supported_entities)
    ]
    recognisers.append(PhoneRecognizer(supported_regions=("CN", "US")))
    found, wrong = collections.Counter(), collections.Counter()
    with open(path, encoding="utf-8") as lines:
        for at, line in enumerate(lines):
            if at % EVERY:
                continue
            case = json.loads(line)
            text, value, kind = case["text"], case["value"], case["kind"]
            begin = text.find(value) if value else -1
            end = begin + len(value)
            right = False
            for each in recognisers:
                entities = sorted(wanted & set(each.supported_entities))
                for result in each.analyze(text, entities, None) or []:
                    of = KINDS[result.entity_type]
                    meets = begin >= 0 and result.start < end and begin < result.end
                    covers = begin >= 0 and result.start <= begin and end <= result.end
                    if covers and of == kind:
                        right = True
                    elif not meets:
                        wrong[of] += 1
            if right:
                found[kind] += 1
    for kind in sorted(set(KINDS.values())):
        print(kind, found[kind] * EVERY, wrong[kind] * EVERY)


if __name__ == "__main__":
    main(sys.argv[1])
