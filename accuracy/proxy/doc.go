// Package proxy has the training-free scores of networks. Only the order of their
// values means anything.
//
// Closed formulas cost microseconds: params, macs, depth, entropy, profile, synflow.
// The others run the network once with random weights at a fraction of its
// resolution: naswot and its relatives naswot_sqrt, naswot_even and naswot_spread,
// and zen.
package proxy
