package evaluator

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"

	"nas/blocks"
	"nas/blocks/engine"
	"nas/internal/config"
	"nas/internal/runstore"
	"nas/internal/work"
	"nas/search"
	"nas/space"
)

// mobileSetup is what a run of configs/mobile.toml judges candidates by, with the profile of the reference run.
func mobileSetup(tb testing.TB) *Setup {
	c, err := config.Load("../../configs/mobile.toml")
	if err != nil {
		tb.Fatal(err)
	}
	c.Latency.Profile = config.Named[string]{"": "../../results/reference/mobile/profile.json"}
	c.AcceptProfiles()
	s, err := New(context.Background(), c, work.Options{}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	if s, err = s.Constrained(context.Background()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// BenchmarkEstimatePath is a candidate's whole way through a run of
// configs/mobile.toml with a population of 1,000: asked for, lowered, counted,
// predicted, scored, told, archived on disk. Workers as processors.
func BenchmarkEstimatePath(b *testing.B) {
	s := mobileSetup(b)
	searcher, err := search.New("nsga2", search.Settings{
		Setup: search.Setup{Space: s.Space, Objectives: s.Objectives, Seed: 1}, Evaluations: 100000, Population: 1000,
	})
	if err != nil {
		b.Fatal(err)
	}
	store, err := runstore.Claim(b.TempDir())
	if err == nil {
		err = store.Begin(runstore.Manifest{}, nil, nil)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	b.ReportAllocs()
	b.ResetTimer()
	sum, err := search.Run(context.Background(), searcher, s, store, s.Objectives, search.Options{
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
	s := mobileSetup(b)
	sp, device := s.Space, s.Devices[0]
	r := rand.New(rand.NewPCG(1, 2))
	const n = 256
	archs := make([]space.Arch, n)
	nets := make([]*blocks.Network, n)
	calls := make([][]engine.Call, n)
	trials := make([]search.Trial, n)
	target := device.Predictor.Target()
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
		device.Predictor.PredictCalls(calls[i])
		c := search.Candidate{ID: i, Genes: g, Arch: archs[i], ArchID: archs[i].ID(), Parents: []int{1, 2}}
		res, err := s.Evaluate(context.Background(), c)
		if err != nil {
			b.Fatal(err)
		}
		trials[i] = search.NewTrial(c, res)
	}
	var buf []byte
	var chain []*space.LoweredBlock
	for _, step := range []struct {
		name string
		do   func(i int)
	}{
		{"network", func(i int) { archs[i].Network() }},
		{"counts", func(i int) { nets[i].Counts() }},
		{"compile", func(i int) { engine.Compile(nets[i], target, engine.Options{}) }},
		{"predict_calls", func(i int) { device.Predictor.PredictCalls(calls[i]) }},
		{"latency", func(i int) { device.Predictor.Latency(calls[i]) }},
		{"predict", func(i int) { device.Predictor.Predict(nets[i]) }},
		{"accuracy", func(i int) { s.Accuracy.Estimate(context.Background(), nets[i]) }},
		{"id", func(i int) { archs[i].ID() }},
		{"append", func(i int) { buf = runstore.AppendTrial(buf[:0], &trials[i]) }},
		{"trial", func(i int) { search.NewTrial(search.Candidate{Arch: archs[i]}, search.Result{}) }},
		{"lower", func(i int) { chain, _ = s.lowerer.Lower(chain[:0], &archs[i]) }},
		{"join", func(i int) { chain, _ = s.lowerer.Lower(chain[:0], &archs[i]); space.Join(chain) }},
		{"parts", func(i int) {
			chain, _ = s.lowerer.Lower(chain[:0], &archs[i])
			blockChain{nil, "", chain}.predict(device)
		}},
		{"evaluate", func(i int) { s.Evaluate(context.Background(), search.Candidate{Arch: archs[i]}) }},
	} {
		b.Run(step.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				step.do(i % n)
			}
		})
	}
}
