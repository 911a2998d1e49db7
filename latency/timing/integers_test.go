package timing

import (
	"testing"

	"nas/blocks/engine"
	"nas/blocks/zoo"
)

// TestRandomIntegers binds and runs the integers of networks of all kinds, among them ops without integers.
func TestRandomIntegers(t *testing.T) {
	for _, name := range []string{
		"mobilenet_v2@width=0.35,res=64", "mobilenet_v3_small@res=64", "shufflenet_v2@res=64", "resnet50@res=64",
		"efficientnet_b0@res=64", "fast_scnn@res=64", "xception@res=71", "alexnet@res=224",
	} {
		n, err := zoo.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		to := engine.Host(1)
		to.DType = engine.Int8
		p, err := engine.Compile(n, to, engine.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.BindInteger(new(engine.Workspace), RandomIntegers(n)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		in, out := RandomInput(p.InLen()), make([]float32, p.OutLen())
		if err := p.Run(out, in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
