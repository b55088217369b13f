"""Readers of statements in two layers.

A parser (`flex_xml`, `csv_rows`, `csv_sections`, `ofx_tags`) is dumb and total: it gives every row as texts, in the
words of the file and with its line, raises nothing for whatever content, and says where it had to stop. A reader above
it (`flex`, `activity`, `transaction_history`, `worksheet_8949`, `columns_1099b`, `columns_trades`, `ofx_1099b`) knows
what a broker means by the words, and makes values of them. `reading` tells the formats apart.
"""
