class Constant(nn.Module):
    """A learned activation that depends on no input, such as a position embedding."""

    def __init__(self, channels, height, width):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(channels, height, width))

    def forward(self):
        return self.value.unsqueeze(0)
