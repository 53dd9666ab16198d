"""The reference trainer: a network trained well on plain arrays, from top to bottom. It knows nothing of linting."""
