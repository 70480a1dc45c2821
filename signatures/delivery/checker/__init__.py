"""The two programs that check a delivery, a Python file and an HTML page. Every package has them as they are here."""
