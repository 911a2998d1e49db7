// Package run is the pipeline behind `nas run`: from a config to a front with
// pictures and networks that can be used elsewhere.
//
//	config -> space -> profile (calibrated where it is missing) -> scale -> search -> measure -> export -> draw
//
// Each step is one file. The trials are the only truth that a run stores as it
// goes; everything else in its directory can be made again from them, which is
// what resuming a finished run does.
package run
