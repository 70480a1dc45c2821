"""What signers do: submit, confirm, change, withdraw."""
