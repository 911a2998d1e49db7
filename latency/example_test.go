package latency_test

import (
	"fmt"
	"strings"

	"nas/blocks/zoo"
	"nas/latency"
	"nas/latency/timing"
)

// What somebody measured on a phone becomes a profile, and predicts a network
// that is not in the table.
func ExampleFromTable() {
	table := `network,ms
mobilenet_v1,30
mobilenet_v2,20
mobilenet_v2@width=0.5,8
mobilenet_v3_large,16
mobilenet_v3_small,6
`
	p, err := latency.FromTable(strings.NewReader(table), "phone.csv", latency.TableOptions{
		Device: timing.Device{Name: "phone", Runtime: "measurements", DType: "float32", Threads: 1}, Network: zoo.Get,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	predictor, err := p.Predictor()
	if err != nil {
		fmt.Println(err)
		return
	}
	net, err := zoo.Get("mobilenet_v2@width=0.75")
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := predictor.Predict(net)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("between MobileNetV2 of half and of full width:", 8 < e.LatencyMs && e.LatencyMs < 20)
	fmt.Println("with an interval around it:", e.LowMs < e.LatencyMs && e.LatencyMs < e.HighMs)
	// Output:
	// between MobileNetV2 of half and of full width: true
	// with an interval around it: true
}
