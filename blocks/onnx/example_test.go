package onnx_test

import (
	"bytes"
	"fmt"

	"nas/blocks"
	"nas/blocks/onnx"
	"nas/blocks/zoo"
)

func Example() {
	n, err := zoo.Get("mobilenet_v3_small@width=0.5,res=64,classes=10")
	if err != nil {
		fmt.Println(err)
		return
	}
	w := blocks.NewWeights(n, 1)

	var file bytes.Buffer
	if err := onnx.Write(&file, n, w, onnx.Options{FoldBN: true, Metadata: map[string]string{"seed": "1"}}); err != nil {
		fmt.Println(err)
		return
	}
	m, err := onnx.Read(file.Bytes(), onnx.ReadOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Network.Name, m.Network.Input(), m.Network.Output())
	fmt.Println(m.Network.Counts().MACs == n.Counts().MACs, m.Metadata["seed"])
	// Output:
	// mobilenet_v3_small@width=0.5,res=64,classes=10 64x64x3 1x1x10
	// true 1
}
