package codec

// Frame is one frame that begins in a run of bytes. Offsets count from the start of that run.
type Frame struct {
	Off     int // first byte of the frame
	BodyOff int // first byte of its body; the header is complete, so BodyOff <= len(run)
	End     int // one past its last byte; may lie beyond the run: the body goes on in the next ones
	Header  Header
}

// Splitter finds the frames in a stream of bytes that arrives in pieces of any size. It keeps only numbers, never
// bytes: what it could not use yet (the start of a frame whose header is incomplete) the caller presents again.
// The zero value with Limits set is ready.
type Splitter struct {
	Limits Limits
	rest   int // body bytes of the current frame that are still to come
}

// Rest is the number of body bytes of the current frame that have not come yet; 0 at a frame boundary.
func (s *Splitter) Rest() int { return s.rest }

// Split appends to dst the frames that begin in b. used is the number of bytes accounted for: b[used:] is the start
// of a frame whose header is not complete; the next call must begin with these bytes. b[:frames[0].Off] (or b[:used]
// when there is none) continues the body of the frame before. After an error the frames before it are still good.
func (s *Splitter) Split(b []byte, dst []Frame) (frames []Frame, used int, err error) {
	return s.SplitUsing(nil, b, dst)
}

// SplitUsing is Split, faster with headers that the layouts have met before.
func (s *Splitter) SplitUsing(known *Layouts, b []byte, dst []Frame) (frames []Frame, used int, err error) {
	off := 0
	if s.rest > 0 {
		n := min(s.rest, len(b))
		s.rest -= n
		off = n
	}
	for len(b)-off >= PrefixLen {
		p, err := ReadPrefix(b[off:], s.Limits)
		if err != nil {
			return dst, off, err
		}
		body := off + p.BodyOff()
		if body > len(b) {
			return dst, off, nil
		}
		dst = append(dst, Frame{Off: off, BodyOff: body, End: off + p.Size})
		f := &dst[len(dst)-1]
		if err := known.Scan(&f.Header, b[off+PrefixLen:body], p.Encoding); err != nil {
			return dst[:len(dst)-1], off, err
		}
		if f.End > len(b) {
			s.rest = f.End - len(b)
			return dst, len(b), nil
		}
		off = f.End
	}
	return dst, off, nil
}
