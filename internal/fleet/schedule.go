package fleet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"nas/internal/tasks"
)

// schedule is what the searcher knows of the tasks that have no outcome. It does no work itself and knows no clock, so
// that a simulation can use it.
type schedule struct {
	// giveUp is how often a task may be lost by workers, one after the other, before it is given up.
	giveUp int

	waiting map[string][]tasks.Task // by lane: not in a bundle yet
	open    map[string]*bundle      // by token
	byTask  map[string]*bundle      // by key
	byLane  map[string]int          // how many are open
	seconds float64                 // of one evaluation, a moving mean; 0: not known
}

// bundle is some tasks that travel together.
type bundle struct {
	token string
	lane  string
	tasks []tasks.Task // see live
	left  int          // of them, those that have no outcome
	lost  int          // how often a worker was given it and fell silent, or failed
	why   string       // the last failure in words
	fails int          // how often a worker said why
}

func newSchedule(giveUp int) *schedule {
	return &schedule{
		giveUp: giveUp, waiting: map[string][]tasks.Task{}, open: map[string]*bundle{}, byTask: map[string]*bundle{},
		byLane: map[string]int{},
	}
}

// submit adds a task of a lane.
func (s *schedule) submit(lane string, t tasks.Task) { s.waiting[lane] = append(s.waiting[lane], t) }

// targetSeconds is how long the tasks of a bundle take together, at most, as far as is known.
const targetSeconds = 0.2

// size is how many tasks of a lane go into the next bundle, if so many slots take from the lane. Tasks that take long
// travel alone. A slot should not work on many tasks while another one has none.
func (s *schedule) size(lane string, slots int) int {
	if lane != evaluateLane || s.seconds == 0 {
		return 1
	}
	n := min(maxBundleTasks, int(targetSeconds/s.seconds), (len(s.waiting[lane])+2*slots-1)/(2*max(1, slots)))
	return max(1, n)
}

// bundles puts waiting tasks into bundles, until most are open. The others wait for those to end: by then it is known
// better how large a bundle should be, and a service that is lost has lost little.
func (s *schedule) bundles(slots, most int) (made []*bundle) {
	for _, lane := range sortedKeys(s.waiting) {
		for len(s.waiting[lane]) > 0 {
			if len(s.open) >= most {
				return made
			}
			list := s.waiting[lane]
			n := min(s.size(lane, slots), len(list))
			bytes := 0
			for i := range n {
				if bytes += 200 + len(list[i].Arch) + 6*len(list[i].Genes); bytes > maxBundleBytes && i > 0 {
					n = i
					break
				}
			}
			made = append(made, s.bundle(lane, list[:n:n]))
			s.waiting[lane] = list[n:]
		}
		delete(s.waiting, lane)
	}
	return made
}

func (s *schedule) bundle(lane string, list []tasks.Task) *bundle {
	b := &bundle{token: tokenOf(list), lane: lane, tasks: list, left: len(list)}
	if s.open[b.token] == nil {
		s.byLane[lane]++
	}
	s.open[b.token] = b
	for i := range list {
		s.byTask[list[i].Key()] = b
	}
	return b
}

// closed notes that a bundle is not open any more.
func (s *schedule) closed(b *bundle) {
	if s.open[b.token] != b {
		return
	}
	delete(s.open, b.token)
	if s.byLane[b.lane]--; s.byLane[b.lane] == 0 {
		delete(s.byLane, b.lane)
	}
}

// hasOpen reports whether bundles of a lane are open.
func (s *schedule) hasOpen(lane string) bool { return s.byLane[lane] > 0 }

// opened lists the bundles that are open.
func (s *schedule) opened() (list []*bundle) {
	for _, b := range s.open {
		list = append(list, b)
	}
	return list
}

// tokenOf names a bundle by its tasks: the same tasks have the same token whoever bundles them.
func tokenOf(list []tasks.Task) string {
	h := sha256.New()
	for i := range list {
		fmt.Fprintln(h, list[i].Key())
	}
	return fmt.Sprintf("%s-%d-%s", list[0].Key(), len(list), hex.EncodeToString(h.Sum(nil)[:4]))
}

// wants tells whether a task has no outcome, and returns it.
func (s *schedule) wants(key string) (*tasks.Task, bool) {
	b := s.byTask[key]
	if b == nil {
		return nil, false
	}
	i := slices.IndexFunc(b.tasks, func(t tasks.Task) bool { return t.Key() == key })
	return &b.tasks[i], true
}

// done takes a task that has an outcome, which took so many seconds.
func (s *schedule) done(key string, seconds float64) {
	b := s.byTask[key]
	if b == nil {
		return
	}
	delete(s.byTask, key)
	if b.left--; b.left == 0 {
		b.tasks = nil
		s.closed(b)
	}
	if b.lane == evaluateLane && seconds > 0 {
		const weight = 0.05
		if s.seconds == 0 {
			s.seconds = seconds
		}
		s.seconds += weight * (seconds - s.seconds)
	}
}

// fail notes that a worker gave a bundle back because it failed.
func (s *schedule) fail(token, why string) {
	if b := s.open[token]; b != nil {
		b.why = why
		b.fails++
	}
}

// excuse notes that a worker gave a bundle back for no fault of the bundle.
func (s *schedule) excuse(token string) {
	if b := s.open[token]; b != nil {
		b.lost--
	}
}

// live returns the tasks of a bundle that have no outcome.
func (s *schedule) live(b *bundle) []tasks.Task {
	if b.left < len(b.tasks) {
		b.tasks = slices.DeleteFunc(b.tasks, func(t tasks.Task) bool { return s.byTask[t.Key()] != b })
	}
	return b.tasks
}

// again says what becomes of a bundle that comes to a worker again, because the one before fell silent or gave it back:
// whether it is to be done. If not, split are bundles in its place, each of one task, and dead are tasks that were lost
// too often: they are open until their outcome is stored.
func (s *schedule) again(token string) (wanted bool, split []*bundle, dead *bundle) {
	b := s.open[token]
	if b == nil {
		return false, nil, nil
	}
	b.lost++
	s.live(b)
	switch {
	case b.lost < 1 || len(b.tasks) == 1 && b.lost < s.giveUp && !b.hopeless():
		return true, nil, nil
	case len(b.tasks) == 1:
		return false, nil, b
	}
	s.closed(b) // whatever ends its worker should not take the other tasks with it
	for i := range b.tasks {
		one := s.bundle(b.lane, b.tasks[i:i+1:i+1])
		one.why = b.why
		split = append(split, one)
	}
	return false, split, nil
}

// hopeless reports whether a training failed on two workers, or twice on one: it takes long, and the recipe has retries
// of its own.
func (b *bundle) hopeless() bool { return b.fails >= 2 && strings.HasPrefix(b.lane, trainPrefix) }

// reason says why a bundle was given up.
func (b *bundle) reason() string {
	if b.hopeless() {
		return b.why
	}
	if b.why == "" {
		return fmt.Sprintf("%d workers fell silent, one after the other, while they had it", b.lost)
	}
	return fmt.Sprintf("%d workers did not finish it; the last that said why: %s", b.lost, b.why)
}

// lanes lists the lanes of all tasks.
func (s *schedule) lanes() []string {
	seen := map[string]bool{}
	for lane := range s.waiting {
		seen[lane] = true
	}
	for lane := range s.byLane {
		seen[lane] = true
	}
	return sortedKeys(seen)
}

// move gives the tasks of a lane to another, as if they had just been submitted.
func (s *schedule) move(from, to string) {
	var list []tasks.Task
	for _, token := range sortedKeys(s.open) {
		if b := s.open[token]; b.lane == from {
			list = append(list, s.live(b)...)
		}
	}
	list = append(list, s.waiting[from]...)
	s.forget(from)
	s.waiting[to] = append(s.waiting[to], list...)
}

// forget drops the tasks of a lane, and returns their keys.
func (s *schedule) forget(lane string) (keys []string) {
	for i := range s.waiting[lane] {
		keys = append(keys, s.waiting[lane][i].Key())
	}
	delete(s.waiting, lane)
	for key, b := range s.byTask {
		if b.lane == lane {
			keys = append(keys, key)
			delete(s.byTask, key)
			s.closed(b)
		}
	}
	return keys
}

// queued is how many tasks have no outcome.
func (s *schedule) queued() int {
	n := len(s.byTask)
	for _, list := range s.waiting {
		n += len(list)
	}
	return n
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
