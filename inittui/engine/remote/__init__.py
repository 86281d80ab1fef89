"""Arms on many machines: Ray Core runs the same worker on any node, and the supervisor writes the same run directory.

Ray is imported by `nodes` and `team` alone, and those only where a run asks for it.
"""
