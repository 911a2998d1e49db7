package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"nas/internal/config"
	"nas/internal/evaluator"
	"nas/internal/fleet"
	nasrun "nas/internal/run"
	"nas/internal/runstore"
	"nas/internal/runtest"
	"nas/internal/tasks"
	"nas/internal/work"
	"nas/search"
)

// runConfig is a config whose evaluations take no time.
const runConfig = `[space]
input = [32, 32, 3]
classes = 10
[[space.stage]]
channels = [24, 32, 40]
stride = 2
depth = [1, 2, 3]
kernel = [3, 5]
expansion = [3, 4, 6]
[[space.stage]]
channels = [48, 64, 80]
stride = 2
depth = [1, 2, 3]
kernel = [3, 5]
expansion = [3, 4, 6]
[latency]
profile = "raspi4-fbnet"
[accuracy]
proxy = "rankmean(params,depth)"
[search]
algorithm = "nsga2"
trials = %[1]d
evaluations = %[1]d
population = 40
look_ahead = 32
[output]
measure = 0
export = ["toml"]
`

func configOf(t testing.TB, dir string, trials int) *config.Config {
	t.Helper()
	set := func(c *config.Config, _ func(key, value, want string)) { c.Output.Dir = dir }
	c, err := config.Decode("test.toml", fmt.Appendf(nil, runConfig, trials), set, evaluator.Check)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// single is the directory of a run on one machine.
func single(t testing.TB, trials int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "single")
	if _, err := nasrun.Run(t.Context(), nasrun.Options{Config: configOf(t, dir, trials)}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve starts a service that outlives runs.
func serve(t testing.TB) (*fleet.Server, fleet.Access) {
	t.Helper()
	s, err := fleet.Serve(t.TempDir(), "127.0.0.1:0", fleet.Access{}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(true) })
	return s, fleet.Access{URL: s.URL()}
}

// start starts a worker, and returns what ends it.
func start(t testing.TB, w *fleet.Worker) (stop func()) {
	t.Helper()
	w.Evaluates = true
	if w.Say == nil {
		w.Say = func(string, ...any) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		done.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// said collects what a run says.
type said struct {
	mu    sync.Mutex
	lines []string
}

func (s *said) say(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

func (s *said) has(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(strings.Join(s.lines, "\n"), text)
}

// search carries out a run by the workers of a service.
func carryOut(t testing.TB, dir string, trials int, a fleet.Access, o *said) {
	t.Helper()
	_, err := nasrun.Run(t.Context(), nasrun.Options{
		Options: work.Options{Say: o.say}, Config: configOf(t, dir, trials), Resume: true,
		Fleet: &nasrun.FleetOptions{Access: a, Patience: 2 * time.Second},
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(o.lines, "\n"))
	}
}

func wantSame(t testing.TB, dir, want string) {
	t.Helper()
	for _, name := range []string{runstore.TrialsFile, runstore.FrontFile} {
		if !bytes.Equal(runtest.Read(t, dir, name), runtest.Read(t, want, name)) {
			t.Errorf("%s differs from that of a run on one machine", name)
		}
	}
}

// TestFleet: a run by two workers has the bytes of a run on one machine, and leaves nothing behind.
func TestFleet(t *testing.T) {
	want := single(t, 300)
	_, a := serve(t)
	for i := range 2 {
		start(t, &fleet.Worker{Access: a, Name: fmt.Sprint("w", i), Slots: 2})
	}
	dir := filepath.Join(t.TempDir(), "run")
	carryOut(t, dir, 300, a, new(said))
	wantSame(t, dir, want)
	if _, err := os.Stat(filepath.Join(dir, "outcomes.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left behind: %v", err)
	}
}

// TestFleetFailures: a task that no worker finishes fails its trial with the reason, others that fail once do not, and
// the search goes on.
func TestFleetFailures(t *testing.T) {
	_, a := serve(t)
	var failures atomic.Int64
	w := &fleet.Worker{Access: a, Name: "clumsy", Slots: 4}
	once := sync.Map{}
	w.Before(func(_ context.Context, x *tasks.Task) error {
		_, again := once.LoadOrStore(x.Trial, true)
		if x.Trial == 7 || x.Trial%10 == 3 && !again {
			failures.Add(1)
			return errors.New("no space left on this phone")
		}
		return nil
	})
	start(t, w)
	dir := filepath.Join(t.TempDir(), "run")
	carryOut(t, dir, 60, a, new(said))
	for _, x := range runtest.Trials(t, dir) {
		if failed := x.Failed != ""; failed != (x.ID == 7) {
			t.Errorf("trial %d: %q", x.ID, x.Failed)
		} else if failed && (!strings.HasPrefix(x.Failed, "5 workers did not finish it") ||
			!strings.Contains(x.Failed, "clumsy: no space left on this phone")) {
			t.Errorf("the reason is %q", x.Failed)
		}
	}
	if n := failures.Load(); n < 5+6 {
		t.Errorf("%d failures: the test tests nothing", n)
	}
}

// TestStrangers: messages that are none are refused, counted and said, and the run is not disturbed.
func TestStrangers(t *testing.T) {
	const trials = 200
	want := single(t, trials)
	_, a := serve(t)
	w := &fleet.Worker{Access: a, Name: "w", Slots: 2}
	w.Before(func(ctx context.Context, _ *tasks.Task) error { // as long as the stranger needs
		time.Sleep(10 * time.Millisecond)
		return nil
	})
	start(t, w)
	conn, err := nats.Connect(a.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var status fleet.Status
	ctx, cancel := context.WithCancel(t.Context())
	var stranger sync.WaitGroup
	stranger.Go(func() {
		for ctx.Err() == nil {
			all, err := fleet.Ask(ctx, a)
			if err != nil {
				continue
			}
			status = all[0]
			run := status.Run
			forged := tasks.Outcome{
				Format: tasks.Format, Run: run, Kind: tasks.Evaluate, Trial: 0, ArchID: "000000000000", Version: status.Version,
				Result: []byte(`{"id":0,"arch_id":"000000000000","genes":[],"violation":0}`),
			}
			forged.Seal()
			for _, subject := range fleet.Subjects(run) {
				for _, text := range []string{
					"", "{", "null", "[]", `{"token":"../../x","worker":"y"}`, "-1", strings.Repeat("x", 1<<19),
				} {
					conn.Publish(subject, []byte(text))
				}
				conn.Publish(subject, fmt.Appendf(nil,
					`{"token":"x","worker":"y","outcomes":[{"format":1,"run":%q,"kind":"evaluate"}]}`, run))
			}
			conn.Publish("nas.runs.new", []byte(`{"format":1,"run":"0123456789abcdef","setup_bytes":99999999999}`))
			conn.Publish("nas.run."+run+".task.evaluate.forged", []byte(`{"token":"forged","tasks":[]}`))
			conn.Flush()
			time.Sleep(50 * time.Millisecond)
		}
	})
	dir, o := filepath.Join(t.TempDir(), "run"), new(said)
	carryOut(t, dir, trials, a, o)
	cancel()
	stranger.Wait()
	wantSame(t, dir, want)
	if status.Refused < 20 || !o.has("is refused") {
		t.Errorf("%d messages were refused; %q", status.Refused, o.lines)
	}
}

// TestWorkerLeaves: a worker that is told to end finishes what is short and gives back what is long, at no cost to the
// trial.
func TestWorkerLeaves(t *testing.T) {
	const trials = 80
	want := single(t, trials)
	_, a := serve(t)
	var stops []func()
	var held atomic.Int64
	for i := range 3 {
		w := &fleet.Worker{Access: a, Name: fmt.Sprint("leaver", i), Slots: 2, Grace: 10 * time.Millisecond}
		w.Before(func(ctx context.Context, x *tasks.Task) error {
			if x.Trial%2 == 0 { // until the end
				held.Add(1)
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		stops = append(stops, start(t, w))
	}
	var leaving sync.WaitGroup
	leaving.Go(func() {
		for held.Load() < 4 {
			time.Sleep(10 * time.Millisecond)
		}
		for _, stop := range stops {
			stop()
		}
		start(t, &fleet.Worker{Access: a, Name: "stayer", Slots: 2})
	})
	dir, o := filepath.Join(t.TempDir(), "run"), new(said)
	began := time.Now()
	carryOut(t, dir, trials, a, o)
	leaving.Wait()
	wantSame(t, dir, want)
	if !o.has("worker leaver0 leaves") {
		t.Errorf("nobody says that a worker left: %q", o.lines)
	}
	t.Logf("%d tasks were held, %v", held.Load(), time.Since(began).Round(time.Millisecond))
}

// TestSearcherRestarts: a searcher that is cut off at any instant and started again, with a service that lost its store
// meanwhile or not, ends with the bytes of a run on one machine, and computes hardly anything twice.
func TestSearcherRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("a fleet is started many times")
	}
	const trials = 300
	want := single(t, trials)
	for _, lose := range []bool{false, true} {
		store := t.TempDir()
		s, err := fleet.Serve(store, "127.0.0.1:0", fleet.Access{}, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		a := fleet.Access{URL: s.URL()}
		address := strings.TrimPrefix(s.URL(), "nats://")
		var computed atomic.Int64
		stop := func() {}
		work := func() {
			w := &fleet.Worker{Access: a, Name: "w", Slots: 4}
			w.Before(func(context.Context, *tasks.Task) error {
				computed.Add(1)
				time.Sleep(4 * time.Millisecond)
				return nil
			})
			stop = start(t, w)
		}
		work()
		dir, o := filepath.Join(t.TempDir(), "run"), new(said)
		for i := 1; i <= 5; i++ {
			ctx, cancel := context.WithCancel(t.Context())
			go func() { // in the midst of the search
				for ctx.Err() == nil && computed.Load() < int64(45*i) {
					time.Sleep(time.Millisecond)
				}
				cancel()
			}()
			out, err := nasrun.Run(ctx, nasrun.Options{
				Options: o.options(), Config: configOf(t, dir, trials), Resume: true,
				Fleet: &nasrun.FleetOptions{Access: a, Patience: time.Second},
			})
			cancel()
			if err != nil || out.Summary.Status != search.StatusInterrupted || out.Summary.Trials == 0 {
				t.Fatalf("start %d: %+v, %v", i, out, err)
			}
			if lose {
				s.Close(true)
				if s, err = fleet.Serve(store, address, fleet.Access{}, t.Logf); err != nil {
					t.Fatal(err)
				}
			}
		}
		carryOut(t, dir, trials, a, o)
		wantSame(t, dir, want)
		if n := computed.Load(); n > 2*trials {
			t.Errorf("store lost: %v: %d tasks were computed for %d trials", lose, n, trials)
		} else {
			t.Logf("store lost: %v: %d tasks were computed for %d trials", lose, n, trials)
		}
		stop()
		s.Close(true)
	}
}

func (s *said) options() work.Options { return work.Options{Say: s.say} }

// TestAccess: nothing listens beyond this machine without a secret, and who has none is not let in.
func TestAccess(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	short := filepath.Join(dir, "short")
	for path, text := range map[string]string{token: "0123456789abcdef0123\n", short: "abc"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seed := filepath.Join(dir, "seed")
	if err := os.WriteFile(seed, []byte(seedOf(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		listen string
		access fleet.Access
		want   string
	}{
		{"0.0.0.0:0", fleet.Access{}, "open to other machines"},
		{"[::]:0", fleet.Access{}, "open to other machines"},
		{"nowhere", fleet.Access{}, "want HOST:PORT"},
		{":4222", fleet.Access{}, "want HOST:PORT"},
		{"127.0.0.1:0", fleet.Access{TokenFile: short}, "want 16 or more"},
		{"127.0.0.1:0", fleet.Access{TokenFile: token, NKeyFile: seed}, "choose one"},
		{"127.0.0.1:0", fleet.Access{NKeyFile: token}, "no seed of an nkey"},
		{"127.0.0.1:0", fleet.Access{TokenFile: filepath.Join(dir, "gone")}, "gone"},
	} {
		s, err := fleet.Serve(t.TempDir(), c.listen, c.access, t.Logf)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: error is %v, want %q", c.listen, c.access, err, c.want)
		}
		if err == nil {
			s.Close(true)
		}
	}
	for _, secret := range []fleet.Access{{TokenFile: token}, {NKeyFile: seed}} {
		s, err := fleet.Serve(t.TempDir(), "0.0.0.0:0", secret, t.Logf)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, fleet.Access{URL: s.URL()}, "does not let us in")
		secret.URL = s.URL()
		wantError(t, secret, "no search answers")
		s.Close(true)
	}
	wantError(t, fleet.Access{URL: "http://127.0.0.1:1"}, "want nats://")
	wantError(t, fleet.Access{URL: "nats://127.0.0.1:1"}, "nothing answers")
}

// wantError wants an error with a text for who asks for the status.
func wantError(t *testing.T, a fleet.Access, want string) {
	t.Helper()
	if _, err := fleet.Ask(t.Context(), a); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%+v: error is %v, want %q", a, err, want)
	}
}

func seedOf(t *testing.T) string {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return string(seed)
}
