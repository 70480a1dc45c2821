"""The programs of the short-lived processes that typeset: they know files alone, no Django and no database.

`press` starts them. `run_typst` makes one part of a document, `tag_names` gives each signatory an item in the structure
of this part, and `join_parts` writes the document from its parts.
"""
