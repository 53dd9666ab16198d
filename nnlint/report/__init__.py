"""What a run found (`Report`), and one renderer a format."""
