"""Find the digits of a frame: foreground, candidates, score, segmentation, reading order."""
