package training

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"nas/accuracy/evaluators"
	"nas/internal/boundedfile"
	"nas/internal/tomlfile"
)

// Load reads a recipe: the path of a file, or the name of one that comes with the program.
func Load(name string) (*Recipe, error) {
	var text []byte
	var err error
	var files fs.FS
	folder := ""
	if slices.Contains(evaluators.Names(), name) {
		files = evaluators.Folder(name)
		text, err = fs.ReadFile(files, evaluators.RecipeFile)
	} else {
		if folder, err = filepath.Abs(filepath.Dir(name)); err != nil {
			return nil, err
		}
		text, err = boundedfile.Read(name, tomlfile.Small)
		files = os.DirFS(folder)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such recipe: want a file, or one of %s", strings.Join(evaluators.Names(), ", "))
	}
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, errors.New("the file is empty: want a recipe, as docs/training.md describes it")
	}
	var spec Spec
	unknown, err := tomlfile.Decode(text, &spec, tomlfile.Small)
	if err != nil {
		return nil, fmt.Errorf("%w: want a recipe, as docs/training.md describes it", err)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("line %d: unknown key %.80s: want the keys that docs/training.md lists",
			tomlfile.LinesOf(text).Of(unknown[0]), unknown[0])
	}
	return New(spec, files, folder)
}
