package proxy_test

import (
	"context"
	"fmt"

	"nas/accuracy/proxy"
	"nas/blocks/zoo"
)

// Proxies of one network share its run through a memo.
func ExampleProxy_Score() {
	net, err := zoo.Get("mobilenet_v3_small@res=96")
	if err != nil {
		fmt.Println(err)
		return
	}
	settings := proxy.Settings{Seed: 1}
	var memo proxy.Memo
	for _, name := range []string{"depth", "naswot", "naswot_even"} {
		p, _ := proxy.LookUp(name)
		v, err := p.Score(context.Background(), net, settings, &memo)
		fmt.Println(p.Spell(settings), v > 0, err)
	}
	// Output:
	// depth true <nil>
	// naswot{batch=32,fraction=0.2857,seed=1} true <nil>
	// naswot_even{batch=32,fraction=0.2857,seed=1} true <nil>
}
