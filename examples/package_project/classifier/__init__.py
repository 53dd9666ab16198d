"""A small image classifier, as a package."""
