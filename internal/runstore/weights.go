package runstore

import (
	"os"
	"path/filepath"
)

// WeightsFile is the path at which the weights of a trained network are kept, as .safetensors.
func WeightsFile(dir, archID string) string {
	return filepath.Join(dir, WeightsDir, archID+".safetensors")
}

// WeightsOf is [WeightsFile], or "" where the run in dir has no weights of that network.
func WeightsOf(dir, archID string) string {
	path := WeightsFile(dir, archID)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}
