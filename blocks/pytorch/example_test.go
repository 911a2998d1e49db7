package pytorch_test

import (
	"bytes"
	"fmt"
	"strings"

	"nas/blocks"
	"nas/blocks/pytorch"
	"nas/blocks/zoo"
)

func Example() {
	n, err := zoo.Get("mobilenet_v2@width=0.5,res=96,classes=10")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := pytorch.New(n)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Class, m.Tensors[0].Name, m.Tensors[0].Shape)
	for _, line := range strings.Split(m.Source(), "\n") {
		if strings.Contains(line, "InvertedResidual(") && strings.Contains(line, "range") {
			fmt.Println(strings.TrimSpace(line))
		}
	}

	var file bytes.Buffer
	if err := m.WriteSafetensors(&file, blocks.NewWeights(n, 1)); err != nil {
		fmt.Println(err)
		return
	}
	w, err := m.ReadSafetensors(bytes.NewReader(file.Bytes()), int64(file.Len()))
	fmt.Println(err, w.Check(n))
	// Output:
	// MobileNetV2 stem.conv.weight [16 3 3 3]
	// *(InvertedResidual(16, 16, 96, residual=True) for _ in range(2)),
	// *(InvertedResidual(32, 32, 192, residual=True) for _ in range(3)),
	// *(InvertedResidual(48, 48, 288, residual=True) for _ in range(2)),
	// *(InvertedResidual(80, 80, 480, residual=True) for _ in range(2)),
	// <nil> <nil>
}
