package runstore

import (
	"math"
	"strings"

	"nas/search"
)

// The keys of the values that a run computes of each network. An objective of the run stands among
// the objectives of a trial, every other value among its parts.
const (
	KeyLatency     = "latency_ms" // of the only device; see [LatencyKey]
	KeyAccuracy    = "accuracy"
	KeyParams      = "params"
	KeyMACs        = "macs"
	KeyActivations = "peak_activation_bytes"
	KeyWeights     = "weight_bytes"
)

// LatencyKey is the key of the latency on one of a run's devices, which has the name that the
// config gives its profile: "latency_ms@pixel7", or "latency_ms" for the profile without a name.
func LatencyKey(device string) string {
	if device == "" {
		return KeyLatency
	}
	return KeyLatency + "@" + device
}

// IsLatency reports whether a key is that of a latency on any device, or of a part of one.
func IsLatency(key string) bool { return strings.HasPrefix(key, KeyLatency) }

// Value is a figure of a network with its 90 % interval.
type Value struct {
	Mid       float64 // NaN where the network has no such value
	Low, High float64 // NaN where there is no interval
	// BetweenSD is the standard deviation of the error that the value does not share with those of
	// other networks: the part that can change an order. 0 where it is not known.
	BetweenSD float64
}

// HasInterval reports whether the value is uncertain.
func (v Value) HasInterval() bool { return v.Low < v.High }

// Field is where a trial holds a [Value]: the keys of its parts.
type Field struct{ mid, low, high, betweenSD string }

// FieldOf returns the field of the value with that key.
func FieldOf(key string) Field { return Field{key, key + "_low", key + "_high", key + "_between_sd"} }

// Key is the key of the value itself, the name of the objective where it is one.
func (f Field) Key() string { return f.mid }

// Has reports whether a key is one of the field's.
func (f Field) Has(key string) bool {
	return key == f.mid || key == f.low || key == f.high || key == f.betweenSD
}

// Of reads the value from a result.
func (f Field) Of(r *search.Result) Value {
	return Value{Mid: Number(r, f.mid), Low: part(r, f.low), High: part(r, f.high), BetweenSD: r.Parts[f.betweenSD]}
}

// Set stores a value in a result, whose maps must not be nil. What the value lacks is left out.
func (f Field) Set(r *search.Result, v Value, objective bool) {
	if objective {
		r.Objectives[f.mid] = v.Mid
	} else {
		r.Parts[f.mid] = v.Mid
	}
	if !math.IsNaN(v.Low) {
		r.Parts[f.low], r.Parts[f.high] = v.Low, v.High
	}
	if v.BetweenSD > 0 {
		r.Parts[f.betweenSD] = v.BetweenSD
	}
}

// Clear removes the value from a result.
func (f Field) Clear(r *search.Result) {
	delete(r.Objectives, f.mid)
	for _, key := range []string{f.mid, f.low, f.high, f.betweenSD} {
		delete(r.Parts, key)
	}
}

// Number is the objective or else the part of a result with that key; NaN where it has neither.
func Number(r *search.Result, key string) float64 {
	if v, ok := r.Objectives[key]; ok {
		return v
	}
	return part(r, key)
}

func part(r *search.Result, key string) float64 {
	if v, ok := r.Parts[key]; ok {
		return v
	}
	return math.NaN()
}
