"""One network or one file, from what was loaded to what was found: the joint of all stages, inside the worker."""
