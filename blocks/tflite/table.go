package tflite

import (
	"encoding/binary"
	"errors"
	"math"
)

// data is a flatbuffer that may come from anywhere. Every offset is checked before it is used. Tables may
// overlap and be used many times, so what is copied out of them is charged to a budget.
type data struct {
	b      []byte
	budget *int // bytes that may still be copied
}

func newData(file []byte) data {
	budget := 32*len(file) + 1<<20
	return data{file, &budget}
}

// charge takes n bytes from the budget.
func (d data) charge(n int) error {
	if *d.budget -= n; *d.budget < 0 {
		return errors.New("its tables are used so often that they would take much more memory than the file")
	}
	return nil
}

// table is a table of a flatbuffer: its place, and that of the offsets of its fields.
type table struct {
	d      data
	at     int
	fields []byte // two bytes a field; 0 where it is missing
}

// tableBytes is charged for each table of a list: what a tensor or an operator takes in memory.
const tableBytes = 160

var errOffset = errors.New("an offset points beyond the file: it is damaged, or was cut off: export it again")

// at returns n bytes from position i on, nil where the file ends before.
func (d data) at(i, n int) []byte {
	if i < 0 || n < 0 || i > len(d.b)-n {
		return nil
	}
	return d.b[i : i+n]
}

// follow returns where the offset that is stored at i points to.
func (d data) follow(i int) (int, error) {
	b := d.at(i, 4)
	if b == nil {
		return 0, errOffset
	}
	off := int64(binary.LittleEndian.Uint32(b))
	if off == 0 || off >= int64(len(d.b)-i) {
		return 0, errOffset
	}
	return i + int(off), nil
}

// table returns the table at position i.
func (d data) table(i int) (table, error) {
	b := d.at(i, 4)
	if b == nil {
		return table{}, errOffset
	}
	v := int64(i) - int64(int32(binary.LittleEndian.Uint32(b)))
	if v < 0 || v > int64(len(d.b)) {
		return table{}, errOffset
	}
	head := d.at(int(v), 4)
	if head == nil {
		return table{}, errOffset
	}
	size := int(binary.LittleEndian.Uint16(head))
	if size < 4 || size%2 != 0 {
		return table{}, errors.New("a table of a wrong size: the file is damaged: export it again")
	}
	fields := d.at(int(v)+4, size-4)
	if fields == nil {
		return table{}, errOffset
	}
	return table{d, i, fields}, nil
}

// field returns where field number k is, 0 if it is missing.
func (t table) field(k int) int {
	if 2*k+2 > len(t.fields) {
		return 0
	}
	off := int(binary.LittleEndian.Uint16(t.fields[2*k:]))
	if off == 0 {
		return 0
	}
	return t.at + off
}

// number returns a field of n bytes as an unsigned number, or missing.
func (t table) number(k, n int, missing uint64) (uint64, error) {
	i := t.field(k)
	if i == 0 {
		return missing, nil
	}
	b := t.d.at(i, n)
	if b == nil {
		return 0, errOffset
	}
	var v uint64
	for j := n - 1; j >= 0; j-- {
		v = v<<8 | uint64(b[j])
	}
	return v, nil
}

func (t table) byte(k int, missing byte) (byte, error) {
	v, err := t.number(k, 1, uint64(missing))
	return byte(v), err
}

func (t table) int(k int, missing int32) (int32, error) {
	v, err := t.number(k, 4, uint64(uint32(missing)))
	return int32(v), err
}

func (t table) float(k int, missing float32) (float32, error) {
	v, err := t.number(k, 4, uint64(math.Float32bits(missing)))
	return math.Float32frombits(uint32(v)), err
}

// vector returns the bytes of a vector's elements of size bytes each, nil for a missing one, and where they begin.
func (t table) vector(k, size int) (elems []byte, at int, err error) {
	i := t.field(k)
	if i == 0 {
		return nil, 0, nil
	}
	if i, err = t.d.follow(i); err != nil {
		return nil, 0, err
	}
	b := t.d.at(i, 4)
	if b == nil {
		return nil, 0, errOffset
	}
	n := int64(binary.LittleEndian.Uint32(b))
	if n*int64(size) > int64(len(t.d.b)) {
		return nil, 0, errOffset
	}
	if elems = t.d.at(i+4, int(n)*size); elems == nil {
		return nil, 0, errOffset
	}
	return elems, i + 4, nil
}

// text returns a string.
func (t table) text(k int) (string, error) {
	b, _, err := t.vector(k, 1)
	if err != nil {
		return "", err
	}
	return string(b), t.d.charge(len(b))
}

// ints returns a vector of 32-bit integers.
func (t table) ints(k int) ([]int, error) {
	b, _, err := t.vector(k, 4)
	if err != nil || b == nil {
		return nil, err
	}
	if err := t.d.charge(2 * len(b)); err != nil {
		return nil, err
	}
	v := make([]int, len(b)/4)
	for i := range v {
		v[i] = int(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
	return v, nil
}

// child returns the table that a field points to; ok is false for a missing one.
func (t table) child(k int) (c table, ok bool, err error) {
	i := t.field(k)
	if i == 0 {
		return table{}, false, nil
	}
	if i, err = t.d.follow(i); err != nil {
		return table{}, false, err
	}
	c, err = t.d.table(i)
	return c, err == nil, err
}

// tables calls f with each table of a vector.
func (t table) tables(k int, f func(i int, c table) error) error {
	b, at, err := t.vector(k, 4)
	if err != nil {
		return err
	}
	for i := range len(b) / 4 {
		j, err := t.d.follow(at + 4*i)
		if err != nil {
			return err
		}
		c, err := t.d.table(j)
		if err == nil {
			err = t.d.charge(tableBytes)
		}
		if err != nil {
			return err
		}
		if err := f(i, c); err != nil {
			return err
		}
	}
	return nil
}
