def interpolate(x, size, mode, coordinates, rounding="floor", scale=(0.0, 0.0), cubic=-0.75, exclude=False, antialias=False):
    """Resize by the rules of ONNX's Resize operator, as a product with a matrix for each direction."""
    def matrix(n, m, s):
        s = s or n / m
        i = torch.arange(n, dtype=torch.float64)
        p = (i + 0.5) / s - 0.5
        if coordinates == "asymmetric":
            p = i / s
        elif coordinates == "align_corners":
            p = i * ((m - 1) / (n - 1)) if n > 1 else i * 0
        elif coordinates == "pytorch_half_pixel" and n == 1:
            p = i * 0
        elif coordinates == "half_pixel_symmetric":
            p = m / 2 * (1 - n / (s * m)) + p
        if mode == "nearest":
            at = {"floor": torch.floor, "ceil": torch.ceil, "round_prefer_floor": lambda v: torch.ceil(v - 0.5),
                  "round_prefer_ceil": lambda v: torch.floor(v + 0.5)}[rounding](p)
            return F.one_hot(at.clamp(0, m - 1).long(), m).double()
        shrink = min(1.0, s) if antialias else 1.0
        if mode == "linear" and not antialias:
            p = p.clamp(0, m - 1)
        edge = int(2 / shrink) + 2
        k = torch.arange(-edge, m + edge)
        d = ((k - p.unsqueeze(1)) * shrink).abs()
        if mode == "linear":
            weight = (1 - d).clamp(min=0)
        else:
            near = ((cubic + 2) * d - (cubic + 3)) * d * d + 1
            far = ((cubic * d - 5 * cubic) * d + 8 * cubic) * d - 4 * cubic
            weight = torch.where(d <= 1, near, torch.where(d < 2, far, torch.zeros_like(d)))
        if exclude:
            weight = weight * ((k >= 0) & (k < m))
        if exclude or antialias:
            weight = weight / weight.sum(1, keepdim=True)
        return torch.zeros(n, m, dtype=torch.float64).index_add_(1, k.clamp(0, m - 1), weight)
    rows, cols = matrix(size[0], x.shape[2], scale[0]).to(x), matrix(size[1], x.shape[3], scale[1]).to(x)
    return torch.matmul(torch.matmul(rows, x), cols.t())
