"""From measured kernels to the constants of a machine: ``whicharch fit``.

Each module of kernels reads its tables and says which formula holds; ``solve`` fits and judges. Every shape falls into
one of two halves by a hash of its sizes: constants are fitted on one half and judged on the other, on all machines and
engines alike, so that no shape is in both. What is written to the catalog are the constants of the first half.
"""
