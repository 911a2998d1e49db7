// Package structure finds the stages and blocks of a network from its graph.
//
// A network that this module builds carries the stage and the block of each node. A
// network from another program does not: [Mark] sets them as the networks of
// blocks/zoo have them.
package structure
