package embedded

import (
	"encoding/binary"
	"errors"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// batchItem is one message of a batch.
type batchItem struct {
	flag       int32
	body       []byte
	properties properties
}

var errBatch = errors.New("the batch is cut short or malformed")

// readBatch takes the body of a batch apart (MessageDecoder.java#decodeMessage): total size, magic, CRC, flag, body
// with a length of 4 bytes, properties with one of 2.
func readBatch(b []byte) ([]batchItem, error) {
	var items []batchItem
	for len(b) > 0 {
		if len(b) < 22 {
			return nil, errBatch
		}
		size := int(int32(binary.BigEndian.Uint32(b)))
		bodyLen := int(int32(binary.BigEndian.Uint32(b[16:])))
		if size < 22 || size > len(b) || bodyLen < 0 || bodyLen > size-22 {
			return nil, errBatch
		}
		at := 20 + bodyLen
		propsLen := int(binary.BigEndian.Uint16(b[at:]))
		if at+2+propsLen > size {
			return nil, errBatch
		}
		items = append(items, batchItem{
			flag: int32(binary.BigEndian.Uint32(b[12:])), body: b[20:at],
			properties: properties(b[at+2 : at+2+propsLen]),
		})
		b = b[size:]
	}
	if len(items) == 0 {
		return nil, errBatch
	}
	return items, nil
}

// sendBatch handles 320. The messages are stored one by one, in one queue.
func (b *Broker) sendBatch(r *request) *codec.Command {
	h, err := r.sendHeader()
	if err != nil {
		return r.illegal(err)
	}
	if refusal := b.admit(r, &h); refusal != nil {
		return refusal
	}
	items, err := readBatch(r.Body)
	if err != nil {
		return r.refuse(codec.ResMessageIllegal, "%v", err)
	}
	var first *record
	ids := make([]string, 0, len(items))
	for _, item := range items {
		m := b.newMessage(r, &h, item.body, item.properties)
		m.flag = item.flag
		if refusal := b.checkSize(r, m); refusal != nil {
			return refusal
		}
		rec := b.set.put(b.set.topics[h.topic], m)
		if first == nil {
			first = rec
		}
		ids = append(ids, rec.id())
	}
	return r.sent(first, h.queue, strings.Join(ids, ","), "")
}
