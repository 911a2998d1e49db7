package evaluator_test

import (
	"strings"
	"testing"

	"nas/internal/config"
	"nas/internal/evaluator"
)

func TestRecipeIsChecked(t *testing.T) {
	const space = "[space]\ninput = [224, 224, 3]\nclasses = 1000\n[[space.stage]]\nchannels = 16\n"
	for _, c := range []struct{ accuracy, want string }{
		{`proxy = "imagenet"`, ""},
		{"proxy = \"imagenet\"\nrecipe = \"strong\"", ""},
		{"proxy = \"rankmean(imagenet,depth)\"\nrecipe = \"distilled\"", ""},
		{"proxy = \"depth\"\nrecipe = \"base\"", ""},
		{"proxy = \"imagenet\"\nrecipe = \"early\"", "want one of base, augmented, strong, distilled"},
		{"proxy = \"depth\"\nrecipe = \"strong\"", "depth knows of no recipes"},
	} {
		_, err := config.Decode("x.toml", []byte(space+"[accuracy]\n"+c.accuracy+"\n"), evaluator.Check)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.accuracy, err, c.want)
		}
	}
}
