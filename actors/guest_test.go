package actors_test

import (
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// guest is a client of the proxy.
type guest struct {
	t      *testing.T
	nc     net.Conn
	opaque int32
	// language of its requests; Java unless told otherwise
	language codec.Language
}

func (g *guest) send(c *codec.Command) {
	g.t.Helper()
	g.opaque++
	c.Opaque, c.Version, c.Language = g.opaque, codec.Version5_5_0, g.language
	_, err := g.nc.Write(c.Append(nil, codec.JSON))
	require.NoError(g.t, err)
	synctest.Wait()
}

// next is the next frame from the proxy, which must come within a minute.
func (g *guest) next() *codec.Command {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Minute))
	c, err := readCommand(g.nc)
	require.NoError(g.t, err)
	return c
}

// ask sends a request and returns the code of the answer.
func (g *guest) ask(c *codec.Command) int32 {
	g.t.Helper()
	g.send(c)
	return g.next().Code
}

// broken requires that the connection ends now, with nothing more to read.
func (g *guest) broken() {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	rest, err := io.ReadAll(g.nc)
	require.NoError(g.t, err, "it is still open")
	require.Empty(g.t, rest)
}

// open requires that the connection is open and has nothing to read.
func (g *guest) open() {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	var b [1]byte
	_, err := g.nc.Read(b[:])
	require.ErrorIs(g.t, err, os.ErrDeadlineExceeded, "something was there to read, or it was closed")
}

func readCommand(r io.Reader) (*codec.Command, error) {
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(r, b[4:]); err != nil {
		return nil, err
	}
	c, _, err := codec.Decode(b, codec.Limits{})
	return c, err
}

func consumerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"c","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[]}`)}
}

func producerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"p","consumerDataSet":[],"producerDataSet":[{"groupName":"g"}]}`)}
}
