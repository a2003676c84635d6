"""What a job would cost: which documents need a call, and about how many tokens, before anything is sent."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from extractor.documents import Document
from extractor.labelling.models import Chosen
from extractor.labelling.rules import RulesLabeller
from extractor.llm.pricing import Price
from extractor.sources import BadRecord, Sourced
from extractor.spotting import spot


@dataclass(slots=True)
class Estimate:
    """`documents` of the input, of which `done` are in the job's folder, `unreadable` ones give no document, `uncalled` ones
    hold nothing to label, `cached` ones have their replies in the cache, and `asked` ones need calls. Tokens are those of the
    calls. What a fallback would cost is not in it, as nobody knows how much fails."""

    documents: int = 0
    unreadable: int = 0
    done: int = 0
    uncalled: int = 0
    cached: int = 0
    asked: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def cost(self, price: Price | None) -> float | None:
        """US dollars, None where no price is known. Re-asks are not in it."""
        return None if price is None else price.of(self.input_tokens, self.output_tokens)


async def estimate(items: Iterable[Sourced | BadRecord], chosen: Chosen, is_done: Callable[[Document], bool]) -> Estimate:
    """Read the whole input and count what a model would be asked. The labels are taken to be as long as those of the rules."""
    if not chosen.samples:
        raise TypeError("only a model's job can be estimated")
    total = Estimate()
    rules = RulesLabeller()
    async with chosen:  # closes the cache that it looks into
        for item in items:
            total.documents += 1
            if isinstance(item, BadRecord):
                total.unreadable += 1
            elif is_done(item.document):
                total.done += 1
            elif not ((mentions := spot(item.document.text)).quantities or mentions.hardware):
                total.uncalled += 1
            elif calls := sum(not sample.is_answered(item.document, mentions) for sample in chosen.samples):
                total.asked += 1
                total.calls += calls
                total.input_tokens += calls * chosen.samples[0].expected_input(item.document, mentions)
                labels = (await rules.label(item.document, mentions)).labels
                total.output_tokens += calls * (len(labels.model_dump_json()) // 3)
            else:
                total.cached += 1
    return total
