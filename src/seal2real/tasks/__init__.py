"""What the data is for: finding, verifying, reading and removing seals, trained on generated samples alone."""
