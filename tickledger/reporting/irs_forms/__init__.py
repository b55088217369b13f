"""The official forms, filled in, and the papers that go with them, as PDF documents.

What belongs here: putting rows and lines that are already worked out onto paper. Every document is a function of
its arguments and comes back as bytes. What does not: the rules of the forms (`tickledger.tax`), files.

The folder ``blank`` holds Form 8949 and Schedule D (Form 1040) of 2024 and 2025 as the Internal Revenue Service
publishes them to be filled in; works of the United States government are in the public domain (17 U.S.C. 105).
"""
