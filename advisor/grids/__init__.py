"""Grids of estimates or simulations, on this computer or on a cluster, resumed where they were interrupted."""
