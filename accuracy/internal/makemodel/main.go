// Command makemodel makes the fitted accuracy estimate from the tables of trained
// networks and prints what it is worth.
//
//	go run ./accuracy/internal/makemodel -out accuracy/imagenet/imagenet_model.json
package main

import (
	"flag"
	"fmt"
	"os"

	"nas/accuracy/internal/fit"
)

func main() {
	out := flag.String("out", "accuracy/imagenet/imagenet_model.json", "file to write")
	flag.Parse()
	model, err := fit.ImageNet(os.Stderr)
	if err == nil {
		err = os.WriteFile(*out, append(model, '\n'), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
