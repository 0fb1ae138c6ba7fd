"""Training: optimizers and losses. What is trained, and on what, lives with each recipe."""
