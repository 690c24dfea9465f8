package codec

import "encoding/binary"

// Layouts remembers headers that were read, to read the next ones that are like them several times faster. A client
// sends the same keys in the same order with each request of a kind, and most of the same values; so do other clients of
// its library, and brokers in their answers. What comes out is what [Header.Scan] returns, whatever was read before.
//
// It is for one goroutine, and for all connections of it: one that is idle costs nothing. The zero value is ready, nil
// remembers nothing. It holds at most 64 headers of up to 1 KiB with what is known of them, 250 KiB in all.
type Layouts struct {
	sets [layoutSets]layoutSet
}

const (
	layoutSets = 16
	layoutWays = 4
	// Some clients, those in Go, write ext fields in a random order. Of such headers, after so many in a row that are
	// like none before, only every 32nd is compared.
	hopeless  = 16
	hopeEvery = 32
	// learnEvery is how many headers must be like none in a full set until one is remembered. It costs three times a scan.
	learnEvery = 256
)

// layoutSet are the layouts of headers that begin alike, the one that was used last in front.
type layoutSet struct {
	layouts [layoutWays]*layout
	misses  uint32 // in a row
	missed  uint32 // since a layout was learned
}

// Scan is Header.Scan.
func (ls *Layouts) Scan(h *Header, raw []byte, enc Encoding) error {
	if ls == nil || len(raw) < 16 {
		return h.Scan(raw, enc)
	}
	set := ls.set(raw, enc)
	if set.match(h, raw, enc) {
		set.misses = 0
		return nil
	}
	err := h.Scan(raw, enc)
	if err == nil {
		set.miss(raw, h)
	}
	return err
}

// set chooses by what comes first in a header: the code, in what all clients and servers write.
func (ls *Layouts) set(raw []byte, enc Encoding) *layoutSet {
	var first uint64
	if enc == Binary {
		first = uint64(binary.LittleEndian.Uint32(raw)) // code, language, half the version
	} else {
		first = binary.LittleEndian.Uint64(raw[8:]) // behind {"code":
	}
	return &ls.sets[first*0x9e3779b97f4a7c15>>60]
}

func (set *layoutSet) match(h *Header, raw []byte, enc Encoding) bool {
	if set.misses >= hopeless && set.misses%hopeEvery != 0 {
		return false
	}
	for i, l := range &set.layouts {
		if l == nil {
			return false
		}
		if l.header.Encoding == enc && l.match(raw, h) {
			set.layouts[i], set.layouts[0] = set.layouts[0], l
			return true
		}
	}
	return false
}

// miss has the set remember a header that it did not know, now and then.
func (set *layoutSet) miss(raw []byte, h *Header) {
	set.misses++
	if set.missed++; set.layouts[layoutWays-1] != nil && set.missed < learnEvery {
		return
	}
	if l := newLayout(raw, h); l != nil {
		set.missed = 0
		copy(set.layouts[1:], set.layouts[:])
		set.layouts[0] = l
	}
}
