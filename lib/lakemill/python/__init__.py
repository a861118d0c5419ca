"""The user's Python functions: marked as pure, fitted to their types, and told apart by their code."""
