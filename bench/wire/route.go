//go:build linux

package wire

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// The one topic there is, on the one broker there is; a second name for it is that of another cluster's.
const (
	Topic       = "bench"
	BrokerName  = "broker-a"
	OtherBroker = "broker-b"
)

// Request is a request with a body of so many bytes.
func Request(code int32, ext map[string]string, body int) *codec.Command {
	return &codec.Command{Code: code, Language: codec.Java, Version: codec.Version5_5_0, Ext: ext, Body: []byte(strings.Repeat("x", body))}
}

// Call sends a request on a connection of its own, with TLS unless secure is nil. An answer with another code than
// success is an error, and is returned with it.
func Call(address string, secure *tls.Config, c *codec.Command) (*codec.Command, error) {
	nc, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	if secure != nil {
		nc = tls.Client(nc, secure)
	}
	nc.SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // a TCP socket that is open has deadlines
	if _, err := nc.Write(c.Append(nil, codec.JSON)); err != nil {
		return nil, err
	}
	answer, _, err := codec.ReadCommand(nc, codec.Limits{})
	if err != nil {
		return nil, fmt.Errorf("cannot read the answer of %s to request %d: %w", address, c.Code, err)
	}
	if answer.Code != codec.ResSuccess {
		return answer, fmt.Errorf("%s answered request %d with code %d: %s", address, c.Code, answer.Code, answer.Remark)
	}
	return answer, nil
}

// AskRoute does what a client does first: it asks a name server for the topic's route and takes the master's address.
func AskRoute(nameServer string, secure *tls.Config) (netip.AddrPort, error) {
	ask := Request(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": Topic, "acceptStandardJsonOnly": "true"}, 0)
	answer, err := Call(nameServer, secure, ask)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var route struct {
		BrokerDatas []struct{ BrokerAddrs map[string]string }
	}
	if err := json.Unmarshal(answer.Body, &route); err != nil {
		return netip.AddrPort{}, fmt.Errorf("cannot read the route from %s: %w", nameServer, err)
	}
	if len(route.BrokerDatas) == 0 {
		return netip.AddrPort{}, fmt.Errorf("the route from %s names no broker", nameServer)
	}
	return netip.ParseAddrPort(route.BrokerDatas[0].BrokerAddrs["0"])
}
