"""From a stimulus to what is on the screen, one file for each mapping."""
