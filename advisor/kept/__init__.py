"""What follows from the shipped catalog and takes long to make: kept on disk, in the cache folder."""
