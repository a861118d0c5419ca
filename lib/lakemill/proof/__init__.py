"""Second opinions on a table, which share nothing with the way that updates take."""
