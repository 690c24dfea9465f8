package grpc

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// assembly puts whole frames together from an upstream's chunks, which cut bodies through.
type assembly struct {
	limits codec.Limits
	part   []byte // of a frame that goes on in the next chunk
	size   int    // of that frame; 0: there is none
}

// take goes through what was delivered and calls each with the frames that are whole. The frames are copies: calls keep
// bodies.
func (a *assembly) take(m *messages.Deliver, each func(*codec.Command)) error {
	ch := m.Chunk
	lead := min(ch.Lead(), m.To)
	if a.size > 0 && m.From < lead {
		a.part = append(a.part, ch.B[m.From:lead]...)
		if err := a.whole(each); err != nil {
			return err
		}
	}
	for i := range ch.Frames {
		f := &ch.Frames[i]
		if f.Off < m.From || f.Off >= m.To {
			continue
		}
		a.size = f.End - f.Off
		a.part = append(make([]byte, 0, min(a.size, firstPart)), ch.B[f.Off:min(f.End, m.To)]...)
		if err := a.whole(each); err != nil {
			return err
		}
	}
	return nil
}

// firstPart is what is made room for at once, in bytes; the rest grows with what comes.
const firstPart = 64 << 10

// whole decodes the frame if all of it has come.
func (a *assembly) whole(each func(*codec.Command)) error {
	if len(a.part) < a.size {
		return nil
	}
	frame := a.part
	a.part, a.size = nil, 0
	c, _, err := codec.Decode(frame, a.limits)
	if err != nil {
		return err
	}
	each(c)
	return nil
}
