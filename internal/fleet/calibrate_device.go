package fleet

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"nas/internal/buildinfo"
	"nas/internal/fault"
	"nas/internal/profiles"
	"nas/latency"
	"nas/latency/calibrate"
)

// offerDevice lets others see the device of the worker, and have it calibrated, until ctx is done.
func (w *Worker) offerDevice(ctx context.Context, all *sync.WaitGroup) error {
	if w.Device == nil {
		return nil
	}
	o := encode(offer{calibrationFormat, w.Name, buildinfo.Version(), w.Device.Device().String()})
	say := func(m *nats.Msg) { m.Respond(o) }
	take := func(m *nats.Msg) { w.takeCalibration(ctx, m, all) }
	end := func(m *nats.Msg) { w.endCalibration(string(m.Data)) }
	for subject, handle := range map[string]nats.MsgHandler{
		subjectDevices: say, deviceSubject(w.Name): say, calibrateSubject(w.Name): take, endSubject(w.Name): end,
	} {
		if _, err := w.conn.Subscribe(subject, handle); err != nil {
			return fault.Errorf("fleet: %w", err)
		}
	}
	return nil
}

// takeCalibration begins a calibration, or says why not.
func (w *Worker) takeCalibration(ctx context.Context, m *nats.Msg, all *sync.WaitGroup) {
	answer := func(a answer) { m.Respond(encode(a)) }
	var r calibrationRequest
	err := decode(m.Data, &r)
	if err == nil && r.Format != calibrationFormat {
		err = fault.Errorf("fleet: a calibration of format %d is asked for, this nas %s knows %d: use the same version "+
			"everywhere", r.Format, buildinfo.Version(), calibrationFormat)
	}
	if err == nil {
		_, err = r.space()
	}
	switch {
	case err != nil:
		w.refuse(m.Subject, err)
		answer(refusal(err))
	case ctx.Err() != nil || !w.calibrating.TryLock():
		answer(refusal(errors.New("it calibrates for somebody else, or ends: try again later")))
	default:
		answer(okAnswer)
		all.Go(func() {
			defer w.calibrating.Unlock()
			w.calibrate(ctx, &r)
		})
	}
}

// endCalibration ends the calibration whose notes go to an inbox.
func (w *Worker) endCalibration(inbox string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calibrated.end != nil && w.calibrated.inbox == inbox {
		w.calibrated.end(errNobody)
	}
}

// calibrated is the calibration that a worker is at.
type calibrated struct {
	inbox string
	end   context.CancelCauseFunc
}

// isAt notes which calibration the worker is at; the zero value for none.
func (w *Worker) isAt(c calibrated) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calibrated = c
}

var okAnswer = answer{OK: true}

func refusal(err error) answer {
	text := fault.Text(err)
	return answer{Error: text[:min(len(text), maxText)]}
}

// calibrate calibrates the device, once what the worker does has ended, and sends the profile.
func (w *Worker) calibrate(ctx context.Context, r *calibrationRequest) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w.isAt(calibrated{r.Inbox, cancel})
	defer w.isAt(calibrated{})
	n := notes{conn: w.conn, inbox: r.Inbox}
	beating, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() { n.beat(beating, cancel) })
	profile, err := w.profile(ctx, r, &n)
	stop()
	beat.Wait()
	switch {
	case errors.Is(context.Cause(ctx), errNobody):
		w.Say("the calibration for %s ends: nobody waits for it any more", r.For)
		return
	case err != nil:
		if ctx.Err() != nil {
			err = errors.New("it was told to end")
		}
		text := refusal(err).Error
		w.Say("the calibration for %s failed: %s", r.For, text)
		n.send(context.WithoutCancel(ctx), calibrationNote{Failed: text}, nil)
		return
	}
	n.once(ctx, n.last, nil) // how far it came; the profile follows in any case
	for from := 0; from < len(profile); from += profilePart {
		part := profile[from:min(from+profilePart, len(profile))]
		if err := n.send(context.WithoutCancel(ctx), calibrationNote{Size: len(profile), Offset: from}, part); err != nil {
			w.Say("the profile for %s does not arrive: %v", r.For, err)
			return
		}
	}
	w.Say("calibrated for %s", r.For)
}

// profile is the packed profile of the device. Nothing else is done on it meanwhile.
func (w *Worker) profile(ctx context.Context, r *calibrationRequest, n *notes) ([]byte, error) {
	for range w.Slots {
		select {
		case w.slots <- struct{}{}:
			defer func() { <-w.slots }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	w.busy.Add(1)
	defer w.busy.Add(-1)
	s, err := r.space()
	if err != nil {
		return nil, err
	}
	o := calibrate.Options{
		Budget: time.Duration(r.BudgetS * float64(time.Second)), TargetError: r.Target, Progress: n.progress,
	}
	w.Say("calibrating %s for up to %v, for %s: please leave the device alone", w.Device.Device(), o.Budget, r.For)
	p, err := calibrate.Device(ctx, w.Device, profiles.NetworksOf(s, r.Seed), o)
	if err != nil {
		return nil, err
	}
	return packProfile(p)
}

func packProfile(p *latency.Profile) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(p.Write(z), z.Close()); err != nil {
		return nil, err
	}
	if b.Len() > maxProfile {
		return nil, fault.Errorf("fleet: the profile has %d bytes, more than the %d that can be sent", b.Len(), maxProfile)
	}
	return b.Bytes(), nil
}

// notes are what a worker sends while it calibrates.
type notes struct {
	conn  *nats.Conn
	inbox string
	mu    sync.Mutex
	last  calibrationNote
}

// progress notes how far the calibration is. It is sent at the next beat.
func (n *notes) progress(p calibrate.Progress) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last = calibrationNote{Progress: &p}
}

// errNobody is the cause of the end of a calibration that nobody waits for.
var errNobody = errors.New("nobody waits for the calibration")

// patienceForCaller is how long whoever wants the profile may be away.
const patienceForCaller = 20 * time.Second

// beat says how far the calibration is until ctx is done, and ends it if nobody hears that any more.
func (n *notes) beat(ctx context.Context, end context.CancelCauseFunc) {
	heard := time.Now()
	for ctx.Err() == nil {
		n.mu.Lock()
		last := n.last
		n.mu.Unlock()
		switch err := n.once(ctx, last, nil); {
		case err == nil:
			heard = time.Now()
		case time.Since(heard) > patienceForCaller:
			end(errNobody)
		}
		rest(ctx, noteEvery)
	}
}

// send sends a note until it has arrived.
func (n *notes) send(ctx context.Context, note calibrationNote, part []byte) error {
	for began := time.Now(); ; rest(ctx, noteEvery) {
		err := n.once(ctx, note, part)
		if err == nil || ctx.Err() != nil || time.Since(began) > patienceForCaller {
			return err
		}
	}
}

// once sends a note, and returns nil if it has arrived.
func (n *notes) once(ctx context.Context, note calibrationNote, part []byte) error {
	call, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := n.conn.RequestWithContext(call, n.inbox, append(append(encode(note), '\n'), part...))
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil || !a.OK {
		return errors.New("what was sent was refused")
	}
	return nil
}
