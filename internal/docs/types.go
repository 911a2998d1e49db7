package main

// types are the words for Go types, and a value of the type that is likely to be
// refused.
var types = map[string]struct{ word, bad string }{
	"Ints":          {"whole number or list", "-1"},
	"Kernels":       {"whole number, [height, width] or list", "-1"},
	"Floats":        {"number or list", "-1.5"},
	"Strings":       {"word or list", `"?"`},
	"Bools":         {"true, false or list", "7"},
	"[]int":         {"list of whole numbers", "[-1]"},
	"[]string":      {"list of words", "7"},
	"[]ChoiceSpec":  {"list of blocks", "7"},
	"bool":          {"true or false", "7"},
	"int":           {"whole number", "-1"},
	"Evaluations":   {"whole number or text", "0"},
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
