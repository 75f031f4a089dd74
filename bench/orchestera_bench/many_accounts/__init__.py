"""What `make bench-fleet` needs beside its command: the stub, the contenders, their rows, the targets, the report."""
