package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/jsonfile"
	"nas/internal/plural"
)

// Status is what a searcher says of its run and its workers.
type Status struct {
	Run      string         `json:"run"`
	Name     string         `json:"name"`
	Version  string         `json:"version"`
	Workers  []WorkerStatus `json:"workers"`
	Queued   int            `json:"queued"`  // tasks without an outcome that nobody works on
	Running  int            `json:"running"` // tasks that workers work on, by their own account
	Done     int            `json:"done"`    // outcomes of this process
	Failed   int            `json:"failed"`  // of them, tasks that were given up
	Refused  int            `json:"refused"` // messages
	Repeated int            `json:"repeated"`
	Requeued int            `json:"requeued"`   // tasks that the service had lost
	PerS     float64        `json:"per_second"` // outcomes, over the life of this process
}

// WorkerStatus is one worker.
type WorkerStatus struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Class   string   `json:"numeric_class"`
	Device  string   `json:"device,omitempty"`
	Takes   []string `json:"takes"` // the lanes whose tasks it takes
	Slots   int      `json:"slots"`
	Busy    int      `json:"busy"`
	Done    int      `json:"done"`
	Failed  int      `json:"failed"`
	Refused int      `json:"refused"` // messages
	Note    string   `json:"note,omitempty"`
	SilentS float64  `json:"silent_s"` // since it was heard
	Gone    bool     `json:"gone"`     // it left, or fell silent
}

// Status says how the fleet stands.
func (d *Dispatcher) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Status{
		Run: d.run, Name: d.o.Name, Version: buildinfo.Version(), Workers: []WorkerStatus{},
		Done: d.counts.done, Failed: d.counts.failed, Refused: d.counts.refused, Repeated: d.counts.repeated,
		Requeued: d.counts.requeued, PerS: float64(d.counts.done) / time.Since(d.began).Seconds(),
	}
	for _, w := range d.workers {
		silent := time.Since(w.at)
		gone := !w.here()
		s.Workers = append(s.Workers, WorkerStatus{
			Name: w.Worker, Version: w.Version, Class: w.Class, Device: w.Device, Takes: w.Lanes, Slots: w.Slots,
			Busy: w.Busy, Done: w.Done, Failed: w.Failed, Refused: w.Refused, Note: w.Note, SilentS: silent.Seconds(),
			Gone: gone,
		})
		if !gone {
			s.Running += w.Busy
		}
	}
	slices.SortFunc(s.Workers, func(a, b WorkerStatus) int { return cmp.Compare(a.Name, b.Name) })
	s.Queued = max(0, d.schedule.queued()-s.Running)
	return s
}

// String is a line for people.
func (s *Status) String() string {
	here := 0
	for _, w := range s.Workers {
		if !w.Gone {
			here++
		}
	}
	return fmt.Sprintf("%s, %d running, %d queued, %d done, %d failed, %.1f/s", plural.Of(here, "worker"), s.Running,
		s.Queued, s.Done, s.Failed, s.PerS)
}

// Ask returns the status of all searchers that a service reaches. None is an error.
func Ask(ctx context.Context, a Access) ([]Status, error) {
	conn, err := a.connect("nas fleet status")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	inbox := nats.NewInbox()
	sub, err := conn.SubscribeSync(inbox)
	if err != nil {
		return nil, fault.Errorf("fleet: %w", err)
	}
	if err := conn.PublishRequest(subjectStatus, inbox, nil); err != nil {
		return nil, fault.Errorf("fleet: %w", err)
	}
	var all []Status
	wait, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for {
		m, err := sub.NextMsgWithContext(wait)
		if err != nil || m.Header.Get("Status") == "503" {
			break
		}
		var s Status
		if jsonfile.Decode(m.Data, &s) == nil {
			all = append(all, s)
		}
		if len(all) == 1 { // others, if there are any, answer soon
			soon, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
			defer cancel()
			wait = soon
		}
	}
	if len(all) == 0 {
		return nil, fault.Errorf("fleet: no search answers at %s: nas run CONFIG --fleet URL starts one",
			conn.ConnectedUrlRedacted())
	}
	return all, nil
}
