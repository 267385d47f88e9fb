"""Rules to decisions, people, and budgets. Pure: facts in, decisions out."""
