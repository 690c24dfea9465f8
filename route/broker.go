package route

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// BrokerID names one broker process: several brokers may share a name (master 0, slaves 1…).
type BrokerID struct {
	Name string
	ID   int64
}

// String is the form of configuration and state files, "broker-a/0".
func (b BrokerID) String() string { return b.Name + "/" + strconv.FormatInt(b.ID, 10) }

// Compare orders by name, then by id.
func (b BrokerID) Compare(o BrokerID) int {
	return cmp.Or(strings.Compare(b.Name, o.Name), cmp.Compare(b.ID, o.ID))
}

// ParseBrokerID reads what String writes. Only the last slash counts: a name may contain slashes.
func ParseBrokerID(s string) (BrokerID, error) {
	slash := strings.LastIndexByte(s, '/')
	if slash < 1 {
		return BrokerID{}, fmt.Errorf("cannot read the broker %q: no name before a slash; write name/id, for example broker-a/0", s)
	}
	id, err := strconv.ParseInt(s[slash+1:], 10, 64)
	if err != nil || s[slash+1:] != strconv.FormatInt(id, 10) {
		return BrokerID{}, fmt.Errorf("cannot read the broker %q: the id after the slash is not a plain integer; write name/id, for example broker-a/0", s)
	}
	return BrokerID{Name: s[:slash], ID: id}, nil
}

// Broker is a broker process as a name server knows it.
type Broker struct {
	BrokerID
	Cluster string // RocketMQ's cluster name, not the proxy's
	Address string // where the proxy dials: of IPv6 with brackets, whether the name server wrote them or not
}
