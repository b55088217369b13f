"""The tax engine: from fills to lots, wash sales, gains and the rows of the forms.

What belongs here: the rules of the Internal Revenue Code on the basis, the holding period and the recognition
of gains on securities, each with its source. What does not: files, databases, clocks. Everything is a pure
function of the fills, so a purchase in January re-opens December.
"""
