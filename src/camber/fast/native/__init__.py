"""Compiled CPU kernels: C text made from a formula, built by the machine's own compiler."""
