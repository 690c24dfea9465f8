package server

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// A predecessor that is killed while it hands over is told of, with what had come; one that only looks is not.
func TestHandOverThatBreaksOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	f := serveFile(t, "hand_over = '"+path+"'\n"+clusterTable("main", rocketMQ(t, embedded.Options{}).NameServers()...)+listenerTable("office", "127.0.0.1:0", ""))
	looker, err := net.Dial("unix", path)
	require.NoError(t, err)
	_, err = looker.Read(make([]byte, 1))
	require.NoError(t, err)
	looker.Close() // with a part of the hello unread, which resets it
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	l := &line{nc: nc, patience: patience}
	var hi hello
	_, err = l.receive(&hi)
	require.NoError(t, err)
	require.NoError(t, l.send(request{State: &messages.ConnectionState{Listener: "office"}}))
	var r reply
	_, err = l.receive(&r)
	require.NoError(t, err)
	require.Equal(t, "no socket came with it", r.Refused)
	_, err = nc.Write([]byte{0, 0, 0, 100, '{'})
	require.NoError(t, err)
	l.close()
	f.await(func() bool {
		return strings.Contains(f.output.String(), `msg="connections were taken over" connections=0 refused=1`)
	}, "the end is told")
	require.Equal(t, 1, strings.Count(f.output.String(), "a hand-over broke off"))
}
