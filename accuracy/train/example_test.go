package train_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"nas/accuracy/images"
	"nas/accuracy/train"
	"nas/blocks"
)

// stripes writes 200 images of 4 x 4 pixels in the format of MNIST: of class 0 the left column is white, of class 1 the
// right one.
func stripes() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "example"); err != nil {
		return "", err
	}
	const n = 200
	pixels, labels := []byte{0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 4, 0, 0, 0, 4}, []byte{0, 0, 8, 1, 0, 0, 0, n}
	for i := range n {
		labels = append(labels, byte(i%2))
		for p := range 16 {
			v := byte(i + 7*p)
			if p%4 == 3*(i%2) {
				v = 255
			}
			pixels = append(pixels, v/2)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "train-images-idx3-ubyte"), pixels, 0o644); err != nil {
		return dir, err
	}
	return dir, os.WriteFile(filepath.Join(dir, "train-labels-idx1-ubyte"), labels, 0o644)
}

func Example() {
	dir, err := stripes()
	defer os.RemoveAll(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	b := blocks.NewBuilder("small", blocks.Shape{H: 4, W: 4, C: 1})
	x := blocks.ConvBNAct{Out: 8, Kernel: 3, Act: blocks.ReLU}.Build(b, b.Input())
	b.Apply("classifier", &blocks.Linear{Out: 2, Bias: true}, x)
	net, err := b.Network()
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := images.Open(dir, images.Options{Shape: net.Input()})
	if err != nil {
		fmt.Println(err)
		return
	}
	options := train.Defaults()
	options.Epochs, options.Batch, options.Shift = 10, 32, 0
	t, err := train.New(net, blocks.NewWeights(net, 1), data.Train, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer t.Close()
	for t.Done() < options.Epochs {
		if _, err := t.Epoch(context.Background(), nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	right, err := train.Judge(context.Background(), net, t.Weights(), data.Val, 2)
	fmt.Printf("%.0f %% of %d images, %v\n", right, data.Val.Len(), err)
	// Output: 100 % of 40 images, <nil>
}
