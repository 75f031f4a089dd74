"""What is published of a version: made, signed, checked, published, linked to."""
