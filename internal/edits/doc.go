// Package edits changes networks that are there: it finds what could be cheaper in a network's graph, and makes
// the network with that changed. The graph may come from anywhere; its blocks are those that package structure
// marks.
//
// An edit here rewrites a graph. A difference in genes, which package improve lists between two networks of one
// space, is of another kind: it needs a space that both networks lie in.
package edits
