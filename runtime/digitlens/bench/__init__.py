"""Latency across execution providers, with proof that the provider did the work."""
