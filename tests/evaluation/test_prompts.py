from extractor.evaluation.statistics import differences
from tests.evaluation.prompts import both


def test_the_built_in_prompt_has_more_claims_right_than_the_one_before() -> None:
    right = differences(*both())["strict_f1"]
    assert (right.value or 0) > 0
    assert (right.p or 1) <= 0.05
