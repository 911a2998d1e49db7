package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

// odd are values that stand in place of others.
var odd = []string{
	"null", "-1", "0", "1", "-0.5", "1e308", "1e999", "99999999999999999999", "2147483648", "nan", "inf", `"x"`, `""`, "x",
	"[]", "{}", "[1, 2]", "true", `"\u001b[2J"`, `"` + strings.Repeat("n", 5000) + `"`, "'", `"`, "\x00", "\xff", "=", ",",
	"é", "[[[[[[[[[[[[[[[[[[[[", "../../x", "1e-320", "00", "+5", "0x10", "5%", "1_000", " ",
}

// value finds numbers, quoted texts and words.
var value = regexp.MustCompile(`"[^"\n]*"|-?[0-9][0-9.eE+-]*|[A-Za-z_]+`)

// mutate changes a text in one or two places.
func mutate(r *rand.Rand, text []byte) []byte {
	out := bytes.Clone(text)
	for range 1 + r.IntN(2) {
		n := len(out)
		if n == 0 {
			return out
		}
		i, j := r.IntN(n), r.IntN(n)
		switch k := r.IntN(10); {
		case k < 5:
			if at := value.FindAllIndex(out, -1); len(at) > 0 {
				v := at[r.IntN(len(at))]
				out = bytes.Join([][]byte{out[:v[0]], []byte(odd[r.IntN(len(odd))]), out[v[1]:]}, nil)
			}
		case k == 5:
			out[i] = byte(r.IntN(256))
		case k == 6:
			out = out[:i]
		case k == 7:
			out = bytes.Join([][]byte{out[:i], []byte(odd[r.IntN(len(odd))]), out[i:]}, nil)
		case k == 8:
			out = append(out[:min(i, j)], out[min(max(i, j), min(i, j)+20):]...)
		default: // a line is lost, or stands there twice
			lines := bytes.SplitAfter(out, []byte("\n"))
			l := r.IntN(len(lines))
			lines[l] = bytes.Repeat(lines[l], 2*r.IntN(2))
			out = bytes.Join(lines, nil)
		}
	}
	return out
}

// mutated are files and texts to be damaged, and the command that reads them. FILE is the damaged copy, RUN the
// run that it is in, TEXT a damaged text.
var mutated = []struct{ file, text, args string }{
	{"run/profile.json", "", "predict mobilenet_v1@res=32 --profile FILE --json"},
	{"../../../../../results/reference/smoke/profile.json", "", "predict mobilenet_v1@res=32 --profile FILE --json"},
	{"run/trials.jsonl", "", "pick RUN --json"},
	{"run/trials.jsonl", "", "show RUN:3 --json"},
	{"run/manifest.json", "", "pick RUN --json"},
	{"run/config.toml", "", "pick RUN --json"},
	{"run/told.csv", "", "ask RUN --json"},
	{"run/front.csv", "", "tell RUN FILE"},
	{"run/told.csv", "", "validate accuracy --proxy macs --benchmark FILE --json"},
	{"net.json", "", "show FILE --json"},
	{"net.toml", "", "show FILE --json"},
	{"config.toml", "", "space FILE --sample 1"},
	{"",
		"unit,ms\nconv 14x14x64>14x14x64 k1x1 s1x1 d1x1 g1 relu6,0.5\n" +
			"dwconv 14x14x64>14x14x64 k3x3 s1x1 d1x1 p1x1 g64 relu6,0.25\n", "calibrate --from FILE.csv --out OUT"},
	{"", "network,ms,device\nmobilenet_v1,20,a\nmobilenet_v2,15.5,a\nmobilenet_v3_small,7,b\n",
		"calibrate --from FILE.csv --out OUT"},
	{"", "h_in,c_in,c_out,stride,kernel,expansion,ms\n14,64,64,1,3,6,0.5\n28;32,64,2,5,3,0.75\n28,32,64,2,5,3,0.75\n",
		"calibrate --from FILE.csv --out OUT"},
	{"", "name = \"r\"\nruntime = \"x\"\nunit = \"ms\"\npattern = 'took ([0-9.]+)'\ncommand = [\"false\", \"{model}\"]\n" +
		"batch = 4\nretries = 1\ntimeout_s = 2\nthreads = 1\n", "bench mobilenet_v1@res=32 --device FILE.toml --runs 1"},
	{"", tinyArch, "show TEXT --json"},
	{"", "224x224x3 | conv_k3_s2_c16_hswish | mbconv_k5_s2_x64_c24_relu6_se16:relu:hsigmoid ds_k3_s1_c24_relu6_both | " +
		"classifier_c128_hswish_n1000", "show TEXT --json"},
	{"", "mobilenet_v2@width=0.75,res=192", "show TEXT --json"},
	{"", "56x56x128", "cost --in TEXT --out 64 --kernel 3 --measure=false --json"},
	{"", "3", "cost --in 14x14x32 --out 64 --kernel TEXT --measure=false --json"},
	{"", "64", "cost --in 14x14x32 --out TEXT --kernel 3 --measure=false --json"},
	{"", "2", "cost --in 14x14x32 --out 64 --kernel 3 --stride TEXT --expand TEXT --measure=false"},
	{"", "2ms", "pick testdata/formats/v0.1/run --latency TEXT"},
	{"", "5", "ask testdata/formats/v0.1/run -n TEXT"},
}

// goSpeak is what no message should hold: words of parsers, Go's types and printed structs.
var goSpeak = regexp.MustCompile(`[ (]json:|[ (]toml:|strconv|` +
	`\bEOF\b|Go (struct|value)|interface \{|map\[|&\{|%!|` +
	`invalid character|unmarshal|runtime error|goroutine|<nil>|\bint64\b|\[\]string|` +
	`unexpected end|executable file|NaN is|invalid syntax|out of range|[^a-z_.](png|jpeg|image|zip|zlib): |` +
	`\{[0-9-]+ [0-9-]+`)

// Damaged files, tables, texts and numbers: a clear sentence that names the file, or a right result. The variable
// NAS_MUTATIONS is how many of each are tried; 20 without it.
func TestMutatedInputs(t *testing.T) {
	n := 20
	if v, err := strconv.Atoi(os.Getenv("NAS_MUTATIONS")); err == nil {
		n = v
	}
	for k := range mutated {
		t.Run(strconv.Itoa(k), func(t *testing.T) { mutateOne(t, k, n) })
	}
}

// mutateOne tries n damaged inputs of one kind.
func mutateOne(t *testing.T, k, n int) {
	from := filepath.Join("testdata", "formats", "v0.1")
	m := mutated[k]
	good := []byte(m.text)
	if m.file != "" {
		var err error
		if good, err = os.ReadFile(filepath.Join(from, filepath.FromSlash(m.file))); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, filepath.FromSlash(m.file))
	if strings.HasPrefix(m.file, "..") || m.file == "" {
		file = filepath.Join(dir, fmt.Sprintf("damaged%d%s", k, filepath.Ext(m.file)))
	}
	r := rand.New(rand.NewPCG(uint64(k), 1))
	for range n {
		text := mutate(r, good)
		args := strings.Fields(m.args)
		path := ""
		for i, a := range args {
			if name, ok := strings.CutPrefix(a, "FILE"); ok {
				path = file + name
				args[i] = path
			}
			args[i] = strings.Replace(args[i], "RUN", filepath.Join(dir, "run"), 1)
			args[i] = strings.Replace(args[i], "OUT", filepath.Join(dir, "out.json"), 1)
			if a == "TEXT" {
				args[i] = string(text)
			}
		}
		if path == "" && m.file != "" {
			path = file
		}
		if path != "" {
			write(t, path, text)
		}
		if why := judgeRun(t, args, path); why != "" {
			t.Errorf("%s with %.300q\n%s", m.args, changed(good, text), why)
		}
	}
}

// changed is the part of a text in which it differs from the good one.
func changed(good, text []byte) []byte {
	i := 0
	for i < min(len(good), len(text)) && good[i] == text[i] {
		i++
	}
	j := 0
	for j < min(len(good), len(text))-i && good[len(good)-1-j] == text[len(text)-1-j] {
		j++
	}
	return text[max(0, i-30) : len(text)-max(0, j-30)]
}

// judgeRun runs a command on a damaged file and says what is wrong with what it does; "" if nothing is.
func judgeRun(t *testing.T, args []string, file string) (why string) {
	defer func() {
		if p := recover(); p != nil {
			why = fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	code, stdout, stderr := nas(t, args...)
	if code == exitDone {
		return wrongResult(args[0], stdout)
	}
	i := strings.LastIndex(stderr, "nas: ")
	if i < 0 {
		return fmt.Sprintf("code %d without a message: %q", code, stderr)
	}
	message := strings.TrimSpace(stderr[i:])
	switch {
	case len(message) < 12 || len(message) > 4000 || strings.Count(message, "\n") > 25:
		return fmt.Sprintf("a message of %d bytes: %.300q", len(message), message)
	case strings.Contains(message, "recipe r, "): // whose command fails
	case file != "" && !strings.Contains(message, filepath.Base(file)):
		return fmt.Sprintf("%.300q does not name the file", message)
	case goSpeak.MatchString(message):
		return fmt.Sprintf("%.400q: %q is no word for a person", message, goSpeak.FindString(message))
	}
	return ""
}

// wrongResult says what is impossible in the figures that a command printed.
func wrongResult(command, stdout string) string {
	var v struct {
		Latency *float64 `json:"latency_ms"`
		Low     float64  `json:"low_ms"`
		High    float64  `json:"high_ms"`
		Params  *int64   `json:"params"`
		MACs    int64    `json:"macs"`
	}
	if !strings.HasPrefix(strings.TrimSpace(stdout), "{") {
		return ""
	}
	if err := json.Unmarshal([]byte(stdout), &v); err != nil {
		return fmt.Sprintf("%s prints no JSON: %v", command, err)
	}
	if v.Latency != nil && !(0 < v.Low && v.Low <= *v.Latency && *v.Latency <= v.High && v.High < 1e9) {
		return fmt.Sprintf("a latency of %g ms, %g to %g", *v.Latency, v.Low, v.High)
	}
	if v.Params != nil && (*v.Params < 0 || v.MACs < 0) {
		return fmt.Sprintf("%d params, %d MACs", *v.Params, v.MACs)
	}
	return ""
}
