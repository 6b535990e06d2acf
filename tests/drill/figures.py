"""Arithmetic on measured figures."""


def percentile(values, part):
    """The smallest value that is not below `part` of the values."""
    assert values, "nothing was measured"
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
