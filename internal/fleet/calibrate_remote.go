package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"nas/internal/boundedfile"
	"nas/internal/buildinfo"
	"nas/internal/config"
	"nas/internal/fault"
	"nas/latency/calibrate"
	"nas/space"
)

// Calibration says which device is to be calibrated, and with what.
type Calibration struct {
	Worker string       // the name of the worker whose device it is
	For    string       // what wants it, for the person at the worker
	Space  *space.Space // networks are drawn from it; nil: well-known ones are taken
	Seed   uint64       // of the networks
	Budget time.Duration
	Target float64 // see [calibrate.Options]
	// Wait is how long the worker may not be there yet; 0: as long as it takes.
	Wait time.Duration
	// Progress is called with how far the worker has come, Say with what a person should know.
	Progress func(calibrate.Progress)
	Say      func(format string, a ...any)
}

// silence is how long a worker that calibrates may not be heard.
const silence = 30 * time.Second

// Calibrate has a worker calibrate its device, and returns the text of the profile. Whether it is one is not looked at.
func Calibrate(ctx context.Context, a Access, c Calibration) ([]byte, error) {
	if !plainName.MatchString(c.Worker) {
		return nil, config.Usagef("%q is no name of a worker: want letters, digits, - and _, up to 64", c.Worker)
	}
	conn, err := a.connect("nas calibrate " + c.Worker)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	x := caller{conn, c}
	if err := x.find(ctx); err != nil {
		return nil, err
	}
	packed, err := x.packed(ctx)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fault.Errorf("fleet: the profile of worker %s is damaged: %w", c.Worker, err)
	}
	text, err := boundedfile.All(z, maxUnpacked)
	if err != nil {
		err = fault.Errorf("fleet: the profile of worker %s is damaged: %w", c.Worker, err)
	}
	return text, err
}

// caller is the side of a calibration that wants the profile.
type caller struct {
	conn *nats.Conn
	Calibration
}

// find waits until the worker is there.
func (x *caller) find(ctx context.Context) error {
	began, said := time.Now(), false
	for {
		call, cancel := context.WithTimeout(ctx, 3*time.Second)
		m, err := x.conn.RequestWithContext(call, deviceSubject(x.Worker), nil)
		cancel()
		if err == nil {
			var o offer
			if err := decode(m.Data, &o); err != nil {
				return err
			}
			if o.Format != calibrationFormat {
				return fault.Errorf("fleet: worker %s is nas %s, with calibrations of format %d; this is nas %s with format %d: "+
					"use the same version everywhere", x.Worker, o.Version, o.Format, buildinfo.Version(), calibrationFormat)
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch {
		case x.Wait > 0 && time.Since(began) > x.Wait:
			return fault.Errorf("fleet: no worker %s offers its device at %s%s: start it there with nas worker --fleet URL "+
				"--measures --name %s", x.Worker, x.conn.ConnectedUrlRedacted(), x.others(ctx), x.Worker)
		case !said:
			x.Say("waiting for worker %s, whose device is to be calibrated%s: nas worker --fleet URL --measures --name %s",
				x.Worker, x.others(ctx), x.Worker)
			said = true
		}
		rest(ctx, time.Second)
	}
}

// others says which workers offer their devices, "" for none.
func (x *caller) others(ctx context.Context) string {
	inbox := nats.NewInbox()
	sub, err := x.conn.SubscribeSync(inbox)
	if err != nil {
		return ""
	}
	defer sub.Unsubscribe()
	x.conn.PublishRequest(subjectDevices, inbox, nil)
	wait, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	var names []string
	for len(names) < 20 {
		m, err := sub.NextMsgWithContext(wait)
		if err != nil {
			break
		}
		var o offer
		if decode(m.Data, &o) == nil {
			names = append(names, o.Worker)
		}
	}
	if len(names) == 0 {
		return " (no worker offers one)"
	}
	slices.Sort(names)
	return fmt.Sprintf(" (there are %s)", strings.Join(names, ", "))
}

// packed has the worker calibrate, and returns what it sends.
func (x *caller) packed(ctx context.Context) (packed []byte, err error) {
	inbox := nats.NewInbox()
	sub, err := x.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, fault.Errorf("fleet: %w", err)
	}
	defer sub.Unsubscribe()
	if err := x.begin(ctx, inbox); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil { // else it goes on for a while
			x.conn.Publish(endSubject(x.Worker), []byte(inbox))
		}
		x.conn.FlushTimeout(time.Second)
	}()
	for {
		wait, cancel := context.WithTimeout(ctx, silence)
		m, err := sub.NextMsgWithContext(wait)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
			return nil, fault.Errorf("fleet: worker %s fell silent while it calibrated: look at it, and calibrate again",
				x.Worker)
		case err != nil:
			return nil, fault.Errorf("fleet: %w", err)
		}
		line, part, _ := bytes.Cut(m.Data, []byte("\n"))
		var n calibrationNote
		if err := decode(line, &n); err != nil {
			m.Respond(encode(refusal(err)))
			continue
		}
		if n.Offset == len(packed) && len(packed)+len(part) <= n.Size { // else it was sent twice
			packed = append(packed, part...)
		}
		m.Respond(encode(okAnswer))
		switch {
		case n.Failed != "":
			return nil, fault.Errorf("fleet: worker %s could not calibrate its device: %s", x.Worker, n.Failed)
		case n.Size > 0 && len(packed) == n.Size:
			return packed, nil
		case n.Progress != nil && x.Progress != nil:
			x.Progress(*n.Progress)
		}
	}
}

// begin asks the worker to calibrate.
func (x *caller) begin(ctx context.Context, inbox string) error {
	r := calibrationRequest{
		Format: calibrationFormat, Inbox: inbox, For: x.For, BudgetS: x.Budget.Seconds(), Target: x.Target, Seed: x.Seed,
	}
	if x.Space != nil {
		text, err := json.Marshal(x.Space.Spec())
		if err != nil {
			return fault.Errorf("fleet: %w", err)
		}
		r.Space = text
	}
	if err := r.check(); err != nil {
		return config.Usagef("a calibration of %v: want 1s to %v, and a space of less than %d bytes", x.Budget,
			maxCalibration, maxSpace)
	}
	call, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	m, err := x.conn.RequestWithContext(call, calibrateSubject(x.Worker), encode(r))
	if err != nil {
		return fault.Errorf("fleet: worker %s does not answer: %w", x.Worker, err)
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil || !a.OK {
		return fault.Errorf("fleet: worker %s does not calibrate: %s", x.Worker, a.Error)
	}
	return nil
}
