package fleet

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/tasks"
)

// Before lets a function run before each task of a worker.
func (w *Worker) Before(f func(context.Context, *tasks.Task) error) { w.before = f }

// Subjects of a run, for strangers.
func Subjects(run string) []string {
	var all []string
	for _, of := range []string{ofOutcomes, ofWeights, ofClaims, ofReturns, ofSetup, ofBeats} {
		all = append(all, callSubject(run, of))
	}
	return all
}

// Duplicate queues the bundles that are queued at a service a second time, under other tokens, and returns how many.
func Duplicate(ctx context.Context, conn *nats.Conn) (n int, err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	for name := range js.StreamNames(ctx).Name() {
		stream, err := js.Stream(ctx, name)
		if err != nil {
			return n, err
		}
		state := stream.CachedInfo().State
		for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
			m, err := stream.GetMsg(ctx, seq)
			if err != nil {
				continue // done meanwhile
			}
			var b bundleMessage
			if json.Unmarshal(m.Data, &b) != nil {
				continue
			}
			subject := strings.TrimSuffix(m.Subject, b.Token)
			b.Token += "-twice"
			if _, err := js.Publish(ctx, subject+b.Token, encode(b)); err == nil {
				n++
			}
		}
	}
	return n, nil
}

// AskToCalibrate sends a text to the worker of a name in place of what asks for a calibration, and returns the answer.
func AskToCalibrate(t interface{ Fatal(...any) }, url, worker, text string) string {
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		m, err := conn.Request(calibrateSubject(worker), []byte(text), 5*time.Second)
		if err == nil {
			return string(m.Data)
		}
		if time.Since(began) > 10*time.Second {
			t.Fatal(err)
		}
	}
}
