"""Tables: Parquet and DuckDB, the columns that a step can name, expressions over them, measured values, verdicts.

It may import `image`, and the floors below.
"""
