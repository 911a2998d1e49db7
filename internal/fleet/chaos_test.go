//go:build linux

package fleet_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"nas/internal/fleet"
	"nas/internal/runtest"
)

// TestChaos searches with four workers, a service and a searcher, all of them processes in network namespaces of
// their own. Meanwhile one worker is killed, one is cut off for 20 seconds, one is slow, the service is
// killed and started again with its store deleted, truncated or with bits flipped, the searcher is killed and started
// again, and tasks are queued a second time. The trials must be those of a run on one machine.
//
// It takes a minute a run: NAS_CHAOS says how many, and make test-chaos sets it.
func TestChaos(t *testing.T) {
	runs, err := strconv.Atoi(os.Getenv("NAS_CHAOS"))
	if err != nil || runs < 1 {
		t.Skip("NAS_CHAOS is not set: make test-chaos runs this")
	}
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: network namespaces need root")
	}
	if out, err := exec.Command("ip", "netns", "add", "nasprobe").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: there are no network namespaces here: %v %s", err, out)
	}
	command(t, "ip", "netns", "del", "nasprobe")
	const trials = 600
	want := single(t, trials)
	same := 0
	for i := range runs {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			x := newChaos(t, uint64(i))
			dir := x.search(trials)
			wantSame(t, dir, want)
			for _, trial := range runtest.Trials(t, dir) {
				if trial.Failed != "" {
					t.Errorf("trial %d failed: %s", trial.ID, trial.Failed)
				}
			}
		})
		if !t.Failed() {
			same++
		}
	}
	t.Logf("identical trials in %d of %d runs", same, runs)
}

func command(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v %s", args, err, out)
	}
}

// chaos is a small net: a namespace with the service and a bridge, and one for each other process.
type chaos struct {
	*testing.T
	rand                *rand.Rand
	dir, token, name    string
	server, searcher    *exec.Cmd
	damage              string
	workers             []*exec.Cmd
	url                 string
	requeued, restarted int
}

// parts are the processes besides the service; their index is that of their namespace.
var parts = []string{"searcher", "killed", "cut", "slow", "steady"}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	x := &chaos{T: t, rand: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), name: fmt.Sprintf("nas%d", os.Getpid())}
	x.token = filepath.Join(x.dir, "token")
	if err := os.WriteFile(x.token, []byte("0123456789abcdef0123"), 0o600); err != nil {
		t.Fatal(err)
	}
	x.damage = []string{"nothing", "deleted", "truncated", "flipped"}[seed%4]
	x.url = "nats://10.77.0.1:4222"
	center := x.name
	x.addNamespace(center)
	command(t, "ip", "-n", center, "link", "add", "hub", "type", "bridge")
	command(t, "ip", "-n", center, "addr", "add", "10.77.0.1/24", "dev", "hub")
	command(t, "ip", "-n", center, "link", "set", "hub", "up")
	for i := range parts {
		ns := x.namespace(i)
		x.addNamespace(ns)
		line := fmt.Sprint("v", i)
		command(t, "ip", "-n", center, "link", "add", line, "type", "veth", "peer", "name", "eth", "netns", ns)
		command(t, "ip", "-n", center, "link", "set", line, "master", "hub", "up")
		command(t, "ip", "-n", ns, "addr", "add", fmt.Sprintf("10.77.0.%d/24", i+2), "dev", "eth")
		command(t, "ip", "-n", ns, "link", "set", "eth", "up")
		command(t, "ip", "-n", ns, "link", "set", "lo", "up")
	}
	slow := exec.Command("tc", "-n", x.namespace(3), "qdisc", "add", "dev", "eth", "root", "netem",
		"delay", "150ms", "50ms", "loss", "2%")
	if out, err := slow.CombinedOutput(); err != nil {
		t.Logf("SKIPPED: the slow worker has a good line: %v %s", err, out)
	}
	x.serve()
	return x
}

func (x *chaos) namespace(i int) string { return fmt.Sprintf("%s-%d", x.name, i) }

func (x *chaos) addNamespace(ns string) {
	command(x, "ip", "netns", "add", ns)
	x.Cleanup(func() { command(x, "ip", "netns", "del", ns) })
	command(x, "ip", "-n", ns, "link", "set", "lo", "up")
}

func (x *chaos) in(ns string) []string { return []string{"ip", "netns", "exec", ns} }

func (x *chaos) log(role string) string { return filepath.Join(x.dir, role+".log") }

func (x *chaos) serve() {
	x.server = part(x, x.in(x.name), x.log("server"), "server", filepath.Join(x.dir, "store"), "10.77.0.1:4222", x.token)
}

func (x *chaos) startSearcher(dir string, trials int) {
	x.searcher = part(x, x.in(x.namespace(0)), x.log("searcher"), "searcher", x.url, x.token, dir, fmt.Sprint(trials))
}

// search carries out a run, disturbed in all ways, and returns its directory.
func (x *chaos) search(trials int) (dir string) {
	dir = filepath.Join(x.dir, "run")
	x.startSearcher(dir, trials)
	for i, name := range parts[1:] {
		ms := "100"
		if name == "slow" {
			ms = "600"
		}
		x.workers = append(x.workers, part(x, x.in(x.namespace(i+1)), x.log(name), "worker", x.url, x.token, name, ms, "2"))
	}
	stages := []struct {
		at float64 // share of the trials that are stored
		do func()
	}{
		{0.05, func() { x.workers[0].Process.Signal(syscall.SIGKILL) }},
		{0.10, func() {
			command(x, "ip", "-n", x.name, "link", "set", "v2", "down")
			time.AfterFunc(20*time.Second, func() { exec.Command("ip", "-n", x.name, "link", "set", "v2", "up").Run() })
		}},
		{0.2 + 0.1*x.rand.Float64(), func() { x.restartServer() }},
		{0.45 + 0.1*x.rand.Float64(), x.duplicate},
		{0.6 + 0.1*x.rand.Float64(), func() {
			x.searcher.Process.Signal(syscall.SIGKILL)
			x.searcher.Wait()
			x.startSearcher(dir, trials)
		}},
		{0.75 + 0.1*x.rand.Float64(), x.duplicate},
	}
	ended := make(chan error, 1)
	searcher := x.searcher
	go func() { ended <- searcher.Wait() }()
	deadline := time.After(6 * time.Minute)
	next := 0
	for {
		select {
		case err := <-ended:
			if x.searcher != searcher { // it was killed, and started again
				searcher = x.searcher
				go func() { ended <- searcher.Wait() }()
				continue
			}
			if err != nil || next < len(stages) {
				x.Fatalf("the search ended after %d of %d disturbances: %v\n%s", next, len(stages), err, x.tail("searcher"))
			}
			x.report(dir)
			return dir
		case <-deadline:
			x.Fatalf("the search does not end\n%s\n%s\n%s", x.tail("searcher"), x.tail("steady"), x.tail("server"))
		case <-time.After(20 * time.Millisecond):
		}
		if next < len(stages) && float64(x.stored(dir)) >= stages[next].at*float64(trials) {
			stages[next].do()
			next++
		}
	}
}

// stored is how many trials are on the disk.
func (x *chaos) stored(dir string) int {
	text, err := os.ReadFile(filepath.Join(dir, "trials.jsonl"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		x.Fatal(err)
	}
	return strings.Count(string(text), "\n")
}

// restartServer kills the service, damages its store and starts it again.
func (x *chaos) restartServer() {
	x.server.Process.Signal(syscall.SIGKILL)
	x.server.Wait()
	store := filepath.Join(x.dir, "store", "queue")
	files := 0
	err := filepath.WalkDir(store, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		info, err := d.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		switch x.damage {
		case "truncated":
			return os.Truncate(path, x.rand.Int64N(info.Size()))
		case "flipped":
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for range 1 + len(data)/500 {
				data[x.rand.IntN(len(data))] ^= 1 << x.rand.IntN(8)
			}
			return os.WriteFile(path, data, 0o600)
		}
		return nil
	})
	if err != nil || files == 0 {
		x.Fatalf("the store has %d files: %v", files, err)
	}
	if x.damage == "deleted" {
		if err := os.RemoveAll(store); err != nil {
			x.Fatal(err)
		}
	}
	x.serve()
	x.restarted++
}

// duplicate queues what is queued a second time, under other subjects, as a searcher with a fault would.
func (x *chaos) duplicate() {
	conn, err := x.connect()
	if err != nil {
		x.Logf("no duplicates: %v", err)
		return
	}
	defer conn.Close()
	n, err := fleet.Duplicate(x.Context(), conn)
	if err != nil {
		x.Logf("duplicates: %v", err)
	}
	x.requeued += n
}

// connect reaches the service from its own namespace, through a program there.
func (x *chaos) connect() (*nats.Conn, error) {
	return nats.Connect(x.url, nats.Token("0123456789abcdef0123"), nats.SetCustomDialer(inNamespace(x.name)))
}

func (x *chaos) tail(role string) string {
	text, _ := os.ReadFile(x.log(role))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return role + ":\n  " + strings.Join(lines[max(0, len(lines)-15):], "\n  ")
}

// report says what the disturbances came to.
func (x *chaos) report(string) {
	text, _ := os.ReadFile(x.log("searcher"))
	x.Logf("store %s; %d tasks queued twice; the searcher said: %d times that the queue is made anew, "+
		"%d that a worker is here", x.damage, x.requeued,
		strings.Count(string(text), "it is made anew"), strings.Count(string(text), "is here"))
	if x.restarted != 1 || x.requeued == 0 && x.damage == "nothing" {
		x.Errorf("%d restarts, %d duplicates: the test tests less than it should", x.restarted, x.requeued)
	}
}
