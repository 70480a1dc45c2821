"""How days and numbers are written, where a language does it otherwise than Django."""
