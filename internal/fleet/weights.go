package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"nas/internal/fault"
	"nas/internal/tasks"
)

// weightsPart is how many bytes of weights travel in one message.
const weightsPart = 512 << 10

// weightsHead is the first line of a message with a part of weights. The bytes of the part follow.
type weightsHead struct {
	Worker string            `json:"worker"`
	Key    string            `json:"key"` // of the task that left them
	Info   tasks.WeightsInfo `json:"info"`
	Offset int64             `json:"offset"` // of the part in the weights
}

func (h *weightsHead) check() error {
	if !plainName.MatchString(h.Worker) || len(h.Key) > 128 {
		return fault.New("fleet: a part of weights is damaged")
	}
	return nil
}

// sendWeights sends what a training left, and returns when the searcher has all of it. If the searcher refuses it, the
// outcome says so. While no searcher is there it waits for one.
func (m *member) sendWeights(ctx context.Context, t *tasks.Task, o *tasks.Outcome, data []byte) error {
	info := o.Weights()
	if info == nil || info.Missing != "" {
		return nil
	}
	refused := 0
	for from := 0; from < len(data); {
		part := data[from:min(from+weightsPart, len(data))]
		head := encode(weightsHead{m.worker.Name, t.Key(), *info, int64(from)})
		a, err := m.call(ctx, ofWeights, append(append(head, '\n'), part...))
		switch {
		case err == nil && a.OK:
			from += len(part)
		case err == nil && refused < 2: // one that was sent twice, or a searcher that was started again
			refused++
			from = 0
		case err == nil:
			m.worker.refuse(callSubject(m.Run, ofWeights), errors.New(a.Error))
			return o.LoseWeights(fmt.Sprintf("worker %s keeps them: %.200s", m.worker.Name, a.Error))
		case ctx.Err() != nil || m.over():
			return context.Cause(ctx)
		default:
			rest(ctx, 500*time.Millisecond)
		}
	}
	return nil
}

// takeWeights stores a part of the weights of a training that has no outcome yet.
func (d *Dispatcher) takeWeights(m request) {
	line, data, _ := bytes.Cut(m.data, []byte("\n"))
	var h weightsHead
	if err := decode(line, &h); err != nil {
		d.refuse(m, err)
		return
	}
	d.mu.Lock()
	t, wanted := d.schedule.wants(h.Key)
	wanted = wanted && t.Kind == tasks.Train
	d.mu.Unlock()
	err := errors.New("they are of a training that has an outcome, or was not asked for")
	if wanted {
		err = d.o.Weights.Part(h.Worker, h.Info, h.Offset, data)
	}
	if err != nil {
		d.refuse(m, err)
		return
	}
	m.answer(answer{OK: true})
}
