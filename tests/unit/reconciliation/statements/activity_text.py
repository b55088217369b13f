"""An activity statement of our own: the layout is IB's, the account and the trades are invented."""

HEAD = """\
\ufeffStatement,Header,Field Name,Field Value
Statement,Data,BrokerName,Interactive Brokers LLC
Statement,Data,Title,Activity Statement
Statement,Data,Period,"March 1, 2025 - March 31, 2025"
Statement,Data,WhenGenerated,"2025-04-01, 08:15:00 EDT"
Account Information,Header,Field Name,Field Value
Account Information,Data,Name,A Person
Account Information,Data,Account,U7654321
Account Information,Data,Base Currency,USD
"""
TRADES_HEADER = (
    "Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,C. Price,Proceeds,"
    "Comm/Fee,Basis,Realized P/L,MTM P/L,Code\n"
)
TRADES = (
    TRADES_HEADER
    + """\
Trades,Data,Order,Stocks,USD,KITE,"2025-03-10, 10:15:30","1,200",25.5,26,"-30,600",-6.0003,"30,606.0003",0,600,O;P
Trades,Data,Trade,Stocks,USD,KITE,"2025-03-10, 10:15:30","1,000",25.5,26,"-25,500",-5.0003,"25,505.0003",0,500,O
Trades,Data,Trade,Stocks,USD,KITE,"2025-03-10, 10:15:31",200,25.5,26,"-5,100",-1,"5,101",0,100,O
Trades,Data,Trade,Stocks,USD,KITE,"2025-03-21, 15:59:01",-40,27,27,1080,-1.02,-800.5,278.48,0,C
Trades,Data,ClosedLot,Stocks,USD,KITE,"2023-01-05, 09:31:00",40,20,,,,800.5,278.48,,LT
Trades,SubTotal,,Stocks,USD,KITE,,"1,160",,,"-29,520",-7.0203,"29,805.5003",278.48,600,
Trades,Total,,Stocks,USD,,,,,,"-29,520",-7.0203,"29,805.5003",278.48,600,
Trades,Header,DataDiscriminator,Asset Category,Currency,Symbol,Date/Time,Quantity,T. Price,,Proceeds,Comm in USD,,,\
MTM in USD,Code
Trades,Data,Trade,Forex,USD,EUR.USD,"2025-03-11, 03:00:00","-1,000",1.08,,1080,-2,,,0.5,
"""
)
POSITIONS = """\
Open Positions,Header,DataDiscriminator,Asset Category,Currency,Symbol,Open,Quantity,Mult,Cost Price,Cost Basis,\
Close Price,Value,Unrealized P/L,Code
Open Positions,Data,Summary,Stocks,USD,KITE,-,1160,1,25.51,29591.6,26,30160,568.4,
Open Positions,Data,Lot,Stocks,USD,KITE,"2025-03-10, 10:15:30",1000,1,25.505,25505,26,26000,495,LT
Open Positions,Total,,Stocks,USD,,,,,,29591.6,,30160,568.4,
"""
MONEY = """\
Cash Report,Header,Currency Summary,Currency,Total,Securities,Futures
Cash Report,Data,Starting Cash,Base Currency Summary,100,100,0
Cash Report,Data,Commissions,Base Currency Summary,-7.0203,-7.0203,0
Cash Report,Data,Dividends,Base Currency Summary,25,25,0
Cash Report,Data,Ending Cash,Base Currency Summary,117.9797,117.9797,0
Cash Report,Data,Ending Settled Cash,Base Currency Summary,110,110,0
Cash Report,Data,Starting Cash,USD,100,100,0
Cash Report,Data,Ending Cash,USD,100,100,0
Dividends,Header,Currency,Date,Description,Amount
Dividends,Data,USD,2025-03-20,KITE(US0000000001) Cash Dividend USD 0.25 per Share (Ordinary Dividend),25
Dividends,Data,Total,,,25
Withholding Tax,Header,Currency,Date,Description,Amount,Code
Withholding Tax,Data,USD,2025-03-20,KITE(US0000000001) Cash Dividend USD 0.25 per Share - US Tax,-2.5,
Deposits & Withdrawals,Header,Currency,Settle Date,Description,Amount
Deposits & Withdrawals,Data,USD,2025-03-03,Electronic Fund Transfer,-500
Fees,Header,Subtitle,Currency,Date,Description,Amount
Fees,Data,Other Fees,USD,2025-03-04,R****12:NASDAQ for Mar 2025,-4.5
Fees,Data,Total,,,,-4.5
Transaction Fees,Header,Asset Category,Currency,Date/Time,Symbol,Description,Quantity,Trade Price,Amount,Code
Transaction Fees,Data,Stocks,USD,"2025-03-11, 10:00:00",SNY,French Tax,10,50,-1.5,
Transaction Fees,Data,Total,,,,,,,-1.5,
Sales Tax Details,Header,Date,Country,Tax Type,Payer,Taxable Description,Taxable Amount,Tax Rate,Sales Tax
Sales Tax Details,Data,2025-03-05,Austria,VAT,U7654321,NASDAQ,-1.5,0.2,-0.3
Change in NAV,Header,Field Name,Field Value
Change in NAV,Data,Starting Value,"30,000"
Change in NAV,Data,Mark-to-Market,278
Change in NAV,Data,Ending Value,"30,278"
Net Asset Value,Header,Asset Class,Prior Total,Current Long,Current Short,Current Total,Change
Net Asset Value,Data,Cash ,100,118,0,118,18
Net Asset Value,Data,Stock,29900,30160,0,30160,260
Net Asset Value,Data,Total,30000,30278,0,30278,278
Net Asset Value,Header,Time Weighted Rate of Return
Net Asset Value,Data,0.93%
"""
EVENTS = """\
Corporate Actions,Header,Asset Category,Currency,Report Date,Date/Time,Description,Quantity,Proceeds,Value,\
Realized P/L,Code
Corporate Actions,Data,Stocks,USD,2025-03-18,"2025-03-17, 20:25:00",\
"KITE(US0000000001) Split 3 for 2 (KITE, KITE WORKS INC, US0000000001)",50,0,0,0,
Corporate Actions,Data,Total,,,,,,0,0,0,
Transfers,Header,Asset Category,Currency,Symbol,Date,Type,Direction,Xfer Company,Xfer Account,Qty,Xfer Price,\
Market Value,Realized P/L,Cash Amount,Code
Transfers,Data,Stocks,USD,KITE,2025-03-18,ACATS,Out,OTHER,123,70,0,1785,0,0,
"""
TAIL = """\
Mark-to-Market Performance Summary,Header,Asset Category,Symbol,Prior Quantity
Mark-to-Market Performance Summary,Data,Stocks,KITE,0
Financial Instrument Information,Header,Asset Category,Symbol,Description,Conid,Security ID,Listing Exch,Multiplier
Financial Instrument Information,Data,Stocks,"KITE, KYT",KITE WORKS INC,900001,US0000000001,ARCA,1
Codes,Header,Code,Meaning,Code (Cont.),Meaning (Cont.)
Codes,Data,C,Closing Trade,O,Opening Trade
Notes/Legal Notes,Header,Type,Note
Notes/Legal Notes,Data,Notes,Nothing.
"""
WHOLE = HEAD + TRADES + POSITIONS + MONEY + EVENTS + TAIL
