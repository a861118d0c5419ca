"""What runs did, kept where it can be asked for."""
