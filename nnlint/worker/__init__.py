"""Guarded child processes: code that is not ours runs there, watched and limited, and cannot take others down."""
