package train

import (
	"os"
	"runtime"
	"testing"

	"nas/blocks"
	"nas/blocks/kernels"
	"nas/space"
)

// mobile is a network like MobileNetV2 for 32 x 32 pixels.
const mobile = "32x32x3 | conv_k3_s1_c16_relu6 | mbconv_k3_s1_x64_c16_relu6_res | mbconv_k3_s2_x96_c24_relu6 | " +
	"mbconv_k3_s1_x144_c24_relu6_res | mbconv_k3_s2_x144_c32_relu6 | mbconv_k3_s1_x192_c32_relu6_res | " +
	"mbconv_k3_s1_x192_c64_relu6 | mbconv_k3_s1_x384_c64_relu6_res | mbconv_k3_s2_x384_c96_relu6 | " +
	"mbconv_k3_s1_x576_c96_relu6_res | classifier_c384_relu6_n10"

// BenchmarkStep measures training steps, with all cores: images a second, and the share of the rate of multiply-adds on
// registers that the convolutions alone come to. NAS_TRAIN_ARCH names another network.
func BenchmarkStep(b *testing.B) {
	text := mobile
	if s := os.Getenv("NAS_TRAIN_ARCH"); s != "" {
		text = s
	}
	arch, err := space.Parse(text)
	if err != nil {
		b.Fatal(err)
	}
	n, err := arch.Network()
	if err != nil {
		b.Fatal(err)
	}
	const batch = 128
	set := kernels.Best()
	m, err := compile(n, set, batch)
	if err != nil {
		b.Fatal(err)
	}
	m.setWeights(blocks.NewWeights(n, 1))
	m.track = func(int, float64) {}
	workers := runtime.GOMAXPROCS(0)
	team := newTeam(set, workers)
	defer team.close()
	opt := newOptimizer(SGD, 5e-4, 0.9, len(m.values))
	all := m.chunks()
	load := func(_ *worker, s span, dst []float32) {
		for i := range dst {
			dst[i] = scaled[(s.first*31+i*7)%256]
		}
	}
	step := func(k int) {
		m.gradients(team, load, func(i int) int { return i % 10 }, 0.1)
		m.reduce(team, all)
		for _, c := range all {
			opt.step(m.values, m.grads[0], c.from, c.to, 0.01, k+1, c.decays, 1)
		}
	}
	step(0)
	b.ResetTimer()
	for k := range b.N {
		step(k)
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	flops := 2 * 3 * float64(n.Counts().MACs) * batch // forward, and the gradients by input and weights
	b.ReportMetric(batch/seconds, "images/s")
	b.ReportMetric(100*flops/seconds/1e9/(set.Peak()*float64(workers)), "%peak")
	b.ReportMetric(float64(4*m.floats)/1e6, "MB-maps")
}
