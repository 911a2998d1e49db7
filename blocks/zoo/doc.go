// Package zoo holds the reference networks of the literature, by name.
//
// A network is asked for by a spec: a name, and after an @ the options that
// differ from the published base form.
//
//	zoo.Get("mobilenet_v2")
//	zoo.Get("mobilenet_v2@width=0.75,res=192")
//	zoo.Get("fast_scnn@res=512x1024,classes=3")
//
// Every definition is a table of numbers and the paper it comes from; params
// and MACs equal independent counts to the unit (see testdata). Published
// figures that are counted differently are listed with the reason, see [Figure].
package zoo
