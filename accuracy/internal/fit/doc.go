// Package fit fits the model of package imagenet to the tables of package benchmark and says what it is worth, by
// models that had not seen a network: without its fold of the first level's table, or without its family of the second
// level's. The command makemodel writes the model's file. Package judge reads the estimates of the families.
package fit
