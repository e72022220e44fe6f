"""`make bench-executor`: the executors and what they are made of, beside others, in one table."""
