"""Train every network of space.toml with the recipe torch-folder, and append a row for each to rungs.csv.

    make build data
    nice python3 results/reference/rungs/record.py --part 0/2 & nice python3 results/reference/rungs/record.py --part 1/2

Rows that are there are left alone, so a stopped recording goes on. Linux only: seconds are CPU seconds from /proc.
"""

import argparse
import csv
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(ROOT / "accuracy/evaluators/torch-folder"))
import train as trainer  # noqa: E402
RUNGS = [1, 3, 9]
TRAIN = ["--size", "28", "--classes", "10", "--total", "9", "--subset", "2000", "--val", "3000", "--batch", "64",
         "--lr", "0.2", "--shift", "0", "--flip", "--smoothing", "0", "--threads", "1"]
COLUMNS = ["arch_id", "seed", "machine", "params", "macs"] + [f"{c}_{r}" for r in RUNGS for c in ("accuracy", "loss", "cpu_s")] + ["arch"]


def networks():
    text = subprocess.run([ROOT / "nas", "space", HERE / "space.toml", "--sample", "4000", "--json"], check=True,
                          capture_output=True).stdout
    space = json.loads(text)
    found = {s["arch_id"]: s for s in space["samples"]}
    if len(found) != int(space["size"]):
        sys.exit(f"{len(found)} of {space['size']} networks sampled: increase --sample")
    return [found[k] for k in sorted(found)]


def train(net, seed, data):
    """One row of the table. The training is that of train.py as a program, but for the start of Python."""
    row = {"seed": seed, **{k: net[k] for k in ("arch_id", "params", "macs", "arch")}}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([ROOT / "nas", "export", net["arch"], "--format", "pytorch", "--out", f"{folder}/net.py"],
                       check=True, capture_output=True)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(write, 1)
            os.close(read)
            os.close(write)
            os.chdir(folder)
            sys.argv = ["train.py", "--data", str(data), "--epochs", str(RUNGS[-1]), "--seed", str(seed)] + TRAIN
            try:
                trainer.main()
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        os.close(write)
        with open(read) as lines:
            for line in lines:
                m = re.match(r"epoch (\d+) loss (\S+) accuracy (\S+)", line)
                if m and int(m[1]) in RUNGS:
                    ticks = sum(map(int, pathlib.Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))
                    row[f"loss_{m[1]}"], row[f"accuracy_{m[1]}"] = m[2], m[3]
                    row[f"cpu_s_{m[1]}"] = f"{ticks / os.sysconf('SC_CLK_TCK'):.2f}"
        if os.waitpid(child, 0)[1]:
            sys.exit(f"training {net['arch']} failed")
    return row


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--part", default="0/1", help="i/n: the i-th of n shares of the networks")
    p.add_argument("--data", type=pathlib.Path, default=ROOT / "data/fashion-mnist")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--machine", default="3", help="tells the CPU seconds of one machine from those of another")
    p.add_argument("--networks", type=int, help="only so many, at random")
    p.add_argument("--out", type=pathlib.Path, default=HERE / "rungs.csv")
    a = p.parse_args()
    part, parts = map(int, a.part.split("/"))
    nets = networks()
    random.Random(1).shuffle(nets)  # a recording that was cut is then a random sample
    if not a.out.exists():
        a.out.write_text(",".join(COLUMNS) + "\n")
    with open(a.out) as f:
        known = {(r["arch_id"], int(r["seed"])) for r in csv.DictReader(f)}
    for net in nets[:a.networks][part::parts]:
        if (net["arch_id"], a.seed) not in known:
            row = {"machine": a.machine, **train(net, a.seed, a.data.resolve())}
            with open(a.out, "a", newline="") as f:
                csv.DictWriter(f, COLUMNS, lineterminator="\n").writerow(row)


main()
