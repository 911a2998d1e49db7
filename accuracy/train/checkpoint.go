package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"nas/accuracy/images"
	"nas/blocks"
	"nas/internal/fault"
)

// identity is what a checkpoint must agree with: what the weights depend on.
type identity struct {
	Network string  `json:"network"` // a hash
	Data    string  `json:"data"`    // the same
	Options Options `json:"options"`
}

func identify(n *blocks.Network, set *images.Set, o Options) (identity, error) {
	bare := *n
	bare.Name, bare.Meta = "", nil
	text, err := json.Marshal(&bare)
	if err != nil {
		return identity{}, err
	}
	sum := sha256.Sum256(text)
	o.Workers = 0
	return identity{hex.EncodeToString(sum[:8]), set.Hash(), o}, nil
}

// header is the text of a checkpoint. Behind it stand the values of the parameters, the optimizer's one or two moments,
// the averaged parameters and the moving statistics, as little-endian float32, and the SHA-256 of all before.
type header struct {
	identity
	Epochs int     `json:"epochs_done"`
	Curve  []Epoch `json:"curve"`
}

const magic = "nas-train-1\n"

// vectors are what a checkpoint holds besides its header.
func (t *Trainer) vectors() [][]float32 {
	return [][]float32{t.present, t.opt.first, t.opt.second, t.ema, t.moving}
}

// Save writes a checkpoint. A trainer that loads it goes on with the same bits.
func (t *Trainer) Save(w io.Writer) error {
	text, err := json.Marshal(header{t.id, t.epoch, t.curve})
	if err != nil {
		return fault.Errorf("train: %w", err)
	}
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
	b.Write(text)
	for _, v := range t.vectors() {
		for _, x := range v {
			b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
		}
	}
	sum := sha256.Sum256(b.Bytes())
	b.Write(sum[:])
	_, err = b.WriteTo(w)
	return err
}

// Load takes the state of a checkpoint. It must be of the same network, images and options.
func (t *Trainer) Load(data []byte) error {
	if len(data) < len(magic)+8+sha256.Size || string(data[:len(magic)]) != magic {
		return fault.New("train: it is no checkpoint of a training")
	}
	body := data[:len(data)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return fault.New("train: the checkpoint is damaged: its checksum is not that of its contents; remove it and begin " +
			"anew")
	}
	n := binary.LittleEndian.Uint64(body[len(magic):])
	rest := body[len(magic)+8:]
	if n > uint64(len(rest)) {
		return fault.New("train: the checkpoint is damaged; remove it and begin anew")
	}
	var h header
	if err := json.Unmarshal(rest[:n], &h); err != nil {
		return fault.Errorf("train: the checkpoint is damaged: %w", err)
	}
	if err := t.id.differs(h.identity); err != nil {
		return err
	}
	rest = rest[n:]
	want := 0
	for _, v := range t.vectors() {
		want += 4 * len(v)
	}
	if len(rest) != want {
		return fault.Errorf("train: the checkpoint holds %d bytes of values, want %d", len(rest), want)
	}
	for _, v := range t.vectors() {
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(rest))
			rest = rest[4:]
		}
	}
	t.epoch, t.curve = h.Epochs, h.Curve
	return nil
}

// differs says in what a checkpoint's training was another.
func (a identity) differs(b identity) error {
	switch {
	case a == b:
		return nil
	case a.Network != b.Network:
		return fault.New("train: the checkpoint is of another network")
	case a.Data != b.Data:
		return fault.New("train: the checkpoint is of a training on other images")
	}
	return fault.Errorf("train: the checkpoint is of a training with other options: %s",
		fmt.Sprintf("it had %+v, and these are %+v", b.Options, a.Options))
}
