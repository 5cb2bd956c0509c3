"""What is true on paper: the transaction model, outcomes, limits and the dialect tables. Imports nothing of ours."""
