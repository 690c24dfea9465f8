package rewrite

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Edited returns the prefix and header of a request with what route decided to change in it; the body, bodyLen bytes,
// follows unchanged. The result may be head, changed in place.
func Edited(head []byte, h *codec.Header, bodyLen int, e *route.Edit) []byte {
	if e.Handle != "" {
		if more, ok := codec.WithMoreExt(head, h, bodyLen, "extraInfo", e.Handle); ok {
			head = more
		}
	}
	head, _ = codec.SetCode(head, h, bodyLen, e.Code)
	return head
}
