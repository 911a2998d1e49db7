package main

import (
	"strings"

	"nas/search"
)

// A note is what the types do not say of a key.
type note struct {
	unit    string // "" where the value is a count or a word
	example string // TOML of the value
	with    string // a line that the same table needs for the key to make sense
	allowed string // where the decoder does not know
	bad     string // TOML of a value that the decoder refuses with what is allowed; default by type
}

// arch is what may stand where a network is named.
const arch = "a zoo name with options, a file, a trial of a run, an arch string"

// notes by table and key; a test wants one for every key, and every example accepted.
var notes = map[string]note{
	"name": {example: `"mobile"`, bad: `"a/b"`},
	"seed": {example: `7`},

	"space.input":         {unit: "pixels, pixels, channels", example: `[224, 224, 3]`, bad: `[0]`},
	"space.classes":       {example: `1000`},
	"space.resolution":    {unit: "pixels", example: `[160, 192, 224]`, allowed: "1 to 8192, where the width that follows is whole"},
	"space.width":         {example: `[0.5, 0.75, 1.0]`},
	"space.output_stride": {unit: "pixels a feature", example: `[8, 16, 32]`},

	"space.stem.channels":   {example: `[16, 32]`},
	"space.stem.kernel":     {unit: "pixels", example: `3`},
	"space.stem.stride":     {unit: "pixels", example: `2`},
	"space.stem.activation": {example: `["relu6", "hswish"]`},
	"space.stem.scale":      {example: `"never"`},

	"space.stage.block":            {example: `["mbconv", "fused"]`},
	"space.stage.channels":         {example: `[24, 32]`},
	"space.stage.stride":           {unit: "pixels", example: `2`},
	"space.stage.depth":            {example: `[1, 2, 3, 4]`},
	"space.stage.kernel":           {unit: "pixels", example: `[3, 5, 7]`},
	"space.stage.expansion":        {example: `[3, 4, 6]`},
	"space.stage.dilation":         {unit: "pixels", example: `[1, 2]`},
	"space.stage.activation":       {example: `["relu6", "hswish"]`},
	"space.stage.activation_after": {example: `"depthwise"`, with: `block = "ds"`},
	"space.stage.groups":           {example: `[2, 4]`, with: `block = "grouped"`},
	"space.stage.se":               {example: `[0, 0.25]`},
	"space.stage.residual":         {example: `[true, false]`},
	"space.stage.attention":        {example: `["none", "eca"]`},
	"space.stage.experts":          {example: `[1, 4]`},
	"space.stage.multiplier":       {example: `[1, 2]`, with: `block = "ds"`},
	"space.stage.choice":           {example: `[{block = "skip"}, {block = "mbconv", kernel = 5}]`, bad: `[]`},
	"space.stage.per":              {example: `"stage"`},
	"space.stage.experts_in":       {example: `"both"`},
	"space.stage.se_from":          {example: `"input"`},
	"space.stage.se_activation":    {example: `"swish"`},
	"space.stage.se_gate":          {example: `"sigmoid"`},

	"space.head.kind":       {example: `"lraspp"`},
	"space.head.channels":   {example: `[960, 1280]`},
	"space.head.hidden":     {example: `1024`},
	"space.head.rates":      {unit: "pixels", example: `[6, 12, 18]`, with: `kind = "aspp"`, bad: `[1]`},
	"space.head.low":        {example: `1`, with: `kind = "lraspp"`, allowed: "the number of a stage, or 0"},
	"space.head.activation": {example: `"relu"`},
	"space.head.scale":      {example: `"always"`},

	"latency.device":  {example: `"onnxruntime"`, allowed: `native, a recipe's name or its file: see [devices](devices.md)`},
	"latency.threads": {example: `2`},
	"latency.profile": {example: `"phone.json"`, allowed: "`\"auto\"`, a file, or a table of these by names"},
	"latency.budget":  {unit: "duration", example: `"90s"`, bad: `"1ms"`},

	"accuracy.proxy": {example: `"imagenet"`, allowed: "a score that `nas validate accuracy --help` lists: see [accuracy](accuracy.md)"},
	"accuracy.seed":  {example: `3`},

	"constraints.max_latency":          {unit: "ms", example: `"25ms"`, bad: `"5%"`},
	"constraints.max_params":           {unit: "parameters", example: `"5M"`, bad: `"5%"`},
	"constraints.max_macs":             {unit: "MACs", example: `"300M"`, bad: `"5%"`},
	"constraints.max_activation_bytes": {unit: "bytes", example: `"320kB"`, bad: `"5%"`},
	"constraints.max_weight_bytes":     {unit: "bytes", example: `"1MB"`, bad: `"5%"`},
	"constraints.min_top1_pct":         {unit: "per cent", example: `70`, bad: `"5ms"`},
	"constraints.bytes_per_value":      {unit: "bytes", example: `1`},

	"search.objectives":  {example: `["latency", "accuracy", "params"]`, bad: `["?"]`},
	"search.algorithm":   {example: `"random"`, allowed: "auto, " + strings.Join(search.Algorithms(), ", ") + ": see [search](search.md)"},
	"search.population":  {unit: "networks", example: `64`},
	"search.evaluations": {unit: "networks", example: `20_000`},
	"search.trials":      {unit: "networks", example: `100_000`},
	"search.time":        {unit: "duration", example: `"10m"`},
	"search.plateau":     {unit: "networks", example: `1000`},
	"search.timeout":     {unit: "duration", example: `"5s"`},
	"search.start":       {example: `["mobilenet_v2", "mobilenet_v1@width=0.5"]`, allowed: arch},

	"output.dir":     {example: `"results/mobile"`, allowed: "a path"},
	"output.export":  {example: `["onnx", "pytorch"]`, bad: `["?"]`},
	"output.measure": {unit: "networks", example: `20`},
}

// types are the words for Go types, and a value of the type that is likely to be
// refused.
var types = map[string]struct{ word, bad string }{
	"Ints":          {"whole number or list", "-1"},
	"Floats":        {"number or list", "-1.5"},
	"Strings":       {"word or list", `"?"`},
	"Bools":         {"true, false or list", "7"},
	"[]int":         {"list of whole numbers", "[-1]"},
	"[]string":      {"list of words", "7"},
	"[]ChoiceSpec":  {"list of blocks", "7"},
	"int":           {"whole number", "-1"},
	"uint64":        {"whole number", "-1"},
	"string":        {"text", `"?"`},
	"Named[string]": {"text or table", `""`},
	"Named[Limit]":  {"limit or table", "-1"},
	"*Limit":        {"limit", "-1"},
	"Duration":      {"time", `"-1s"`},
	"[]StageSpec":   {}, // tables of their own
	"StemSpec":      {},
	"HeadSpec":      {},
	"space.Spec":    {},
	"Latency":       {},
	"Accuracy":      {},
	"Constraints":   {},
	"Search":        {},
	"Output":        {},
}
