package config

import (
	"fmt"
	"strings"
	"testing"
)

// What people call a key or a value by is understood, with one message.
func TestOtherNames(t *testing.T) {
	for _, c := range []struct{ table, line, means string }{
		{"[[space.stage]]", "kernel_size = 5", "kernel?"},
		{"[[space.stage]]", "ksize = 5", "kernel?"},
		{"[output]", "kind = 'aspp'", "kind in [space.head]?"},
		{"[[space.stage]]", "strides = 2", "stride?"},
		{"[[space.stage]]", "expand_ratio = 6", "expansion?"},
		{"[[space.stage]]", "expansion-ratio = 6", "expansion?"},
		{"[[space.stage]]", "t = 6", "expansion?"},
		{"[[space.stage]]", "repeats = 3", "depth?"},
		{"[[space.stage]]", "num_layers = 3", "depth?"},
		{"[[space.stage]]", "se_ratio = 0.25", "se?"},
		{"[[space.stage]]", "act = 'relu'", "activation?"},
		{"[[space.stage]]", "op = 'ds'", "block?"},
		{"[[space.stage]]", "Kernel = 5", "kernel?"},
		{"[[space.stage]]", "width = 5", "width in [space]?"},
		{"[[space.stage]]", "evaluations = 5", "evaluations in [search]?"},
		{"[[space.stage]]", "activation = 'silu'", `"swish"?`},
		{"[[space.stage]]", "activation = 'swish6'", `"swish"?`},
		{"[[space.stage]]", "activation = 'relu_6'", `"relu6"?`},
		{"[[space.stage]]", "activation = 'ReLU6'", `"relu6"?`},
		{"[[space.stage]]", "activation = 'hard_swish'", `"hswish"?`},
		{"[[space.stage]]", "block = 'inverted_residual'", `"mbconv"?`},
		{"[[space.stage]]", "block = 'MBConv6'", `"mbconv"?`},
		{"[[space.stage]]", "block = 'fused-mbconv'", `"fused"?`},
		{"[[space.stage]]", "block = 'depthwise_separable'", `"ds"?`},
		{"[[space.stage]]", "block = 'identity'", `"skip"?`},
		{"[space.head]", "type = 'aspp'", "kind?"},
		{"[space.head]", "kind = 'deeplabv3'", `"aspp"?`},
		{"[constraints]", "latency_ms = 5", "max_latency?"},
		{"[constraints]", "flops = 5", "max_macs?"},
		{"[constraints]", "params = 5", "max_params?"},
		{"[constraints]", "max_memory = 5", "max_activation_bytes?"},
		{"[search]", "objectives = ['flops']", `"macs"?`},
		{"[search]", "objectives = ['top-1']", `"accuracy"?`},
		{"[search]", "population_size = 8", "population?"},
		{"[search]", "max_latency = 8", "max_latency in [constraints]?"},
		{"[accuracy]", "channels = 8", "channels in [space.stem] or [[space.stage]] or [space.head]?"},
		{"[[space.stage]]", "choice = [{kind = 'skip'}]", "block?"},
		{"[constraints]", "max_latency = {pixel = '5ms'}", `"pixel4"?`},
		{"[search]", "objectives = ['latency@pixel', 'accuracy']", `"latency@pixel4"?`},
		{"[search]", "seed = 8", "seed at the top of the file?"},
		{"[output]", "formats = ['onnx']", "export?"},
		{"[output]", "export = ['torch']", `"pytorch"?`},
		{"[stem]", "channels = 8", "[space.stem]?"},
		{"[[stage]]", "channels = 8", "[[space.stage]]?"},
		{"[[stages]]", "channels = 8", "[[space.stage]]?"},
	} {
		text := small + c.table + "\n"
		if strings.Contains(c.table, "stage") && !strings.HasPrefix(c.line, "channels") {
			text += "channels = 16\n"
		}
		_, err := Decode("b.toml", []byte(text+c.line+"\n"))
		if err == nil || !strings.Contains(err.Error(), "did you mean "+c.means) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s in %s: %v, want one line with %s", c.line, c.table, err, c.means)
		}
	}
	for _, strange := range []string{"x", "zzzz", "size", "a", strings.Repeat("kernel", 1000)} {
		if near := Nearest(strange, []string{"kernel", "depth", "stride"}); near != "" {
			t.Errorf("%.20s is taken for %s", strange, near)
		}
	}
}

// Of what a mistake leaves out or makes wrong nothing is said.
func TestNoSecondMessage(t *testing.T) {
	stage := "[[space.stage]]\n"
	for name, text := range map[string]string{
		"a misspelt input":    "[space]\nimput = [32, 32, 3]\nclasses = 10\n" + stage + "channels = 16\n",
		"a misspelt table":    "[spaec]\ninput = [32, 32, 3]\nclasses = 10\n[[spaec.stage]]\nchannels = 16\n",
		"an unreadable block": small + "block = 3\ngroups = 4\n",
		"a misspelt block":    small + "blok = 'grouped'\ngroups = 4\n",
		"unreadable channels": "[space]\ninput = [32, 32, 3]\nclasses = 10\n" + stage +
			"channels = 'x'\nblock = 'grouped'\ngroups = 3\n",
		"an unreadable profile":   small + "[latency]\nprofile = 3\n[search]\nobjectives = ['latency@phone']\n",
		"an unreadable choice":    small + "choice = 3\n",
		"an empty kind":           small + "[space.head]\nkind = ''\n",
		"an unreadable objective": small + "[search]\nobjectives = [3]\n",
	} {
		if _, err := Decode("b.toml", []byte(text)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line", name, err)
		}
	}
	text := small
	for i := range 30 {
		text = fmt.Sprintf("key%d = 1\n", i) + text
	}
	_, err := Decode("b.toml", []byte(text))
	if lines := strings.Split(err.Error(), "\n"); len(lines) != 21 || lines[20] != "b.toml: and 10 more" {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}

// What is allowed and probably a slip is warned of, with its line; what is usual is not.
func TestSlips(t *testing.T) {
	choice := "kernel = [3, 5]\n"
	image := func(input string) string { return strings.Replace(small, "[32, 32, 3]", input, 1) }
	for _, c := range []struct{ text, want string }{
		{small + choice, ""},
		{image("[49, 10, 1]") + choice, ""},
		{small + choice + "[constraints]\nmax_latency = 25\nmax_params = '5M'\nmax_macs = 3e8\n", ""},
		{small, ":2: space: it holds one network"},
		{image("[3, 224, 224]") + choice + "stride = 2\n",
			":3: space.input = [3, 224, 224]: the channels come last, and 224 are many: did you mean [224, 224, 3]?"},
		{strings.Replace(small, "classes = 10", "classes = 1", 1) + choice, ":4: space.classes = 1: "},
		{image("[224, 224, 3]") + choice, ":5: space.stage[1]: no stage has a stride"},
		{small + choice + strings.Repeat("[[space.stage]]\nchannels = 16\nstride = 2\n", 4),
			":17: space.stage[5]: at resolution 32 its map is a single pixel"},
		{small + choice + "stride = 2\ndilation = [1, 2]\n", ":9: space.stage[1].dilation = [1, 2]: "},
		{small + choice + "activation = 'identity'\n", ":8: space.stage[1].activation = \"identity\": "},
		{small + choice + "[constraints]\nmax_latency = 0.025\n", `did you mean "0.025s"?`},
		{small + choice + "[constraints]\nmax_latency = 25000\n", `did you mean "25000us"?`},
		{small + choice + "[constraints]\nmax_params = 5\n",
			`:9: constraints.max_params = 5: that is 5 parameters: did you mean "5M"?`},
		{small + choice + "[constraints]\nmax_macs = 300\n", `did you mean "300M"?`},
		{small + choice + "[constraints]\nmax_activation_bytes = 320\n", `did you mean "320kB"?`},
		{small + choice + "se_gate = 'sigmoid'\n", `:8: space.stage[1].se_gate = "sigmoid": no block of the stage has squeeze`},
		{small + choice + "se_gate = 'sigmoid'\nse = [0, 0.25]\n", ""},
		{small + choice + "[search]\nevaluations = 100\ntrials = 50\n", ":10: search.trials = 50: it ends the search before its 100"},
		{small + choice + "[search]\nevaluations = 100\ntrials = 500\n", ""},
		{small + choice + "[search]\ntimeout = '5ms'\n", `:9: search.timeout = "5ms": `},
		{small + choice + "[search]\ntime = '10ms'\n", `:9: search.time = "10ms": `},
	} {
		found := ""
		for _, w := range decode(t, c.text).Warnings() {
			found += w.String()
		}
		if (c.want == "") != (found == "") || !strings.Contains(found, c.want) {
			t.Errorf("%s\nis warned of by %q, want %q", c.text, found, c.want)
		}
	}
}
