package host

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"
)

// A session is the state in which timings are taken: the goroutine locked to
// its thread, the thread bound to its core(s), the garbage collector off. Only
// one should be open at a time; the caller keeps its other goroutines idle.
//
// Of what can disturb a timing, a session notices three things: the thread was
// taken off its core by another task (the kernel counts it), time passed in
// which the thread did not run, and the clock or a neighbour changed the speed
// of the core (the reference kernel shows it).
type Session struct {
	Threads  int
	cpus     []int
	warnings []string
	restore  func()
	gcPct    int
	start    time.Time
	steal0   float64
	temp0    float64
}

// Open enters the measuring state on the calling goroutine, which must
// also call close. cpus chooses cores; nil takes the last usable ones: the
// first cores serve most interrupts.
func Open(threads int, cpus []int) *Session {
	s := &Session{Threads: threads, cpus: cpus, start: time.Now(), temp0: Temperature()}
	s.steal0, _ = stolen()
	runtime.LockOSThread()
	if s.cpus == nil {
		s.cpus = LastCPUs(threads)
	}
	restore, err := pin(s.cpus, threads)
	if err != nil {
		s.warnings = append(s.warnings, fmt.Sprintf("the measuring thread is not bound to a core: %v", err))
		s.cpus = nil
	}
	s.restore = restore
	runtime.GC()
	s.gcPct = debug.SetGCPercent(-1)
	return s
}

// LastCPUs are the last of the usable cores, as many as threads.
func LastCPUs(threads int) []int {
	all := fastCPUs(UsableCPUs())
	if len(all) == 0 {
		return nil
	}
	return all[max(0, len(all)-threads):]
}

// Close leaves the measuring state and returns what has to be said about it.
func (s *Session) Close() []string {
	debug.SetGCPercent(s.gcPct)
	if s.restore != nil {
		s.restore()
	}
	runtime.UnlockOSThread()
	if st, ok := stolen(); ok {
		wall := time.Since(s.start).Seconds() * float64(runtime.NumCPU())
		if share := (st - s.steal0) / wall; share > 0.01 && st-s.steal0 > 0.1 {
			s.warnings = append(s.warnings, fmt.Sprintf("the hypervisor withheld %.0f %% of the processor time", 100*share))
		}
	}
	if t := Temperature(); t > 0 && t-s.temp0 > 15 {
		s.warnings = append(s.warnings, fmt.Sprintf("the temperature rose from %.0f to %.0f degrees Celsius", s.temp0, t))
	}
	return s.warnings
}

// Collect runs the garbage collector, which is off in a session: to be called
// where much memory was dropped and nothing is being timed.
func (s *Session) Collect() { runtime.GC() }
