"""An AWS on loopback, and what is shown and tested on it: the stack, its platform, its customers."""
