def shrink(x, lambd, bias):
    """Move values towards zero by bias, and those within lambd to it."""
    return torch.where(x < -lambd, x + bias, torch.where(x > lambd, x - bias, torch.zeros_like(x)))
