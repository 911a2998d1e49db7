def rearrange(x, h, w, c, start):
    """Copy values of x, taken as N x H x W x C, that loop nests of (steps, stride) for each extent point at."""
    def offsets(nest):
        at = torch.zeros(1, dtype=torch.long)
        for steps, stride in nest:
            at = (at.unsqueeze(1) + torch.arange(steps) * stride).flatten()
        return at
    at = start + offsets(h).view(-1, 1, 1) + offsets(w).view(-1, 1) + offsets(c)
    y = x.permute(0, 2, 3, 1).flatten(1)[:, at.flatten().to(x.device)]
    return y.unflatten(1, tuple(at.shape)).permute(0, 3, 1, 2)
