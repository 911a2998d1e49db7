package fleet

import (
	"encoding/json"
	"time"

	"nas/internal/fault"
	"nas/latency/calibrate"
	"nas/space"
)

// A calibration goes over core NATS, from whoever wants a profile to one worker and back: it belongs to no run, and one
// that is lost is begun anew. The caller asks [deviceSubject] who is there, and then sends a calibrationRequest to
// [calibrateSubject]. The worker answers with calibrationNotes to the inbox of the request, each of which waits for an
// answer: every noteEvery how far it has come, and at the end the profile in parts. If nobody answers any more, or the
// caller says on [endSubject] that it goes, the worker gives up.

// calibrationFormat is the version of the messages of a calibration. Programs with different ones refuse each other.
const calibrationFormat = 1

// subjectDevices is asked by whoever looks for devices: each worker that measures answers with an offer.
const subjectDevices = "nas.devices"

// deviceSubject is that of the worker of a name alone.
func deviceSubject(worker string) string { return "nas.device." + worker }

// calibrateSubject is where the worker of a name takes calibrations.
func calibrateSubject(worker string) string { return deviceSubject(worker) + ".calibrate" }

// endSubject is where the worker of a name hears whose calibration is not wanted any more: the inbox of a request.
func endSubject(worker string) string { return deviceSubject(worker) + ".end" }

// offer is what a worker says of the device that it measures.
type offer struct {
	Format  int    `json:"format"` // [calibrationFormat]
	Worker  string `json:"worker"`
	Version string `json:"version"`
	Device  string `json:"device"` // for people
}

func (o *offer) check() error {
	if !plainName.MatchString(o.Worker) || len(o.Version) > 256 || len(o.Device) > 512 {
		return fault.New("fleet: the offer of a device is damaged")
	}
	return nil
}

// Bounds of calibrations.
const (
	maxSpace       = 512 << 10 // of the JSON of a space, in bytes
	maxCalibration = 24 * time.Hour
	maxProfile     = 32 << 20 // of a packed profile, in bytes
	maxUnpacked    = 64 << 20
	profilePart    = 512 << 10
	noteEvery      = 2 * time.Second
)

// calibrationRequest asks a worker for the profile of its device.
type calibrationRequest struct {
	Format  int     `json:"format"`
	Inbox   string  `json:"inbox"`            // where the notes go
	For     string  `json:"for"`              // who wants it, for people
	BudgetS float64 `json:"budget_s"`         // see [calibrate.Options]
	Target  float64 `json:"target,omitempty"` // the same
	Seed    uint64  `json:"seed"`             // of the networks
	// Space is the space that networks are drawn from; null for well-known networks.
	Space json.RawMessage `json:"space,omitempty"`
}

func (r *calibrationRequest) check() error {
	if r.Inbox == "" || len(r.Inbox) > 256 || len(r.For) > maxText || len(r.Space) > maxSpace ||
		!(r.BudgetS >= 1) || r.BudgetS > maxCalibration.Seconds() || !(r.Target >= 0) || r.Target >= 1 {
		return fault.New("fleet: what asks for a calibration is damaged")
	}
	return nil
}

// space is the space of the networks, nil for none.
func (r *calibrationRequest) space() (*space.Space, error) {
	if len(r.Space) == 0 || string(r.Space) == "null" {
		return nil, nil
	}
	var spec space.Spec
	if err := json.Unmarshal(r.Space, &spec); err != nil {
		return nil, fault.Errorf("fleet: the space of a calibration is damaged: %w", err)
	}
	return space.New(spec)
}

// calibrationNote is the first line of a message from the worker that calibrates.
type calibrationNote struct {
	Progress *calibrate.Progress `json:"progress,omitempty"` // null while the worker finishes what it does
	Failed   string              `json:"failed,omitempty"`   // the end: why there is no profile
	// Size is the length of the packed profile, of which a part follows the line, and Offset where that part begins.
	Size   int `json:"size,omitempty"`
	Offset int `json:"offset,omitempty"`
}

func (n *calibrationNote) check() error {
	if n.Size < 0 || n.Size > maxProfile || n.Offset < 0 || n.Offset > n.Size || len(n.Failed) > maxText {
		return fault.New("fleet: a part of a calibration is damaged")
	}
	return nil
}
