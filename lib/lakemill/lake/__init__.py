"""The only place that knows Delta."""
