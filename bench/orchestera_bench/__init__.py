"""The benchmark: this function beside other ways to write it."""
