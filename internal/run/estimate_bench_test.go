package run

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"nas/accuracy"
	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/latency"
	"nas/search"
	"nas/space"
)

// estimator is what a run of configs/mobile.toml judges candidates by, with the
// profile of the reference run.
func mobileEvaluator(tb testing.TB) (*evaluator, *space.Space, *config.Config) {
	cfg, err := config.Load("../../configs/mobile.toml")
	if err != nil {
		tb.Fatal(err)
	}
	sp, err := space.New(cfg.Space)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := latency.Load("../../results/reference/mobile/profile.json")
	if err != nil {
		tb.Fatal(err)
	}
	predictor, err := p.Predictor()
	if err != nil {
		tb.Fatal(err)
	}
	score, err := accuracy.New(cfg.Accuracy.Proxy, accuracy.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	e := &evaluator{
		objectives: map[string]bool{keyLatency: true, keyAccuracy: true},
		devices:    []*device{{profile: p, predictor: predictor}},
		accuracy:   score,
	}
	e.lowerer = &space.Lowerer{Analyze: e.study}
	if err := e.resolve(context.Background(), cfg.Constraints); err != nil {
		tb.Fatal(err)
	}
	return e, sp, cfg
}

// BenchmarkEstimatePath is a candidate's whole way through a run of
// configs/mobile.toml with a population of 1,000: asked for, lowered, counted,
// predicted, scored, told, archived on disk. Workers as processors.
func BenchmarkEstimatePath(b *testing.B) {
	e, sp, cfg := mobileEvaluator(b)
	objectives, err := objectives(cfg)
	if err != nil {
		b.Fatal(err)
	}
	s, err := search.New("nsga2", search.Settings{
		Setup: search.Setup{Space: sp, Objectives: objectives, Seed: 1}, Evaluations: 100000, Population: 1000,
	})
	if err != nil {
		b.Fatal(err)
	}
	store, err := runstore.Create(b.TempDir(), runstore.Manifest{}, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.ReportAllocs()
	b.ResetTimer()
	sum, err := search.Run(context.Background(), s, e, store, objectives, search.Options{
		Workers: runtime.GOMAXPROCS(0), Reference: []float64{100, 40}, Stop: search.Stop{Trials: b.N},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(sum.Trials)/b.Elapsed().Seconds(), "candidates/s")
	b.ReportMetric(float64(sum.Evaluations)/b.Elapsed().Seconds(), "evaluations/s")
}

// BenchmarkEstimateSteps splits the path.
func BenchmarkEstimateSteps(b *testing.B) {
	e, sp, _ := mobileEvaluator(b)
	r := rand.New(rand.NewPCG(1, 2))
	const n = 256
	archs := make([]space.Arch, n)
	nets := make([]*blocks.Network, n)
	calls := make([][]engine.Call, n)
	trials := make([]search.Trial, n)
	target := e.devices[0].predictor.Target()
	for i := range archs {
		g := sp.Sample(r)
		archs[i] = sp.Arch(g)
		var err error
		if nets[i], err = archs[i].Network(); err != nil {
			b.Fatal(err)
		}
		p, err := engine.Compile(nets[i], target, engine.Options{})
		if err != nil {
			b.Fatal(err)
		}
		calls[i] = p.Kernels()
		e.devices[0].predictor.PredictCalls(calls[i])
		c := search.Candidate{ID: i, Genes: g, Arch: archs[i], ArchID: archs[i].ID(), Parents: []int{1, 2}}
		res, err := e.Evaluate(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		trials[i] = search.NewTrial(c, res)
	}
	var buf []byte
	var pieces []*space.LoweredBlock
	for _, step := range []struct {
		name string
		do   func(i int)
	}{
		{"network", func(i int) { archs[i].Network() }},
		{"counts", func(i int) { nets[i].Counts() }},
		{"compile", func(i int) { engine.Compile(nets[i], target, engine.Options{}) }},
		{"predict_calls", func(i int) { e.devices[0].predictor.PredictCalls(calls[i]) }},
		{"latency", func(i int) { e.devices[0].predictor.Latency(calls[i]) }},
		{"predict", func(i int) { e.devices[0].predictor.Predict(nets[i]) }},
		{"accuracy", func(i int) { e.accuracy.Estimate(context.Background(), nets[i]) }},
		{"id", func(i int) { archs[i].ID() }},
		{"append", func(i int) { buf = runstore.AppendTrial(buf[:0], &trials[i]) }},
		{"trial", func(i int) { search.NewTrial(search.Candidate{Arch: archs[i]}, search.Result{}) }},
		{"lower", func(i int) { pieces, _ = e.lowerer.Lower(pieces[:0], &archs[i]) }},
		{"join", func(i int) { pieces, _ = e.lowerer.Lower(pieces[:0], &archs[i]); space.Join(pieces) }},
		{"parts", func(i int) {
			pieces, _ = e.lowerer.Lower(pieces[:0], &archs[i])
			inPieces{nil, "", pieces}.predict(e.devices[0])
		}},
		{"evaluate", func(i int) { e.Evaluate(context.Background(), search.Candidate{Arch: archs[i]}) }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				step.do(i % n)
			}
		})
	}
}
