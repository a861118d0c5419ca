"""What a map, and a function of all rows of a key, may do: read from its analysed plan before anything runs."""
