"""What is in force: the policy set, read from disk by an officer's act, and the orders that stand beside it."""
