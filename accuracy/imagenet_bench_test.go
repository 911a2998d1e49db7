package accuracy_test

import (
	"testing"

	"nas/accuracy"
	"nas/blocks/zoo"
)

func BenchmarkImageNet(b *testing.B) {
	e, err := accuracy.NewImageNet("")
	if err != nil {
		b.Fatal(err)
	}
	n, err := zoo.Get("mobilenet_v2")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := e.Estimate(b.Context(), n); err != nil {
			b.Fatal(err)
		}
	}
}
