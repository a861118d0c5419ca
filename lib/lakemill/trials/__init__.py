"""What is tried on some rows before it is trusted: the laws of reducers and folds, and pure functions."""
