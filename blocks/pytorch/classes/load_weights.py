def load_safetensors(path):
    """Read a .safetensors file into a state dict."""
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        data = bytearray(f.read())
    header.pop("__metadata__", None)
    return {name: _tensor(t["dtype"], t["shape"], data[slice(*t["data_offsets"])]) for name, t in header.items()}


def load_npz(path):
    """Read a .npz file, one array a tensor, into a state dict."""
    state = {}
    with zipfile.ZipFile(path) as arrays:
        for entry in arrays.namelist():
            data = arrays.read(entry)
            start = 10 if data[6] == 1 else 12
            end = start + int.from_bytes(data[8:start], "little")
            head = ast.literal_eval(data[start:end].decode("latin1"))
            if head["fortran_order"] and len(head["shape"]) > 1:
                raise ValueError(f"{path}: {entry} is in Fortran order: save np.ascontiguousarray of it")
            state[entry[: -len(".npy")]] = _tensor(head["descr"], head["shape"], bytearray(data[end:]))
    return state


def _tensor(dtype, shape, data):
    types = {
        "F32": torch.float32, "F64": torch.float64, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
        "<f4": torch.float32, "<f8": torch.float64, "<f2": torch.float16, "<i8": torch.int64,
    }
    if dtype not in types:
        raise ValueError(f"tensors of type {dtype} are not read, want one of {', '.join(types)}")
    return torch.frombuffer(data, dtype=types[dtype]).reshape(tuple(shape))
