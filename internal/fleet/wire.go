package fleet

import (
	"encoding/json"
	"regexp"
	"time"

	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/tasks"
)

// Bounds of messages.
const (
	maxBundleTasks = 256
	maxBundleBytes = 256 << 10
	maxMessage     = 1 << 20 // what a server takes by default
	setupPart      = 512 << 10
	maxText        = 4 << 10 // of a reason or a name
)

// Subjects of core NATS. Those of one run begin with runPrefix and its id.
const (
	subjectRuns   = "nas.runs"   // asked by workers: each searcher answers with an announcement
	subjectStatus = "nas.status" // asked by people: each searcher answers with a Status
	runPrefix     = "nas.run."
)

// The last tokens of the subjects of a run.
const (
	ofOutcomes = "outcomes" // a worker sends an outcomeMessage and waits for an answer
	ofWeights  = "weights"  // a worker sends a part of weights, before the outcome that they belong to
	ofClaims   = "claims"   // a worker that gets a task again asks whether it is still wanted
	ofReturns  = "returns"  // a worker gives a task back unfinished
	ofSetup    = "setup"    // a worker asks for a part of the setup
	ofBeats    = "beats"    // a worker says what it is and does
	ofEnd      = "end"      // the searcher ends
)

func callSubject(run, of string) string { return runPrefix + run + "." + of }

// taskSubject is the subject of a bundle in the stream of a run. There is at most one message of each.
func taskSubject(run, lane, token string) string {
	return runPrefix + run + ".task." + lane + "." + token
}

func streamName(run string) string { return "NAS_" + run }

// Lanes divide the tasks of a run by who can do them. A lane is a token of subjects and the name of a consumer.
const evaluateLane = "evaluate"

// measureLane is that of measurements on the worker of a name.
func measureLane(worker string) string { return "measure-" + worker }

// trainLane is that of trainings by a recipe, a hash, on a data set, another.
func trainLane(recipe, data string) string { return trainPrefix + recipe + "-" + data }

const trainPrefix = "train-"

// atLane is the part of such a lane that one worker has alone: it has trained the network before.
func atLane(lane, worker string) string { return lane + "-at-" + worker }

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	plainRun  = regexp.MustCompile(`^[0-9a-f]{16}$`)
)

// announcement is what a searcher says of its run.
type announcement struct {
	Format  int    `json:"format"` // [tasks.Format]
	Run     string `json:"run"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Class   string `json:"numeric_class"`
	Setup   int    `json:"setup_bytes"` // length of the packed setup
	// Recipe and Data are the hashes of what a run trains with. The worker has its own of both.
	Recipe string `json:"recipe,omitempty"`
	Data   string `json:"data,omitempty"`
	// AckWaitS is how long a worker may be silent before its task goes to another, in seconds.
	AckWaitS float64 `json:"ack_wait_s"`
	// BeatS is how long a worker should be quiet between two beats, in seconds: the more workers, the longer. 0 means 2.
	BeatS float64 `json:"beat_s,omitempty"`
}

func (a *announcement) check() error {
	if !plainRun.MatchString(a.Run) || a.Setup < 1 || a.Setup > tasks.MaxSetup ||
		!(a.AckWaitS > 0.01) || a.AckWaitS > 3600 || !(a.BeatS >= 0) || a.BeatS > maxBeat.Seconds() ||
		len(a.Name) > maxText || len(a.Version) > 256 || len(a.Class) > 256 ||
		len(a.Recipe) > 64 || len(a.Data) > 64 || a.Recipe != "" && !plainName.MatchString(a.Recipe) {
		return fault.New("fleet: the announcement of a run is damaged")
	}
	return nil
}

// beatInterval is how often a worker of the run says how it stands.
func (a *announcement) beatInterval() time.Duration {
	return max(beatEvery, time.Duration(a.BeatS*float64(time.Second)))
}

// bundleMessage is some tasks of one run and kind that travel together.
type bundleMessage struct {
	Token string       `json:"token"`
	Tasks []tasks.Task `json:"tasks"`
}

// check returns what is wrong with a bundle that came for a run by a lane.
func (b *bundleMessage) check(run string) error {
	if len(b.Tasks) < 1 || len(b.Tasks) > maxBundleTasks || !plainName.MatchString(b.Token) {
		return fault.New("fleet: a bundle of tasks is damaged")
	}
	for i := range b.Tasks {
		t := &b.Tasks[i]
		if err := t.Check(); err != nil {
			return err
		}
		if t.Run != run || t.Kind != b.Tasks[0].Kind {
			return fault.New("fleet: a bundle holds tasks of several runs or kinds")
		}
	}
	return nil
}

// outcomeMessage is what a worker sends when tasks of a bundle are done.
type outcomeMessage struct {
	Token    string          `json:"token"`
	Worker   string          `json:"worker"`
	Outcomes []tasks.Outcome `json:"outcomes"`
}

// claim asks whether a bundle that comes again, or was given back, is wanted.
type claim struct {
	Token  string `json:"token"`
	Worker string `json:"worker"`
	// Reason, of a bundle that is given back, says why; "" for a worker that ends.
	Reason string `json:"reason,omitempty"`
}

func (c *claim) check() error {
	if !plainName.MatchString(c.Token) || !plainName.MatchString(c.Worker) || len(c.Reason) > maxText {
		return fault.New("fleet: a claim is damaged")
	}
	return nil
}

// answer is what the searcher answers to outcomes and claims.
type answer struct {
	OK    bool   `json:"ok"`              // outcomes are stored; the claimed bundle is wanted
	Error string `json:"error,omitempty"` // why a message was refused; it will be refused again
}

// beat is what a worker says of itself.
type beat struct {
	Worker  string   `json:"worker"`
	Version string   `json:"version"`
	Class   string   `json:"numeric_class"`
	Device  string   `json:"device,omitempty"` // where it measures
	Lanes   []string `json:"lanes"`            // that it takes tasks from
	Slots   int      `json:"slots"`
	Busy    int      `json:"busy"`
	Done    int      `json:"done"`
	Failed  int      `json:"failed"`
	Refused int      `json:"refused"` // messages
	Note    string   `json:"note,omitempty"`
	Leaving bool     `json:"leaving,omitempty"`
	EveryS  float64  `json:"every_s,omitempty"` // seconds to the next one; 0 means 2
}

// every is the time to the next beat.
func (b *beat) every() time.Duration {
	return max(beatEvery, time.Duration(b.EveryS*float64(time.Second)))
}

func (b *beat) check() error {
	if !plainName.MatchString(b.Worker) || len(b.Version) > 256 || len(b.Class) > 256 || len(b.Device) > 512 ||
		len(b.Lanes) > 64 || len(b.Note) > maxText || b.Slots < 0 || b.Slots > 1<<16 ||
		!(b.EveryS >= 0) || b.EveryS > maxBeat.Seconds() {
		return fault.New("fleet: what a worker says of itself is damaged")
	}
	return nil
}

// decode reads a message that anybody may have sent.
func decode(data []byte, v interface{ check() error }) error {
	if len(data) > maxMessage {
		return fault.New("fleet: a message is too long")
	}
	if err := jsonfile.Decode(data, v); err != nil {
		return fault.Errorf("fleet: a message is damaged: %w", err)
	}
	return v.check()
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("fleet: " + err.Error()) // messages always have a JSON form
	}
	return b
}

// A worker says every beatEvery how it stands. Where there are many workers it is told to say so less often, so that a
// searcher hears about beatsPerSecond of them all together, and each one after maxBeat at the latest.
const (
	beatEvery      = 2 * time.Second
	maxBeat        = 10 * time.Minute
	beatsPerSecond = 100
)

// silentAfter is how long a worker that should be heard every so often may be silent before it counts as gone.
func silentAfter(every time.Duration) time.Duration { return 4 * every }
