"""What is handed over: snapshot, CSV, PDF, manifest, receipts."""
