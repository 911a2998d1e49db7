package fleet

import (
	"context"
	"slices"
	"time"

	"nas/internal/tasks"
	"nas/search"
)

// Measured is a network that a worker timed.
type Measured struct {
	Trial          int
	ArchID, Worker string
	tasks.Measurement
}

// Measure has every worker that measures time networks, and returns what came of it: less than all, if a worker leaves
// or ctx ends.
func (d *Dispatcher) Measure(ctx context.Context, members []search.Trial) (all []Measured) {
	d.service.purge(ctx, evaluateLane) // what the search left does not disturb
	type answered struct {
		tasks.Outcome
		error
	}
	got := make(chan answered, 64)
	open := map[string]int{} // tasks by worker
	for _, name := range d.measuring() {
		for i := range members {
			t := tasks.Task{
				Format: tasks.Format, Run: d.run, Kind: tasks.Measure, Trial: members[i].ID, ArchID: members[i].ArchID,
				Arch: members[i].Arch, On: name,
			}
			open[name]++
			go d.submit(measureLane(name), t, func(o tasks.Outcome, err error) { got <- answered{o, err} })
		}
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for d.anyOpen(open) {
		select {
		case <-ctx.Done():
			return all
		case <-ticker.C:
		case a := <-got:
			open[a.On]--
			if a.error != nil {
				return all
			}
			if m, err := a.Measurement(); err == nil {
				all = append(all, Measured{a.Trial, a.ArchID, a.On, m})
			}
		}
	}
	slices.SortFunc(all, func(a, b Measured) int {
		if a.Worker != b.Worker {
			return slices.Compare([]string{a.Worker}, []string{b.Worker})
		}
		return a.Trial - b.Trial
	})
	return all
}

// measuring lists the workers that are here and measure.
func (d *Dispatcher) measuring() (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, w := range d.workers {
		if slices.Contains(w.Lanes, measureLane(name)) && w.here() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// anyOpen reports whether a worker that is still here has tasks.
func (d *Dispatcher) anyOpen(open map[string]int) bool {
	here := d.measuring()
	for name, n := range open {
		if n > 0 && slices.Contains(here, name) {
			return true
		}
	}
	return false
}
