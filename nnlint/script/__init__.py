"""What a file's source says, by `ast` alone: nothing here runs the file or imports torch."""
