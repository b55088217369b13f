"""What others say about an account, beside our own record: statements of the broker and forms for the tax office.

What belongs here: reading their texts into values, joining and comparing them. No file is opened here and no network is
asked; the callers hand over text and bytes.
"""
