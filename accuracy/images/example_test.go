package images_test

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"

	"nas/accuracy/images"
	"nas/blocks"
)

// drawn writes eight pictures of each of two classes, and returns their folder.
func drawn() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "example"); err != nil {
		return "", err
	}
	for class, grey := range map[string]uint8{"dark": 20, "light": 220} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			return dir, err
		}
		for i := range 8 {
			f, err := os.Create(filepath.Join(dir, class, fmt.Sprint(i, ".png")))
			if err != nil {
				return dir, err
			}
			img := image.NewGray(image.Rect(0, 0, 10, 10))
			for p := range img.Pix {
				img.SetGray(p%10, p/10, color.Gray{Y: grey})
			}
			if err := png.Encode(f, img); err != nil {
				return dir, err
			}
			f.Close()
		}
	}
	return dir, nil
}

func Example() {
	dir, err := drawn()
	defer os.RemoveAll(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	data, err := images.Open(dir, images.Options{Shape: blocks.Shape{H: 6, W: 6, C: 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(data.Train.Len(), "images to train on,", data.Val.Len(), "to judge by,", data.Train.Classes, "classes")
	for i := range data.Val.Len() {
		if light := data.Val.Image(i)[0] > 100; light != (data.Val.Label(i) == 1) {
			fmt.Println("image", i, "has the wrong class")
		}
	}
	// Output: 13 images to train on, 3 to judge by, 2 classes
}
