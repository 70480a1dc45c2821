"""Lists of signatures on paper: reading files, columns, the fate of each line, previews, imports."""
