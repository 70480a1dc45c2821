"""The programs of the short-lived processes that typeset: they know files alone, no Django and no database.

`run_typst` makes one part of a document and gives each signatory an item in its structure (`tag_names`); `join_parts`
writes the document from its parts.
"""
