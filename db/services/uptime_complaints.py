"""Every reason for which something about checks, maintenance and corrections is refused: what is wrong, what to do."""

from enum import StrEnum


class Complaint(StrEnum):
    """English; screens translate them."""

    ENDS_FIRST = "Let it end after it starts."
    TOO_LONG = "Choose at most 31 days."
    NOT_AHEAD = "Maintenance is declared before it starts. What happened already is corrected, with a reason."
    NO_REASON = "Say why, in at most 500 characters."
    NOBODY = "Choose one of those listed."
    IS_OVER = "It has ended or was called off; what it covered is corrected, with a reason."
    HAS_BEGUN = "It has begun: its start stays as it is."
    NOT_SETTLED = "Correct what is past and was observed."
    NOT_KEPT = "Of that time only sums of days are kept; correct what is later."
    STATE = "Choose up, down or unknown."
    MOMENT = "Write a moment such as 2026-11-27 22:30."
    NAME = "Give it a name of at most 80 characters, by which people will know it."
    NAME_TAKEN = "There is a check of this name already. Choose another."
    URL = "Write a whole address that begins with http:// or https://, without user name and password."
    INTERVAL = "Choose 30 to 86400 seconds."
    TIMEOUT = "Choose 1 to 30 seconds."
    STATUS = "Write the status that counts as up, 100 to 599, such as 200."
    CONFIRMATIONS = "Choose 1 to 10 failures."
    UNREADABLE = "The address cannot be read."
    NOT_WEB = "Only http and https are asked, without user name and password."
    PRIVATE = "It leads into a private or reserved network, which this installation does not allow."
