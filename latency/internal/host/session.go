// Package host is what the system tells and does for timings: threads bound to cores, the
// processor time that they had, and what is read from /proc and /sys. On systems other than
// Linux most of it is not known.
package host

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A Session is the state in which timings are taken: the goroutine is locked to its thread, the
// thread is bound to its cores, and the garbage collector is off. Only one should be open at a
// time, and other goroutines should be idle.
type Session struct {
	Threads  int
	cpus     []int
	warnings []string
	restore  func()
	gcPct    int
	live     uint64 // bytes of objects after the last collection
	start    time.Time
	steal0   float64
	temp0    float64
}

// Open begins a session on the calling goroutine, which must also call Close. cpus chooses
// cores; nil takes those of LastCPUs.
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
	s.Collect()
	s.gcPct = debug.SetGCPercent(-1)
	return s
}

// LastCPUs returns the last of the usable cores, as many as threads. The first cores serve most
// interrupts.
func LastCPUs(threads int) []int {
	all := fastCPUs(UsableCPUs())
	if len(all) == 0 {
		return nil
	}
	return all[max(0, len(all)-threads):]
}

// Close ends the session and returns warnings about it.
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
func (s *Session) Collect() {
	runtime.GC()
	s.live = heapBytes()
}

// Release is Collect, and gives the memory back to the system.
func (s *Session) Release() {
	debug.FreeOSMemory()
	s.live = heapBytes()
}

// maxGarbage is how much memory may be taken between two collections: what drawing and timing a few networks takes.
const maxGarbage = 24 << 20

// CollectGrown is Collect where more than maxGarbage was taken since the last one.
func (s *Session) CollectGrown() {
	if heapBytes() > s.live+maxGarbage {
		s.Collect()
	}
}

// Collecting runs f, during which nothing is timed, with the collector as it is outside of sessions.
func (s *Session) Collecting(f func()) {
	debug.SetGCPercent(s.gcPct)
	f()
	debug.SetGCPercent(-1)
	s.Collect()
}

// heapBytes is the memory of all objects that have not been collected.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
