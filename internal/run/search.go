package run

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/internal/config"
	"nas/latency"
	"nas/search"
	"nas/space"
)

// choose fills in what the config leaves to the budget. A run that goes on with
// another budget keeps what was chosen then, for the first one; nil if it is new.
func choose(s, then *config.Search) {
	if then != nil {
		if s.Algorithm == config.Auto {
			s.Algorithm = then.Algorithm
		}
		s.Population = cmp.Or(s.Population, then.Population)
	}
	if s.Algorithm == config.Auto {
		s.Algorithm = search.Auto(s.Evaluations)
	}
	if s.Algorithm == "nsga2" && s.Population == 0 {
		s.Population = search.DefaultPopulation(s.Evaluations)
	}
}

// searcher makes the run's searcher, fresh.
func (p *pipeline) searcher() (search.Searcher, error) {
	start, err := p.start()
	if err != nil {
		return nil, err
	}
	s, err := search.New(p.cfg.Search.Algorithm, search.Settings{
		Setup:       search.Setup{Space: p.space, Objectives: p.objectives, Seed: p.cfg.Seed, Start: start},
		Evaluations: p.cfg.Search.Evaluations,
		Population:  p.cfg.Search.Population,
		Known:       func(g space.Genes) (map[string]float64, float64) { return p.eval.known(p.space.Arch(g)) },
	})
	if err != nil {
		return nil, config.Usage(err)
	}
	return s, nil
}

// start maps the networks of search.start to their nearest genotypes.
func (p *pipeline) start() ([]space.Genes, error) {
	var out []space.Genes
	for i, name := range p.cfg.Search.Start {
		arch, err := archOf(name)
		if err != nil {
			return nil, config.Usagef("search.start[%d] = %q: %w", i+1, name, err)
		}
		out = append(out, p.space.Nearest(arch))
	}
	return out, nil
}

// archOf reads an arch string, or describes a network of the zoo as an arch.
func archOf(name string) (space.Arch, error) {
	if strings.Contains(name, "|") {
		return space.Parse(name)
	}
	net, err := zoo.Get(name)
	if err != nil {
		return space.Arch{}, err
	}
	return space.FromNetwork(net)
}

// networkOf builds the network of an arch string, or of a name of the zoo.
func networkOf(name string) (*blocks.Network, error) {
	if !strings.Contains(name, "|") {
		return zoo.Get(name)
	}
	a, err := space.Parse(name)
	if err != nil {
		return nil, err
	}
	return a.Network()
}

func (p *pipeline) search(ctx context.Context) error {
	s, err := p.searcher()
	if err != nil {
		return err
	}
	c := p.cfg.Search
	o := search.Options{
		Workers: p.Workers, Timeout: time.Duration(c.Timeout), Reference: p.worst,
		Stop: search.Stop{Trials: c.Trials, Evaluations: c.Evaluations, Time: time.Duration(c.Time), Plateau: c.Plateau},
		Progress: func(x search.Progress) {
			p.progress(Progress{Step: "search", Done: x.Evaluations, Total: c.Evaluations, Search: &x})
		},
	}
	o.Observe = func(t search.Trial, _ *search.Front) {
		if p.Live != nil {
			p.Live.observe(&t)
		}
		if r, ok := rivalOf(&t, p.objectives); ok {
			p.rivals = append(p.rivals, r)
		}
	}
	if p.resumed {
		o.Replay = p.store.Trials()
	}
	p.say("searching %s with %s", p.cfg.Name, s)
	p.summary, err = search.Run(ctx, s, &p.eval, p.store, p.objectives, o)
	if m := p.eval.memory; m != nil {
		p.say("%d scores of earlier runs were used again", m.used.Load())
	}
	return err
}

// rank orders the front by its first objective and writes front.csv.
func (p *pipeline) rank(context.Context) error {
	chance := chances(p.rivals)
	for _, t := range p.summary.Front.Trials() {
		m := Member{Trial: t}
		d := p.eval.devices[0]
		m.Latency = p.eval.value(&t.Result, d.key())
		m.Low, m.High = t.Parts[d.key()+"_low"], t.Parts[d.key()+"_high"]
		m.Accuracy = p.eval.value(&t.Result, keyAccuracy)
		m.OnFront = chance[t.ID]
		p.front = append(p.front, m)
	}
	first := p.objectives[0]
	slices.SortStableFunc(p.front, func(a, b Member) int {
		x, y := a.Objectives[first.Name], b.Objectives[first.Name]
		if first.Direction == search.Maximize {
			x, y = y, x
		}
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return a.ID - b.ID
	})
	p.warnOutside()
	return p.writeFront()
}

// warnOutside says once if much of the front lies where the profile has measured
// no network: a profile of other networks is worth little there.
func (p *pipeline) warnOutside() {
	n, text := 0, ""
	for i := range p.front {
		for _, w := range p.front[i].Warnings {
			if rest, ok := strings.CutPrefix(w, warnsLatency); ok && strings.HasPrefix(rest, latency.OutsideMeasured) {
				n, text = n+1, rest
				break // a network counts once, of however many devices
			}
		}
	}
	if 4*n > len(p.front) {
		p.say("%d of the %d networks on the front: %s: a profile that is calibrated for this space, as profile = \"auto\" makes it, would know them better", n, len(p.front), text)
	}
}
