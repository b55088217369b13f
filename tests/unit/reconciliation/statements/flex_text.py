"""Flex files of our own, written as text: the words are IB's, the accounts and the trades are invented."""

from collections.abc import Mapping
from xml.sax.saxutils import quoteattr

FILL = {
    "accountId": "U7654321",
    "currency": "USD",
    "fxRateToBase": "1",
    "assetCategory": "STK",
    "symbol": "KITE",
    "description": "KITE WORKS INC",
    "conid": "900001",
    "multiplier": "1",
    "tradeID": "5001",
    "transactionID": "70001",
    "ibOrderID": "31001",
    "ibExecID": "0000aaaa.0001.01.01",
    "orderReference": "tl-1",
    "tradeDate": "20250310",
    "dateTime": "20250310;101530",
    "settleDateTarget": "20250311",
    "transactionType": "ExchTrade",
    "exchange": "ARCA",
    "quantity": "100",
    "tradePrice": "25.5",
    "proceeds": "-2550",
    "taxes": "0",
    "ibCommission": "-1.0003",
    "ibCommissionCurrency": "USD",
    "openCloseIndicator": "O",
    "notes": "P",
    "cost": "2551.0003",
    "fifoPnlRealized": "0",
    "buySell": "BUY",
    "orderType": "LMT",
    "levelOfDetail": "EXECUTION",
}
POSITION = {
    "accountId": "U7654321",
    "currency": "USD",
    "assetCategory": "STK",
    "symbol": "KITE",
    "conid": "900001",
    "multiplier": "1",
    "reportDate": "20250331",
    "position": "100",
    "markPrice": "26",
    "positionValue": "2600",
    "costBasisMoney": "2551.0003",
    "costBasisPrice": "25.510003",
    "fifoPnlUnrealized": "48.9997",
    "levelOfDetail": "SUMMARY",
}
CASH = {
    "accountId": "U7654321",
    "currency": "USD",
    "symbol": "KITE",
    "conid": "900001",
    "description": "KITE(US0000000001) CASH DIVIDEND USD 0.25 PER SHARE (Ordinary Dividend)",
    "dateTime": "20250320;202000",
    "settleDate": "20250320",
    "reportDate": "20250320",
    "amount": "25",
    "type": "Dividends",
    "transactionID": "80001",
    "actionID": "990",
    "levelOfDetail": "DETAIL",
}


def element(tag: str, attributes: Mapping[str, str], **changes: str | None) -> str:
    """An element; a change of None leaves the attribute out."""
    merged = {**attributes, **changes}
    return f"<{tag} {' '.join(f'{name}={quoteattr(value)}' for name, value in merged.items() if value is not None)} />"


def fill(**changes: str | None) -> str:
    return element("Trade", FILL, **changes)


def statement(*sections: str, account: str = "U7654321", start: str = "20250301", end: str = "20250331") -> str:
    whole = "\n".join(sections)
    return (
        f'<FlexStatement accountId="{account}" fromDate="{start}" toDate="{end}" period="LastMonth" '
        f'whenGenerated="20250401;081500">\n'
        f'<AccountInformation accountId="{account}" acctAlias="" currency="USD" name="A Person" />\n{whole}\n'
        "</FlexStatement>"
    )


def section(name: str, *rows: str) -> str:
    return f"<{name}>\n" + "\n".join(rows) + f"\n</{name}>"


def flex(*statements: str) -> bytes:
    whole = "\n".join(statements)
    text = f'<FlexQueryResponse queryName="q" type="AF">\n<FlexStatements count="1">\n{whole}\n</FlexStatements>\n'
    return (text + "</FlexQueryResponse>\n").encode()


def trades(*rows: str) -> bytes:
    """A file of one statement with these rows of trades."""
    return flex(statement(section("Trades", *rows)))
