package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"nas/internal/levenshtein"
)

// otherNames lists, behind words of the config, what other programs and papers call the same thing. A
// name that several lines have stands for whichever word is allowed where it was found.
const otherNames = `
kernel: kernelsize ksize k kernels filtersize kernelsizes
channels: outchannels filters numchannels outputchannels cout features planes nfilters numfilters chs c outplanes dim
stride: strides s
depth: repeats repeat layers numlayers numblocks nblocks n depths numrepeat
expansion: expandratio expansionratio expand expandratios expansionfactor t e expratio mlpratio
activation: act nonlinearity activationfunction actfn activationfn actlayer
se: seratio squeezeexcite squeezeexcitation squeezeandexcite usese serratio
block: type blocktype op ops layertype conv blocks kind
kind: type headtype
groups: group cardinality numgroups
residual: skip shortcut skipconnection idskip useres
dilation: dilations dilationrate atrous rate
classes: numclasses nclasses outputs nclass labels
input: inputsize inputshape imagesize imgsize shape image insize
resolution: resolutions res inputresolution imageresolution
width: widthmult widthmultiplier alpha widths widthmults multiplier
max_latency: latencyms maxlatencyms latency latencylimit latencymax targetlatency
max_params: params maxparameters parameters numparams
max_macs: macs flops maxflops madds maxmadds mults
max_activation_bytes: memory maxmemory ram maxram sram maxsram activationbytes peakmemory
max_weight_bytes: flash maxflash modelsize maxsize weightbytes maxweights
min_top1_pct: minaccuracy top1 mintop1 minacc targetaccuracy minaccuracypct
population: popsize populationsize pop
evaluations: evals iterations iters numevaluations samples maxevaluations steps maxevals numtrials budget
trials: maxtrials
time: timelimit walltime duration maxtime
timeout: evaltimeout evaluationtimeout timeouts
algorithm: algo searcher method optimizer strategy sampler
objectives: metrics targets goals
start: init initial startfrom warmstart
plateau: patience earlystopping earlystop
dir: directory path folder out outputdir outdir outputdirectory
export: formats format exports
measure: measurements nummeasure
proxy: score estimator metric predictor
native: cpu host local thismachine x86 arm
device: target hardware platform runtime backend
dtype: datatype precision quantize quantized quantization
threads: numthreads nthreads cores cpus
profile: profiles latencytable table lut
seed: randomseed rngseed randomstate
name: title runname experiment
stage: stages blocks
head: heads classifier
stem: firstconv inputconv
output: out results
constraints: limits constraint
swish: silu
hswish: hardswish
hsigmoid: hardsigmoid
identity: none linear
mbconv: invertedresidual ir mbconv1 mbconv3 mbconv4 mbconv6 mb ibn mobilenetv2 bottleneck
fused: fusedmbconv fusedmb edgeresidual fusedib fusedir
ds: depthwiseseparable separable dwsep dsconv dwconv depthwise sepconv separableconv mobilenetv1
conv: conv2d convbnact standard conv3x3 convbnrelu
skip: identity none skipconnect zero
grouped: groupconv groupedconv resnext
uib: universalinvertedbottleneck
classifier: linear fc classification dense
aspp: deeplab deeplabv3
lraspp: rlraspp liteaspp
accuracy: top1 acc score top1pct
latency: latencyms time
params: parameters size
macs: flops madds
activation_bytes: memory ram activations peakactivationbytes
weight_bytes: flash weights modelsize
pytorch: torch pt pth
nsga2: nsgaii nsga ga genetic
evolution: regularizedevolution aging agingevolution rea
surrogate_nsga2: bayesian bo surrogate
exhaustive: grid all bruteforce
local: localsearch hillclimbing
random: randomsearch
`

// otherName maps a name of otherNames to the words that it may stand for.
var otherName = func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(otherNames)) {
		word, names, _ := strings.Cut(line, ":")
		for _, n := range strings.Fields(names) {
			m[n] = append(m[n], word)
		}
	}
	return m
}()

var plainer = strings.NewReplacer("_", "", "-", "", " ", "", ".", "")

// plain is a word without what people write in different ways.
func plain(word string) string { return plainer.Replace(strings.ToLower(word)) }

// longest is how long a word may be for which others are searched.
const longest = 40

// called returns the one of words that people call by another name, or write in another way.
func called(name string, words []string) string {
	if len(name) > longest {
		return ""
	}
	p := plain(name)
	for _, w := range words {
		if w != "" && (plain(w) == p || slices.Contains(otherName[p], w)) {
			return w
		}
	}
	return ""
}

// Nearest returns the one of words that name probably means, or "".
func Nearest(name string, words []string) string {
	if w := called(name, words); w != "" || len(name) > longest {
		return w
	}
	for i := 1; i < len(name); i++ {
		if swapped := name[:i-1] + name[i:i+1] + name[i-1:i] + name[i+1:]; slices.Contains(words, swapped) {
			return swapped
		}
	}
	best, least := "", max(1, min(2, len(name)/3))+1
	for _, w := range words {
		if n := levenshtein.Distance(name, w); n < least && n < len(w) {
			best, least = w, n
		}
	}
	return best
}

// OneOf says what would be right in place of a name that is none of words.
func OneOf(name string, words []string) string {
	want := "want one of " + strings.Join(words, ", ")
	if w := Nearest(name, words); w != "" {
		return "did you mean " + strconv.Quote(w) + "? " + want
	}
	return want
}

// meant returns the path of the key that an unknown one of the table at path stands for, and how a
// person would say that; "" where there is none. keys are those of the table.
func meant(path, key string, keys []string) (at, text string) {
	if w := Nearest(key, keys); w != "" {
		return join(path, w), w
	}
	exact := slices.ContainsFunc(tables, func(t tableKeys) bool { return slices.Contains(t.keys, key) })
	for _, t := range tables {
		w := called(key, t.keys)
		if w == "" || t.path == path || exact && w != key {
			continue
		}
		here := join(t.path, w)
		i := slices.IndexFunc(tables, func(t tableKeys) bool { return t.path == here })
		switch {
		case at != "" && i < 0 && strings.HasPrefix(text, w+" in "):
			text += " or " + t.header() // stem, stage and head have keys alike
		case at != "":
		case i >= 0:
			return here, tables[i].header()
		case t.path == "":
			return here, w + " at the top of the file"
		default:
			at, text = here, w+" in "+t.header()
		}
	}
	return at, text
}

// tableKeys are the keys of a table of the config.
type tableKeys struct {
	path string
	list bool // of tables
	keys []string
}

// header is the table as a file writes it.
func (t *tableKeys) header() string {
	if t.list {
		return "[[" + t.path + "]]"
	}
	return "[" + t.path + "]"
}

// tables are all tables of a config, outer ones first.
var tables = tablesOf("", reflect.TypeFor[Config]())

func tablesOf(path string, t reflect.Type) []tableKeys {
	all := []tableKeys{{path: path}}
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("toml"), ",")
		inner := t.Field(i).Type
		if key == "" {
			continue
		}
		all[0].keys = append(all[0].keys, key)
		list := inner.Kind() == reflect.Slice
		if list {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			sub := tablesOf(join(path, key), inner)
			sub[0].list = list
			all = append(all, sub...)
		}
	}
	return all
}
