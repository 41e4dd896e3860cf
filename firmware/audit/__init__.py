"""What a journal can be asked without a daemon: is it whole, what does it tell, what state does it lead to?"""

from firmware.audit.choice import Filter, Span, chosen, span
from firmware.audit.reading import NoJournalError, Reading, check, events, lies_within, place
from firmware.audit.told import fact_line, sentence, story

__all__ = [
    "Filter", "NoJournalError", "Reading", "Span", "check", "chosen", "events", "fact_line",
    "lies_within", "place", "sentence", "span", "story",
]  # fmt: skip
