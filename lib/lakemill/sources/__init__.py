"""What rows come from outside: each kind of source says how far it reads now, and gives what came since."""
