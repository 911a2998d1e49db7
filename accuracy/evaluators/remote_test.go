package evaluators_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nas/accuracy/evaluators"
	"nas/accuracy/training"
)

// fakes are programs that stand in for those of a cluster: a python3 that trains nothing and leaves a checkpoint, an
// sbatch that runs the job, an ssh that runs the command in another home directory. What these start is out of reach
// for those who end the processes of a trial, as on another computer.
var fakes = map[string]string{
	"python3": `
while [ $# -gt 1 ]; do case $1 in --epochs) epochs=$2;; --seed) seed=$2;; esac; shift; done
echo "$seed $epochs" >>checkpoint.pt
echo $$ >"$FAKES/pid"
if [ "$seed" = 13 ]; then echo 'out of memory' >&2; exit 3; fi
if [ "$seed" = 14 ]; then sleep 60; fi
echo "weights" >weights.safetensors
echo "epoch $epochs loss 0.5 accuracy 8$(wc -l <checkpoint.pt | tr -d ' ') params 604"
`,
	"sbatch": `
[ "$1" = --version ] && exit
while :; do case $1 in --output=*) out=${1#*=};; --*) ;; *) break;; esac; shift; done
echo 4242
env -u NAS_TRIAL setsid sh "$@" >"$out" 2>&1 </dev/null &
echo $! >"$FAKES/job"
wait $!
`,
	"scancel": `
echo "$1" >"$FAKES/cancelled"
kill "$(cat "$FAKES/job")" "$(cat "$FAKES/pid")"
`,
	"ssh": `
while [ "$1" = -o ]; do shift 2; done
mkdir -p "$FAKES/$1"
echo "$1" >>"$FAKES/hosts"
cd "$FAKES/$1" || exit
mkfifo "in$$"
exec 5<&0
cat <&5 >"in$$" &
feeder=$!
trap 'kill $feeder' TERM
env -u NAS_TRIAL setsid sh -c "$2" <"in$$" &
wait $!
status=$?
kill $feeder 2>/dev/null
exit $status
`,
}

// withFakes puts the fakes first into PATH and returns the folder of what they write.
func withFakes(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("SKIPPED: there is no setsid here to stand in for another computer")
	}
	bin, dir := t.TempDir(), t.TempDir()
	for name, script := range fakes {
		text := "#!/bin/sh\nFAKES=" + dir + script
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

func read(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(string(b))
}

// The recipes for other computers bring the value, the checkpoint and the weights back, quote what failed, and leave no
// training behind that was stopped.
func TestOtherComputers(t *testing.T) {
	for _, name := range []string{"slurm", "ssh"} {
		t.Run(name, func(t *testing.T) {
			wrote := withFakes(t)
			r := load(t, name)
			if err := r.SetUp(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			j := training.Job{Network: classifier(t, 4), ArchID: "0123456789ab", Seed: 5, Data: "it's here",
				Dir: filepath.Join(t.TempDir(), "a trial")}
			if name == "ssh" {
				j.Dir = filepath.Join(t.TempDir(), "0123456789ab")
			}
			for j.Rung = 0; j.Rung < 2; j.Rung++ {
				j.Slot = r.Spec().Slots[j.Rung]
				out, err := r.Train(t.Context(), j)
				if err != nil {
					t.Fatal(err)
				}
				if want := float64(81 + j.Rung); out.Accuracy != want { // a line of checkpoint.pt for each rung
					t.Errorf("rung %d: accuracy %g, want %g", j.Rung, out.Accuracy, want)
				}
			}
			if got := read(t, j.Dir, "checkpoint.pt"); got != "5 3\n5 10" {
				t.Errorf("the checkpoint is %q", got)
			}
			if got := read(t, j.Dir, "weights.safetensors"); got != "weights" {
				t.Errorf("the weights are %q", got)
			}
			if name == "ssh" {
				hosts := read(t, wrote, "hosts")
				if !strings.HasPrefix(hosts, "trainer1") || !strings.HasSuffix(hosts, "trainer2") {
					t.Errorf("trained on %q", hosts)
				}
			}

			j.Rung, j.Seed = 0, 13
			_, err := r.Train(t.Context(), j)
			if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "out of memory") {
				t.Errorf("a training that fails: %v", err)
			}
		})
	}
}

// A training that takes too long is ended, on the other computer too.
func TestOtherComputersStop(t *testing.T) {
	for _, name := range []string{"slurm", "ssh"} {
		t.Run(name, func(t *testing.T) {
			wrote := withFakes(t)
			spec := load(t, name).Spec()
			spec.TimeoutS, spec.Retries = 3, 0
			r, err := training.New(spec, evaluators.Folder(name), "")
			if err != nil {
				t.Fatal(err)
			}
			j := training.Job{Network: classifier(t, 4), ArchID: "0123456789ab", Seed: 14, Slot: spec.Slots[0],
				Dir: filepath.Join(t.TempDir(), "0123456789ab")}
			if _, err := r.Train(t.Context(), j); err == nil || !strings.Contains(err.Error(), "timeout_s = 3") {
				t.Errorf("%v", err)
			}
			if name == "slurm" {
				if got := read(t, wrote, "cancelled"); got != "4242" {
					t.Errorf("cancelled job %q", got)
				}
			}
			pid := read(t, wrote, "pid")
			for range 100 { // the one that watches over it may need a moment
				if !alive(pid) {
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
			t.Errorf("the training is still at work, as process %s", pid)
		})
	}
}

// alive reports whether there is a process that has not ended.
func alive(pid string) bool {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	_, after, _ := strings.Cut(string(b), ") ")
	return err == nil && !strings.HasPrefix(after, "Z")
}
