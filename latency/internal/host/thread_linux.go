package host

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// UsableCPUs lists the cores that the process may run on.
func UsableCPUs() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(os.Getpid(), &set) != nil {
		return nil
	}
	var cpus []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	return cpus
}

// fastCPUs keeps, of cores that differ in capacity, those of the largest.
func fastCPUs(cpus []int) []int {
	caps := Capacities()
	if caps == nil {
		return cpus
	}
	top := slices.Max(caps)
	return slices.DeleteFunc(slices.Clone(cpus), func(c int) bool { return c >= len(caps) || caps[c] != top })
}

// pin binds the calling thread to the first of cpus when one thread measures.
// With more, every thread of the process is bound to the whole set, unless that
// is all there is, and the system spreads them. The function returned undoes it.
func pin(cpus []int, threads int) (restore func(), err error) {
	if len(cpus) == 0 {
		return nil, fmt.Errorf("no core to bind it to")
	}
	if threads > 1 && len(cpus) >= len(UsableCPUs()) {
		return func() {}, nil
	}
	var set, old unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedGetaffinity(0, &old); err != nil {
		return nil, err
	}
	bind := func(to *unix.CPUSet) error {
		if threads == 1 {
			return unix.SchedSetaffinity(0, to)
		}
		for _, tid := range threadIDs() {
			if err := unix.SchedSetaffinity(tid, to); err != nil && err != unix.ESRCH { // a thread may have ended
				return err
			}
		}
		return nil
	}
	if err := bind(&set); err != nil {
		bind(&old)
		return nil, err
	}
	return func() { bind(&old) }, nil
}

func threadIDs() []int {
	ds, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return []int{0}
	}
	var ids []int
	for _, d := range ds {
		if id, err := strconv.Atoi(d.Name()); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Usage is what the system has counted for the measuring thread, or for the
// whole process when several threads measure.
type Usage struct {
	Switched int64         // times another task took the core away
	CPU      time.Duration // time on a core
}

func ReadUsage(threads int) Usage {
	who, clock := unix.RUSAGE_THREAD, int32(unix.CLOCK_THREAD_CPUTIME_ID)
	if threads > 1 {
		who, clock = unix.RUSAGE_SELF, unix.CLOCK_PROCESS_CPUTIME_ID
	}
	var r unix.Rusage
	var ts unix.Timespec
	if unix.Getrusage(who, &r) != nil || unix.ClockGettime(clock, &ts) != nil {
		return Usage{}
	}
	return Usage{Switched: int64(r.Nivcsw), CPU: time.Duration(ts.Nano())}
}
