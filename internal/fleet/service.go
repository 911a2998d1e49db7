package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"nas/internal/fault"
)

// service is what a searcher needs of a message service: subjects, and one work queue for its run. [natsService] is the
// real one. A simulation has another.
type service interface {
	// connected reports whether the service can be reached now.
	connected() bool
	// subscribe has a function called with every message of a subject, one after the other.
	subscribe(subject string, handle func(request)) error
	publish(subject string, data []byte) error
	// makeQueue makes the work queue, or finds it. What stands in it stays.
	makeQueue(ctx context.Context) error
	// queued is how many messages the queue holds. The error is errNoQueue if there is none.
	queued(ctx context.Context) (int, error)
	// put returns nil once all parcels are in the queue. One whose subject has a message already is.
	put(list []parcel) error
	// purge empties the queue of a lane.
	purge(ctx context.Context, lane string)
	removeQueue(ctx context.Context)
	// close sends what was published, and ends the connection.
	close()
}

// request is a message that came.
type request struct {
	subject string
	data    []byte
	respond func(data []byte) // nil if nobody waits for an answer
}

// answer answers, if anybody waits.
func (r *request) answer(v any) {
	if r.respond != nil {
		r.respond(encode(v))
	}
}

// parcel is a message for the queue. Of two with the same id that come soon after each other one is queued.
type parcel struct {
	subject, id string
	data        []byte
}

var errNoQueue = errors.New("there is no work queue")

// natsService is the service of a run at a NATS server with JetStream.
type natsService struct {
	conn *nats.Conn
	js   jetstream.JetStream
	run  string
	name string // of the run, for people
}

func (s *natsService) connected() bool { return s.conn.IsConnected() }

func (s *natsService) subscribe(subject string, handle func(request)) error {
	sub, err := s.conn.Subscribe(subject, func(m *nats.Msg) {
		r := request{subject: m.Subject, data: m.Data}
		if m.Reply != "" {
			r.respond = func(data []byte) { m.Respond(data) } // who gets no answer asks again
		}
		handle(r)
	})
	if err == nil {
		err = sub.SetPendingLimits(1<<20, 512<<20)
	}
	if err != nil {
		return fault.Errorf("fleet: %w", err)
	}
	return nil
}

func (s *natsService) publish(subject string, data []byte) error {
	return s.conn.Publish(subject, data)
}

func (s *natsService) makeQueue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	config := jetstream.StreamConfig{
		Name: streamName(s.run), Description: "tasks of the nas run " + s.name,
		Subjects:  []string{runPrefix + s.run + ".task.>"},
		Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage,
		// One message of a subject: what is queued already is refused, however long ago that was.
		Discard: jetstream.DiscardNew, DiscardNewPerSubject: true, MaxMsgsPerSubject: 1,
		MaxMsgSize: maxMessage,
	}
	_, err := s.js.CreateOrUpdateStream(ctx, config)
	if err != nil && ctx.Err() == nil && !errors.Is(err, nats.ErrNoResponders) { // what is left of it is damaged
		if e := s.js.DeleteStream(ctx, config.Name); e == nil {
			_, err = s.js.CreateStream(ctx, config)
		}
	}
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, nats.ErrNoResponders) {
		return fault.Errorf("fleet: %s has no JetStream: start that nats-server with -js", s.conn.ConnectedUrlRedacted())
	}
	if err != nil {
		return fault.Errorf("fleet: the work queue cannot be made: %w", err)
	}
	return nil
}

func (s *natsService) queued(ctx context.Context) (int, error) {
	stream, err := s.js.Stream(ctx, streamName(s.run))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return 0, errNoQueue
	}
	if err != nil {
		return 0, err
	}
	return int(stream.CachedInfo().State.Msgs), nil
}

// subjectTaken is the error code of JetStream for a message whose subject has one already.
const subjectTaken = 10077

// window is how many messages may wait for the service's answer: it makes each one safe before it answers.
const window = 1024

func (s *natsService) put(list []parcel) error {
	var failed error
	futures := make([]jetstream.PubAckFuture, 0, min(len(list), window))
	first := 0 // of the futures, the one that is waited for next
	wait := func() error {
		f := futures[first]
		first++
		select {
		case <-f.Ok():
		case err := <-f.Err():
			if api := (*jetstream.APIError)(nil); !errors.As(err, &api) || api.ErrorCode != subjectTaken {
				failed = err
			}
		case <-time.After(10 * time.Second):
			return errors.New("the service does not answer")
		}
		return nil
	}
	for _, p := range list {
		if len(futures)-first >= window {
			if err := wait(); err != nil {
				return err
			}
		}
		m := nats.NewMsg(p.subject)
		m.Data = p.data
		f, err := s.js.PublishMsgAsync(m, jetstream.WithMsgID(p.id))
		if err != nil {
			return err
		}
		futures = append(futures, f)
	}
	for first < len(futures) {
		if err := wait(); err != nil {
			return err
		}
	}
	return failed
}

func (s *natsService) purge(ctx context.Context, lane string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if stream, err := s.js.Stream(ctx, streamName(s.run)); err == nil {
		stream.Purge(ctx, jetstream.WithPurgeSubject(taskSubject(s.run, lane, ">")))
	}
}

func (s *natsService) removeQueue(ctx context.Context) {
	s.js.DeleteStream(ctx, streamName(s.run)) // else it stays until the next run is made there
}

func (s *natsService) close() {
	s.conn.FlushTimeout(time.Second)
	s.conn.Close()
}
