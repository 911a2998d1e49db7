def load_safetensors(path):
    """Read a .safetensors file into a state dict."""
    types = {
        "F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    }
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    state = {}
    for name, t in header.items():
        start, end = t["data_offsets"]
        state[name] = torch.frombuffer(data[start:end], dtype=types[t["dtype"]]).reshape(t["shape"])
    return state
