"""From a script to live modules, by running its definitions only, in a guarded worker process."""
