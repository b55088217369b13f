"""Wash sales: IRC 1091; Reg. 1.1091-1, -2; Pub. 550, p. 86–88.

A loss is matched share by share with identical shares acquired from 30 days before to 30 days after the sale:
losses earliest first, replacements in the order of their acquisition, one replacement share for one loss.
Because an earlier loss always comes first, one chronological pass decides everything: a loss looks back at
the shares that are still held and free, and what it cannot find waits for the purchases of the next 30 days.
For short sales the same holds with the closing as the sale and another short sale as the acquisition (1091(e)).
A short that is closed with shares owned when it was opened counts as their sale on that day (Reg. 1.1091-1(g)).
A call is a contract to acquire (1091(a)): one that is bought replaces as many shares as it is a right to.

The specification this project started from skipped purchases on the day of the sale; the regulation counts
that day, and so does this module. What is here are the authorities; the matching is `kernel.wash_sales`.
"""

from typing import Final

from tickledger.tax.kernel.wash_sales import WINDOW_DAYS

__all__ = ["RULES", "WINDOW_DAYS"]

RULE_PURCHASE: Final = "IRC 1091(a), (d); Reg. 1.1091-1"
RULE_IRA: Final = "Rev. Rul. 2008-5: bought in an IRA, the loss is lost"
RULE_SPOUSE: Final = "Pub. 550: bought by the spouse, basis carried (policy P8)"
RULE_SPOUSE_PERMANENT: Final = "Pub. 550: bought by the spouse, the loss is lost (policy P8)"
RULE_SHORT: Final = "IRC 1091(e)(2): another short sale"
RULE_SHORT_SALE: Final = "IRC 1091(e)(1): identical stock sold after the closing"
RULE_CALL: Final = "IRC 1091(a): an option to acquire"
RULE_BOX: Final = "Reg. 1.1091-1(g): sold when the short was opened with the shares delivered"

#: By the numbers PURCHASE … BOX of `kernel.columns`.
RULES: Final = (
    RULE_PURCHASE,
    RULE_IRA,
    RULE_SPOUSE,
    RULE_SPOUSE_PERMANENT,
    RULE_SHORT,
    RULE_SHORT_SALE,
    RULE_CALL,
    RULE_BOX,
)
