package rewrite

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Lookup maps a broker's own address, as it stands in store hosts, to the address that clients are told for that very
// broker: a slave hands out messages with its master's store host. ok is false for an address that is not a broker of
// the cluster. The advertised port must never be that of a VIP listener: clients take 2 off by themselves.
type Lookup func(own netip.AddrPort) (advertised netip.AddrPort, ok bool)

// advertise is lookup without addresses of the other family, which would not fit into the place of own.
func (lookup Lookup) advertise(own netip.AddrPort) (netip.AddrPort, bool) {
	own = netip.AddrPortFrom(own.Addr().Unmap(), own.Port())
	told, ok := lookup(own)
	host := told.Addr().Unmap()
	return netip.AddrPortFrom(host, told.Port()), ok && host.IsValid() && host.Is4() == own.Addr().Is4()
}

// Hosts says where a frame has store hosts. The zero value: nowhere.
type Hosts struct {
	IDs     string // the ext field with a comma list of offset message ids; "" for none
	Address string // the ext field with a store host as "ip:port"; "" for none
	Body    bool   // the body is stored messages, one behind the other
}

// InAnswer says where the answer to a request of this code has store hosts.
func InAnswer(requestCode int32) Hosts {
	switch requestCode {
	case codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage:
		return Hosts{IDs: "msgId"}
	case codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy, codec.ReqPeekMessage,
		codec.ReqQueryMessage, codec.ReqViewMessageByID:
		return Hosts{Body: true}
	}
	return Hosts{}
}

// InRequest says where a request that a broker sends to a client has store hosts.
func InRequest(code int32) Hosts {
	switch code {
	case codec.ReqCheckTransactionState:
		return Hosts{IDs: "offsetMsgId", Body: true}
	case codec.ReqConsumeMessageDirectly:
		return Hosts{Body: true}
	case codec.ReqPushReplyMessageToClient:
		return Hosts{Address: "storeHost"}
	}
	return Hosts{}
}

// Head rewrites the ext fields that at names. head is the frame's prefix and header, which h was scanned from; bodyLen
// is the length of its body. Message ids are changed in place. A new head is returned when the length changes, else nil.
func (at Hosts) Head(head []byte, h *codec.Header, bodyLen int, lookup Lookup) []byte {
	if at.IDs != "" {
		if ids, ok := h.Ext(head[codec.PrefixLen:], at.IDs); ok {
			MessageIDs(ids, lookup) // of a value with escapes, which no broker writes, it is a copy
		}
	}
	if at.Address == "" {
		return nil
	}
	old := h.ExtString(head[codec.PrefixLen:], at.Address)
	told, ok := storeHost(old, lookup)
	if !ok || told == old {
		return nil
	}
	changed, _ := codec.WithExt(head, h, bodyLen, at.Address, told)
	return changed
}

// storeHost maps an "ip:port". Brokers write it as Java's InetSocketAddress#toString does: behind a slash, in front of
// which a name may stand, and IPv6 addresses with or without brackets by the version of Java.
func storeHost(old string, lookup Lookup) (string, bool) {
	slash := strings.LastIndexByte(old, '/') + 1
	host, port, err := route.SplitAddress(old[slash:])
	if err != nil {
		return "", false
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "", false
	}
	told, ok := lookup.advertise(netip.AddrPortFrom(ip, port))
	return old[max(slash-1, 0):slash] + told.Addr().String() + ":" + strconv.Itoa(int(told.Port())), ok
}
