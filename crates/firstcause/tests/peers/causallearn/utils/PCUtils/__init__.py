"""See `SkeletonDiscovery`."""
