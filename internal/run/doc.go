// Package run carries out a search, from a config to a front with pictures and networks that can be
// used elsewhere:
//
//	open the directory -> make the models -> record them -> search -> rank the front -> measure it -> write
//
// Each step takes what the steps before it returned. The trials are the only truth that a run stores as
// it goes; everything else in its directory can be made again from them, which is what resuming a
// finished run does.
package run
