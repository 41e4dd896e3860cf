"""What a guard does about a task, in plain words, by the reason for which it was raised; and which come first."""

from collections.abc import Mapping

NEXT_STEPS: Mapping[str, str] = {
    "lost_card_used": "stop whoever holds the card, and compare the face with the identity card",
    "quarantined_card_used": "take the card from whoever holds it, and look at its locker",
    "card_in_two_places": "compare both holders with the identity card; quarantine the card if they differ",
    "two_cards_at_exit": "see who went out with whose card; take the second one back",
    "unmatched_exit": "look at the face: whose card is it, and did this person come in today?",
    "tailgated": "stop the second person; then confirm the count, or recount",
    "reversed": "ask who came back through the arm; then confirm the count, or recount",
    "gate_forced": "stop whoever passed; look at the arm; then confirm the count, or recount",
    "exit_reader_down": "let visitors out with the exit button; check the reader's cable",
    "forced": "look at the locker with its owner; inspect or release it, then resolve this",
    "found_open": "look into the locker, shut its door, then resolve this",
    "jammed": "open the locker with the key; take it out of service, or put it back into it",
    "door_unreadable": "look whether the door is shut; check the door switch and its cable",
    "left_open": "ask the owner to shut the door, or shut it",
    "content_left": "look into the locker: hand over what was left, then release it",
    "content_found": "look into the locker and take out what lies there",
    "not_collected": "call the visitor back to the locker, or two guards release it",
    "still_owned": "call the visitor back to the locker, or two guards release it",
    "unresolved": "see to open cards, lockers and people inside, or close with an exception",
    "journal_damaged": "call the technician: audit verify says where; keep the state folder",
    "facts_lost": "recount the people inside, and look at each locker",
}

ALARMS = frozenset({
    "lost_card_used", "quarantined_card_used", "card_in_two_places", "two_cards_at_exit", "unmatched_exit", "tailgated",
    "reversed", "gate_forced", "exit_reader_down", "forced", "journal_damaged",
})  # fmt: skip
"""Reasons for which somebody has to move at once: a person who is not who they seem, a way that is not watched."""
