"""Evaluation: how well a labeller's extractions agree with annotated abstracts."""

from extractor.evaluation.gold import GoldDocument, read_gold
from extractor.evaluation.matching import Alignment, align
from extractor.evaluation.metrics import Scores, score
from extractor.evaluation.systems import align_all

__all__ = ["Alignment", "GoldDocument", "Scores", "align", "align_all", "read_gold", "score"]
