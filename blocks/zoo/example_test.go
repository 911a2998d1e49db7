package zoo_test

import (
	"fmt"

	"nas/blocks/zoo"
)

func ExampleGet() {
	n, err := zoo.Get("mobilenet_v2@width=0.75,res=192")
	if err != nil {
		fmt.Println(err)
		return
	}
	c := n.Counts()
	fmt.Printf("%s: %d params, %d MACs, %d bytes of activations\n", n.Name, c.Params, c.MACs, 4*c.PeakActivations)

	_, err = zoo.Get("mobilnet_v2")
	fmt.Println(err)
	// Output:
	// mobilenet_v2@width=0.75,res=192: 2636424 params, 153941888 MACs, 4423680 bytes of activations
	// zoo: there is no network "mobilnet_v2", nearest: mobilenet_v2, mobilenet_v1, mnasnet_b1
}

func ExampleEntries() {
	for _, e := range zoo.Entries() {
		if e.Name != "mobilenet_v1" {
			continue
		}
		for _, f := range e.Figures {
			if f.Options == "width=0.75" && f.Note != "" {
				fmt.Printf("%s %g (%s): %s\n", f.Quantity, f.Value, f.Source, f.Note)
			}
		}
	}
	// Output:
	// macs 3.17e+08 (slim README): leaves the stem convolution (8.13 M) out; the paper says 325 M
}
