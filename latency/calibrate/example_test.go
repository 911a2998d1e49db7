package calibrate_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"nas/blocks"
	"nas/blocks/zoo"
	"nas/latency/calibrate"
	"nas/latency/latencytest"
)

// A calibration times networks that are like those to be predicted. Here it times a
// simulated device; native.New gives this machine.
func ExampleDevice() {
	var networks []*blocks.Network
	for _, size := range []int{96, 128, 160, 192} {
		for _, name := range []string{"mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mnasnet_a1"} {
			n, err := zoo.Get(fmt.Sprintf("%s@width=0.5,res=%d", name, size))
			if err != nil {
				fmt.Println(err)
				return
			}
			networks = append(networks, n)
		}
	}
	device := latencytest.NewSimulated(1, 0.01, 0.01)
	o := calibrate.Options{Budget: time.Minute}
	p, err := calibrate.Device(context.Background(), device, slices.Values(networks), o)
	if err != nil {
		fmt.Println(err)
		return
	}
	predictor, err := p.Predictor()
	if err != nil {
		fmt.Println(err)
		return
	}
	n, err := zoo.Get("mobilenet_v2@width=0.5,res=176")
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := predictor.Predict(n)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("networks held out:", len(p.HeldOut))
	fmt.Println("an interval around the prediction:", e.LowMs < e.LatencyMs && e.LatencyMs < e.HighMs)
	// Output:
	// networks held out: 5
	// an interval around the prediction: true
}
