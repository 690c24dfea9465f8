package system

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKindIsReadOffTheID(t *testing.T) {
	for id, kind := range map[string]string{
		"proxy":                                                      "proxy",
		"proxy/stats":                                                "stats",
		"proxy/cluster/main":                                         "cluster",
		"proxy/listener/office":                                      "listener",
		"proxy/listener/connection":                                  "listener", // names may be the words of other kinds
		"proxy/cluster/listener":                                     "cluster",
		"proxy/listener/a/connections":                               "connections",
		"proxy/listener/stats/acceptor/127.0.0.1:9876":               "acceptor",
		"proxy/listener/office/acceptor/[::1]:9876":                  "acceptor",
		"proxy/cluster/main/nameserver/ns.example.com:9876":          "nameserver",
		"proxy/listener/office/connections/connection$3":             "connection",
		"proxy/listener/office/connections/connection$3/upstream$1":  "upstream",
		"proxy/listener/office/connections/connection$12/request$1z": "request",
	} {
		require.Equal(t, kind, Kind(id), id)
	}
}
