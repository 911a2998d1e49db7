package engine

import (
	"nas/blocks"
	"nas/blocks/kernels"
	"nas/internal/fault"
)

// Plan is a network as a sequence of kernel calls. [Compile] makes one. Kernels
// may be called from any goroutine; Bind, Run and RunTraced from one at a time.
type Plan struct {
	net    *blocks.Network
	target Target
	opts   Options
	batch  int
	steps  []step
	vals   []value
	out    []int32 // values of the network's outputs

	// After Bind:
	tensors []tensor // of each value
	ws      *Workspace
	arena   []float32
	direct  bool // the output is computed in the caller's slice
	ins     []callerValue
	outs    []callerValue
	runs    []runner
	team    *team
}

// Kernels returns the calls in the order in which Run makes them. It needs no
// weights and no particular machine.
func (p *Plan) Kernels() []Call {
	calls := make([]Call, len(p.steps))
	for i := range p.steps {
		calls[i] = p.steps[i].Call
	}
	return calls
}

// InLen returns the length of Run's input: batch x H x W x C.
func (p *Plan) InLen() int { return p.batch * p.net.Input().Elems() }

// OutLen is the length of Run's output: batch x H x W x C of the first output
// that the network returns, then of the second, and so on.
func (p *Plan) OutLen() int {
	n := 0
	for _, i := range p.net.Returned() {
		n += p.batch * p.net.Nodes[i].Shape.Elems()
	}
	return n
}

// Run computes the network. in and out are batch x H x W x C floats; other lengths
// are an error, and so is a plan that is not bound. Run allocates nothing, unless the
// plan holds a unit called "eval.". It is not safe for concurrent use.
func (p *Plan) Run(out, in []float32) error { return p.run(out, in, nil) }

var errUnbound = fault.New("engine: the plan has no weights, or another has been bound in its workspace since; " +
	"call Bind first")

func (p *Plan) run(out, in []float32, t *Trace) error {
	if p.runs == nil || p.ws.plan != p {
		return errUnbound
	}
	if len(in) != p.InLen() || len(out) != p.OutLen() {
		return fault.Errorf("engine: %d values in and %d out, want %d and %d", len(in), len(out), p.InLen(), p.OutLen())
	}
	p.attach(in, out)
	p.team.begin(t != nil)
	var err error
	for i, r := range p.runs {
		if s := &p.steps[i]; s.tap >= 0 {
			if err = p.opts.Tap(int(s.tap), p.tensors[s.src[0]].data); err != nil {
				break
			}
		}
		p.team.do(r)
		if t != nil {
			t.endCall()
		}
	}
	p.team.end()
	if err == nil && !p.direct {
		for _, v := range p.out {
			t := &p.tensors[v]
			copyRows(kernels.Dense(out, p.batch*t.H, t.W, t.C), t.all(), p.batch*t.H, t.W, t.C)
			out = out[p.batch*t.Elems():]
		}
	}
	p.attach(nil, nil)
	return err
}

// attach points the values that lie in the caller's slices at those.
func (p *Plan) attach(in, out []float32) {
	for _, v := range p.ins {
		p.tensors[v.value].data = in[min(v.at, len(in)):]
	}
	for _, v := range p.outs {
		p.tensors[v.value].data = out[min(v.at, len(out)):]
	}
}
