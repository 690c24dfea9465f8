//go:build linux

package wire

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// frames cuts a stream of bytes into frames, keeping only their heads (prefix and header): bodies are counted, not
// looked at. It trusts the peer more than codec.Splitter does, because sink and generator must cost less than what
// they measure.
type frames struct {
	head []byte // of the frame that is still arriving
	body int    // bytes of its body that are still to come; counts once the head is complete
}

// ErrNoFrame is the end of a connection that sent something else.
var ErrNoFrame = errors.New("what came is no frame")

// maxHead bounds what a peer can make us collect.
const maxHead = 1 << 20

// feed calls each for every frame that ends in b. The head is good until each returns.
func (f *frames) feed(b []byte, each func(head []byte)) error {
	for len(b) > 0 {
		if f.body > 0 {
			n := min(f.body, len(b))
			f.body -= n
			b = b[n:]
			if f.body == 0 {
				each(f.head)
				f.head = f.head[:0]
			}
			continue
		}
		if len(f.head) == 0 && len(b) >= codec.PrefixLen {
			if head, total := measure(b); head > 0 && total <= len(b) {
				each(b[:head])
				b = b[total:]
				continue
			}
		}
		n, err := f.collect(b)
		if err != nil {
			return err
		}
		b = b[n:]
		if f.body == 0 && f.complete() {
			each(f.head)
			f.head = f.head[:0]
		}
	}
	return nil
}

// measure reads a prefix: bytes up to the body and of the whole frame. head is 0 when it makes no sense.
func measure(b []byte) (head, total int) {
	total = int(int32(binary.BigEndian.Uint32(b))) + 4
	head = codec.PrefixLen + int(binary.BigEndian.Uint32(b[4:])&0xffffff)
	if head > total || head > maxHead {
		return 0, 0
	}
	return head, total
}

// collect takes bytes of b that belong to the head that is arriving.
func (f *frames) collect(b []byte) (n int, err error) {
	if len(f.head) < codec.PrefixLen {
		n = min(codec.PrefixLen-len(f.head), len(b))
		f.head = append(f.head, b[:n]...)
		if len(f.head) < codec.PrefixLen {
			return n, nil
		}
	}
	head, total := measure(f.head)
	if head == 0 {
		return n, ErrNoFrame
	}
	m := min(head-len(f.head), len(b)-n)
	f.head = append(f.head, b[n:n+m]...)
	if len(f.head) == head {
		f.body = total - head
	}
	return n + m, nil
}

// complete tells a head that is there as a whole.
func (f *frames) complete() bool {
	if len(f.head) < codec.PrefixLen {
		return false
	}
	head, _ := measure(f.head)
	return len(f.head) == head
}

// CodeOf reads the code of a head made by this program or by codec.Command, which write it first; -1: it is not there.
func CodeOf(head []byte) int {
	h := head[codec.PrefixLen:]
	if head[4] == byte(codec.Binary) {
		return int(int16(binary.BigEndian.Uint16(h)))
	}
	key := []byte(`{"code":`)
	if !bytes.HasPrefix(h, key) {
		return -1
	}
	return number(h[len(key):])
}

var opaqueKey = []byte(`"opaque":`)

// OpaqueOf reads the opaque of a head; -1: it is not there.
func OpaqueOf(head []byte) int {
	h := head[codec.PrefixLen:]
	if head[4] == byte(codec.Binary) {
		return int(int32(binary.BigEndian.Uint32(h[5:])))
	}
	at := bytes.Index(h, opaqueKey)
	if at < 0 {
		return -1
	}
	return number(h[at+len(opaqueKey):])
}

func number(b []byte) (n int) {
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			break
		}
		n = n*10 + int(ch-'0')
	}
	return n
}
