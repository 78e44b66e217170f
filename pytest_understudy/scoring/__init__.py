"""What an answer is worth: scores, the scorers that give them, and the matchers behind those."""
