// Package report draws what a search found: the front among all trials, the
// growth of its hypervolume, predicted against measured latency, where the
// latency of one network goes, and what distinguishes the front from the rest
// of the space.
//
// Every figure is a plain struct of numbers and names; it does not know how a
// run is stored. [Save] writes one as SVG, PNG or PDF. The bytes depend on the
// struct alone: no time, no random numbers, no map order.
//
// All figures speak one visual language. What was tried is light, what was
// found is dark. Colours are those of Okabe and Ito ("Color universal design",
// 2008), which people with any of the common colour-vision deficiencies can
// tell apart; shape or dash always says the same again. Text is set in
// Liberation Sans, and SVG files name Arial, of the same metrics, as substitute.
package report
