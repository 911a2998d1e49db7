def avg_pool_inside(x, kernel, stride, pad):
    """Average pooling that divides by the number of pixels inside the map; pad is (left, right, top, bottom)."""
    inside = F.pad(torch.ones_like(x[:1, :1]), pad)
    return F.avg_pool2d(F.pad(x, pad), kernel, stride) / F.avg_pool2d(inside, kernel, stride)
