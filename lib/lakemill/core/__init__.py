"""The pure core: what a job means, over DataFrames alone; it knows neither Delta nor files."""
