// Package compare sets networks, devices and runs beside each other: which networks change places between two
// devices, where two networks spend their time, and whose front is ahead on one device.
package compare
