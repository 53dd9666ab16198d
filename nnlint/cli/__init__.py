"""`nnlint` on the command line: one small module a command."""
