"""The launch page, and the commands that people copy from it and from the documents."""
