def channel_shuffle(x, groups):
    """Deal the channels of equal groups out in turn (Zhang et al., ShuffleNet, CVPR 2018)."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)
