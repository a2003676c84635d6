"""Small documents with planted predictions: the figures are those of a scorer that shares nothing with ours, to the last digit.

`planted.json` holds annotated documents, and for each case what is predicted ("like" the n-th annotation, but for what is
given) with the expected counts, worked out by hand: found, spurious, missed. The scorer below is written from the words of
docs/evaluation.md: it tries every pairing and counts in plain loops.
"""

import json
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import fsum
from pathlib import Path
from typing import Any

import pytest

from extractor.documents import Document
from extractor.evaluation import Alignment, align, score
from extractor.evaluation.gold import GoldDocument, read_gold
from extractor.evaluation.metrics import Counts
from extractor.records import PHRASE_FIELDS, Claim, Extraction, HardwareTarget, Provenance, Quantity, Spans

Item = dict[str, Any]
Place = tuple[int, int]
FOUND, SPURIOUS, MISSED = 0, 1, 2

PLANTED: Item = json.loads(Path(__file__).with_name("planted.json").read_text(encoding="utf-8"))
DOCUMENTS: dict[str, Item] = {document["id"]: document for document in PLANTED["documents"]}
CASES: list[Item] = PLANTED["cases"]
EACH = pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES])


def text_of(document: Item) -> str:
    return f"{document['title']}\n{document['abstract']}"


def predicted(case: Item, sort: str) -> list[Item]:
    """The predictions of a case, written out like annotations."""
    annotated = DOCUMENTS[case["document"]][sort]
    nothing = dict.fromkeys(PHRASE_FIELDS)
    return [(annotated[said["like"]] if "like" in said else nothing) | said for said in case[sort]]


def place(text: str, item: Item, context: str | None = None) -> Place:
    """Where an annotation's quantity or name stands."""
    context = context or item["context"]
    phrase = item.get("quantity") or item["name"]
    assert text.count(context) == context.count(phrase) == 1
    start = text.index(context) + context.index(phrase)
    return start, start + len(phrase)


# The independent scorer


def shared(a: Place, b: Place) -> Fraction:
    """Characters in both places over characters in either."""
    one, other = set(range(*a)), set(range(*b))
    return Fraction(len(one & other), len(one | other))


def claim_weight(text: str, gold: Item, said: Item) -> Fraction:
    at = place(text, said)
    again = [shared(place(text, gold, context), at) * Fraction(999, 1000) for context in gold["also"]]
    return max([shared(place(text, gold), at), *again])


def hardware_weight(text: str, gold: Item, said: Item) -> Fraction:
    if gold["specific"] != said["specific"]:
        return Fraction(0)
    alike = gold["name"] == said["name"] if gold["specific"] else gold["category"] == said["category"]
    near = shared(place(text, gold), place(text, said))
    return near + alike if alike or gold["specific"] else Fraction(0)


def pairings(gold: int, said: list[int]) -> Iterator[list[tuple[int, int]]]:
    """Every way to give each gold item, from the last down, a prediction of its own or none."""
    if gold == 0:
        yield []
        return
    for rest in pairings(gold - 1, said):
        yield rest
    for one in said:
        for rest in pairings(gold - 1, [other for other in said if other != one]):
            yield [*rest, (gold - 1, one)]


def best(weights: list[list[Fraction]], said: int) -> list[tuple[int, int]]:
    """The pairing with the largest sum of weights, none of them zero."""
    ways = (way for way in pairings(len(weights), list(range(said))) if all(weights[g][s] for g, s in way))
    return max(ways, key=lambda way: sum(weights[g][s] for g, s in way))


def is_strictly_right(gold: Item, said: Item) -> bool:
    return all(gold[field] == said[field] for field in ("kind", "comparison", "low", "high", "unit"))


def alike(one: str | None, other: str | None) -> bool:
    """Softly: the words of one in the other in one piece, or half of their words shared. No phrase here repeats a word."""
    if one is None or other is None:
        return one is other
    a, b = one.lower().split(), other.lower().split()
    within = any(f" {' '.join(x)} " in f" {' '.join(y)} " for x, y in ((a, b), (b, a)))
    return within or 4 * len(set(a) & set(b)) >= len(a) + len(b)


def is_right_in_every_field(document: Item, gold: Item, said: Item) -> bool:
    system = document["system"]
    phrases = [(gold[field], said[field]) for field in PHRASE_FIELDS if field != "subject"]
    phrases.append((gold["subject"] or system, said["subject"] or system))
    same = all(gold[field] == said[field] for field in ("effect", "bound"))
    return is_strictly_right(gold, said) and same and all(alike(*pair) for pair in phrases)


def count(case: Item) -> dict[Any, Any]:
    """Found, spurious and missed of a case in all ways of counting, and whether it is fully right."""
    document = DOCUMENTS[case["document"]]
    text, claims, targets = text_of(document), predicted(case, "claims"), predicted(case, "hardware")
    pairs = [
        (document["claims"][g], claims[s])
        for g, s in best([[claim_weight(text, gold, said) for said in claims] for gold in document["claims"]], len(claims))
    ]
    devices = [
        (document["hardware"][g], targets[s])
        for g, s in best(
            [[hardware_weight(text, gold, said) for said in targets] for gold in document["hardware"]], len(targets)
        )
    ]
    strict = [pair for pair in pairs if is_strictly_right(*pair)]
    complete = [pair for pair in pairs if is_right_in_every_field(document, *pair)]
    counts: dict[Any, Any] = {
        "detection": triple(pairs, document["claims"], claims),
        "strict": triple(strict, document["claims"], claims),
        "complete": triple(complete, document["claims"], claims),
        "targets": triple(devices, document["hardware"], targets),
    }
    for field in ("kind", "comparison"):
        for value in {item[field] for item in (*document["claims"], *claims)}:
            gold = [item for item in document["claims"] if item[field] == value]
            said = [item for item in claims if item[field] == value]
            alike = [pair for pair in pairs if pair[0][field] == pair[1][field] == value]
            counts[field, value, "detection"] = triple(alike, gold, said)
            counts[field, value, "strict"] = triple([pair for pair in strict if pair[0][field] == value], gold, said)
    counts["right"] = (
        counts["strict"][1:] == counts["targets"][1:] == [0, 0]
        and all(gold["role"] == said["role"] for gold, said in devices)
        and all(gold["category"] == said["category"] for gold, said in devices)
    )
    counts["right in every field"] = counts["right"] and counts["complete"] == counts["strict"]
    return counts


def triple(pairs: list[tuple[Item, Item]], gold: list[Item], said: list[Item]) -> list[int]:
    return [len(pairs), len(said) - len(pairs), len(gold) - len(pairs)]


def ratios(counts: list[int]) -> list[float | None]:
    """Precision, recall and F1."""
    found, spurious, missed = counts
    if not any(counts):
        return [None, None, None]
    wholes = (found + spurious, found + missed, Fraction(2 * found + spurious + missed, 2))
    return [float(Fraction(found) / whole) if whole else 0.0 for whole in wholes]


# What is scored


def alignment(case: Item, folder: Path) -> Alignment:
    """The case as the product reads and aligns it."""
    raw = DOCUMENTS[case["document"]]
    path = folder / "gold.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    gold = read_gold(path)[0]
    return align(gold, record(case, gold))


def record(case: Item, gold: GoldDocument) -> Extraction:
    text = gold.document.text
    claims = tuple(claim(text, said) for said in predicted(case, "claims"))
    hardware = tuple(
        HardwareTarget(span=place(text, said), **{name: said[name] for name in ("name", "specific", "category", "role")})
        for said in predicted(case, "hardware")
    )
    made = Provenance(extractor="0", labeller="planted", model="planted")
    document: Document = gold.document
    return Extraction(
        id=document.id,
        title=document.title,
        abstract=document.abstract,
        system=gold.system,
        claims=claims,
        hardware=hardware,
        provenance=made,
    )


def claim(text: str, said: Item) -> Claim:
    at = place(text, said)
    found = {name: said[name] and (text.index(said[name]), text.index(said[name]) + len(said[name])) for name in PHRASE_FIELDS}
    return Claim(
        quantity=Quantity(text=text[slice(*at)], **{name: said[name] for name in ("low", "high", "unit", "bound")}),
        spans=Spans(quantity=at, **found),
        sentence=(0, len(text)),
        **{name: said[name] for name in ("kind", "comparison", "effect", *PHRASE_FIELDS)},
    )


def listed(counts: Counts) -> list[int]:
    return [counts.found, counts.spurious, counts.missed]


@EACH
def test_both_scorers_count_what_was_counted_by_hand(case: Item, tmp_path: Path) -> None:
    expected = {name: case[name] for name in ("detection", "strict", "targets", "right")}
    expected["complete"] = case.get("complete", case["strict"])
    expected["right in every field"] = case["right"] and expected["complete"] == case["strict"]
    independent = count(case)
    assert {name: independent[name] for name in expected} == expected
    scores = score([alignment(case, tmp_path)])
    assert {
        "detection": listed(scores.claims.detection),
        "strict": listed(scores.claims.strict),
        "complete": listed(scores.claims.complete),
        "targets": listed(scores.hardware.all),
        "right": scores.documents_right.right == 1,
        "right in every field": scores.documents_complete.right == 1,
    } == expected


@EACH
def test_kinds_and_comparisons_agree(case: Item, tmp_path: Path) -> None:
    independent, scores = count(case), score([alignment(case, tmp_path)])
    for field, groups in (("kind", scores.by_kind), ("comparison", scores.by_comparison)):
        for value, group in groups.items():
            for way, counts in (("detection", group.detection), ("strict", group.strict)):
                assert listed(counts) == independent.get((field, value, way), [0, 0, 0]), (field, value, way)


def test_pooled_and_mean_ratios_agree_to_the_last_digit(tmp_path: Path) -> None:
    scores = score([alignment(case, tmp_path) for case in CASES])
    independent = [count(case) for case in CASES]
    for name, ours in (
        ("detection", scores.claims.detection),
        ("strict", scores.claims.strict),
        ("complete", scores.claims.complete),
        ("targets", scores.hardware.all),
    ):
        pooled = [sum(each[name][which] for each in independent) for which in (FOUND, SPURIOUS, MISSED)]
        assert listed(ours) == pooled
        assert [ours.precision, ours.recall, ours.f1] == ratios(pooled)
    means = (("detection", scores.macro.detection), ("strict", scores.macro.strict), ("complete", scores.macro.complete))
    for name, mean in means:
        each_one = [ratios(each[name]) for each in independent if any(each[name])]
        assert mean.documents == len(each_one) == len(CASES) - 1
        assert [mean.precision, mean.recall, mean.f1] == [mean_of(row[n] for row in each_one) for n in range(3)]
    assert scores.documents_right.right == sum(each["right"] for each in independent)
    assert scores.documents_complete.right == sum(each["right in every field"] for each in independent)


def mean_of(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known)
